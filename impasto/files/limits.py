"""Files as they come from others: regular and of a bounded size, before anything opens them.

Opening a pipe waits for ever, a device has no end, and a reader that trusts a size takes whatever
memory a stranger names.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

from impasto.errors import ImpastoError

__all__ = ["MAX_HEADER", "check", "check_tensors", "told"]

MAX_HEADER = 2**20
"""The longest header of a safetensors file, in bytes; ours have some thousand."""

_LONGEST = 200  # characters of another library's complaint that a message repeats


def check(path: Path, most: int, error: type[ImpastoError]) -> None:
    """Refuse what is no regular file, or a link to one, with 1 to `most` bytes.

    Raises:
        error: it is missing, empty, too large, a folder, a pipe or a device.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as problem:  # no name holds a zero byte
        if isinstance(problem, FileNotFoundError | NotADirectoryError):
            raise error(f"There is no file {path}: check the name and the folder.") from None
        reason = getattr(problem, "strerror", None) or problem
        raise error(f"{path} cannot be read ({reason}): check its name and permissions.") from None
    if stat.S_ISDIR(found.st_mode):
        raise error(f"{path} is a folder: give a file.")
    if not stat.S_ISREG(found.st_mode):
        raise error(f"{path} is not a regular file: save it to one first.")
    if found.st_size == 0:
        raise error(f"{path} is empty, so it is damaged or was never written. Get the file again.")
    if found.st_size > most:
        raise error(
            f"{path} has {found.st_size:,} bytes; at most {most:,} are read. Check that it is the "
            "right file."
        )


def check_tensors(path: Path, most: int, error: type[ImpastoError]) -> None:
    """`check` of a safetensors file, whose header may have `MAX_HEADER` bytes.

    The header is JSON that is parsed in whole: one of a hundred megabytes, which the format
    allows, takes gigabytes.

    Raises:
        error: as `check`, or a header that is too long or not all there.
    """
    check(path, most, error)
    try:
        with path.open("rb") as file:
            head = file.read(8)
            size = os.fstat(file.fileno()).st_size
    except OSError as problem:
        raise error(f"{path} cannot be read ({problem.strerror or problem}).") from None
    length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
    if not 2 <= length <= min(MAX_HEADER, size - 8):
        raise error(
            f"{path} is damaged, cut short or no safetensors file: its header would have "
            f"{length:,} bytes. Get the file again."
        )


def told(problem: object) -> str:
    """What another library says, as one short printable line without its full stop."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(str(problem).split()))
    return (line if len(line) <= _LONGEST else line[:_LONGEST] + "…").rstrip(" .")
