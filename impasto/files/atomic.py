"""Files that are written completely or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from impasto.errors import ImpastoError, PictureError
from impasto.files.names import resolved

__all__ = ["TEMPORARY", "check_target", "explained", "opened", "replace", "replacing", "sync"]

TEMPORARY = ".impasto-*.tmp"
"""The names of temporary files; a process that is killed while it writes leaves one."""

_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}  # of file systems that cannot do it
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def check_target(
    path: Path, *, force: bool = False, error: type[ImpastoError] = PictureError
) -> None:
    """Fail now if a file could not be written at `path` later.

    The folder is tried by making an empty file in it: its permissions say nothing of read-only
    discs, nor of the administrator.

    Raises:
        error: the folder is missing or cannot be written to, or `path` exists without `force`.
    """
    target = _resolve(path, error)
    try:
        _check(target, path, force, error)
        probe = _temporary(target)
        try:
            probe.open("xb").close()
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
    except OSError as problem:
        raise error(explained(path, problem)) from problem


def replace(
    path: Path, data: bytes, *, force: bool = False, error: type[ImpastoError] = PictureError
) -> None:
    """Write `data` to a temporary file in the same folder, then rename it to `path`.

    If anything goes wrong, `path` stays as it was and the temporary file is removed.

    Raises:
        error: as `check_target`, or no space is left.
    """
    check_target(path, force=force, error=error)
    try:
        with opened(_resolve(path, error)) as file:
            file.write(data)
    except OSError as problem:
        raise error(explained(path, problem)) from problem


@contextmanager
def opened(target: Path) -> Iterator[BinaryIO]:
    """Yield an open file that replaces `target` when the block ends without an error.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(target) as temporary, temporary.open("xb") as file:
        yield file
        # Without this a power cut could leave an empty file under the new name.
        file.flush()
        try:
            os.fsync(file.fileno())
        except OSError as problem:
            if problem.errno not in _NO_SYNC:
                raise


@contextmanager
def replacing(target: Path, suffix: str = ".tmp") -> Iterator[Path]:
    """Yield the name for a file that replaces `target` when the block ends without an error.

    Raises:
        OSError: the file was not written, or cannot be renamed.
    """
    temporary = _temporary(target, suffix)
    try:
        yield temporary
        temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, outlive a power cut, if the system can do that."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def explained(path: Path, problem: OSError) -> str:
    """Return a sentence that says why a file cannot be written, and what to do."""
    if problem.errno in _NO_SPACE:
        return (
            f"{path} cannot be written: no space left ({problem.strerror}). Make room or choose "
            "another folder; nothing was left behind."
        )
    if problem.errno == errno.ENAMETOOLONG:
        return f"{path} cannot be written: the name is too long. Give a shorter one."
    return f"{path} cannot be written: {problem.strerror}. Choose another folder."


def _temporary(target: Path, suffix: str = ".tmp") -> Path:
    # Not `tempfile`, whose files only their owner may read: the umask decides, as for any file.
    return target.with_name(f".impasto-{secrets.token_hex(8)}{suffix}")


def _check(target: Path, path: Path, force: bool, error: type[ImpastoError]) -> None:
    if target.is_dir():
        raise error(f"{path} is a folder: give a file name.")
    if target.exists() and not target.is_file():
        raise error(f"{path} is not a regular file: give another name.")
    if target.exists() and not force:
        raise error(f"{path} exists already: give another name, or replace it with --force.")
    if target.parent.is_file():
        raise error(f"{path} cannot be written: {target.parent} is a file and no folder.")
    if not target.parent.is_dir():
        raise error(f"{path} cannot be written: there is no folder {target.parent}. Make it first.")


def _resolve(path: Path, error: type[ImpastoError]) -> Path:
    """Return the file that a link leads to: that one is replaced, not the link."""
    try:
        target = resolved(path)
        leads_nowhere = target.is_symlink()  # where links lead in a circle
    except OSError as problem:
        raise error(explained(path, problem)) from problem
    except ValueError as problem:  # a name with a zero byte
        raise error(f"{path} cannot be written: {problem}. Give another name.") from problem
    if leads_nowhere:
        raise error(f"{path} is a link that leads to itself: give another name.")
    return target
