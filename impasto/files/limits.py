"""Limits on files that anybody may have written, checked before anything opens them.

Opening a pipe waits for ever, a device has no end, and a reader that trusts a size takes as much
memory as the file names.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path

from impasto.errors import ImpastoError

__all__ = ["MAX_HEADER", "check", "check_tensors", "short_message"]

MAX_HEADER = 2**20
"""The longest header of a safetensors file, in bytes; ours have some thousand."""

_LONGEST = 200  # characters of another library's message that ours repeats


def check(path: Path, most: int, error: type[ImpastoError]) -> None:
    """Check that a path is a regular file, or a link to one, with 1 to `most` bytes.

    Raises:
        error: it is missing, empty, too large, a folder, a pipe or a device.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as problem:  # a ValueError for a name with a zero byte
        if isinstance(problem, FileNotFoundError | NotADirectoryError):
            raise error(f"{path} does not exist: check the name and the folder.") from None
        if getattr(problem, "errno", None) == errno.ELOOP:
            raise error(f"{path} is a link that leads to itself: name the file.") from None
        reason = getattr(problem, "strerror", None) or problem
        raise error(f"{path} cannot be read ({reason}): check its name and permissions.") from None
    if stat.S_ISDIR(status.st_mode):
        raise error(f"{path} is a folder: give a file.")
    if not stat.S_ISREG(status.st_mode):
        raise error(f"{path} is not a regular file: save it to one first.")
    if status.st_size == 0:
        raise error(f"{path} is empty, so it is damaged or was never written. Get the file again.")
    if status.st_size > most:
        raise error(
            f"{path} has {status.st_size:,} bytes; at most {most:,} are read. Check that it is the "
            "right file."
        )


def check_tensors(path: Path, most: int, error: type[ImpastoError]) -> None:
    """Check a safetensors file as `check` does, and that its header has at most `MAX_HEADER` bytes.

    The header is JSON that is parsed at once: one of a hundred megabytes, which the format allows,
    takes gigabytes.

    Raises:
        error: as `check`, or the header is too long or cut short.
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
            f"{path} is damaged, cut short or not a safetensors file: its header would have "
            f"{length:,} bytes. Get the file again."
        )


def short_message(problem: object) -> str:
    """Return another library's message as one short printable line without its full stop."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(str(problem).split()))
    return (line if len(line) <= _LONGEST else line[:_LONGEST] + "…").rstrip(" .")
