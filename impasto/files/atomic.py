"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from impasto.errors import ImpastoError, PictureError

__all__ = ["check_target", "replace"]


_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}  # of file systems that cannot do it


def check_target(
    path: Path, *, force: bool = False, error: type[ImpastoError] = PictureError
) -> None:
    """Fail now if a file could not be written at `path` later.

    The folder is tried by making an empty file in it: permissions alone do not tell, neither of
    read-only discs nor of the administrator.

    Raises:
        error: there is no such folder, it cannot be written to, or `path` exists without `force`.
    """
    target = _resolve(path, error)
    try:
        _check(target, path, force, error)
    except OSError as problem:  # a folder on the way that may not even be looked into
        raise error(_explain(path, problem)) from problem
    _put(b"", target, path, error, keep=False)


def replace(
    path: Path, data: bytes, *, force: bool = False, error: type[ImpastoError] = PictureError
) -> None:
    """Write `data` to a temporary file in the same folder, then rename it to `path`.

    Whatever goes wrong, `path` is what it was before and the temporary file is gone.

    Raises:
        error: as `check_target`, or there is no space left.
    """
    check_target(path, force=force, error=error)
    _put(data, _resolve(path, error), path, error, keep=True)


def _check(target: Path, path: Path, force: bool, error: type[ImpastoError]) -> None:
    if target.is_dir():
        raise error(f"{path} is a folder: give a file name.")
    if target.exists() and not target.is_file():
        raise error(f"{path} is not a regular file: give another name.")
    if target.exists() and not force:
        raise error(f"{path} exists already: give another name, or replace it with --force.")
    if not target.parent.is_dir():
        raise error(f"{path} cannot be written: there is no folder {target.parent}. Make it first.")


def _resolve(path: Path, error: type[ImpastoError]) -> Path:
    """Where a link leads: the file behind it is what is replaced, not the link."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as problem:
        raise error(f"{path!r} cannot be written: {problem}. Give another name.") from problem


def _put(data: bytes, target: Path, path: Path, error: type[ImpastoError], *, keep: bool) -> None:
    # Not `tempfile`, whose files only their owner may read: the umask decides, as for any file.
    temporary = target.with_name(f".impasto-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            if keep:
                _settle(file)
        if keep:
            temporary.replace(target)
    except OSError as problem:
        raise error(_explain(path, problem)) from problem
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _settle(file: BinaryIO) -> None:
    """Bring a file's bytes to the disc, or a power cut leaves an empty file under its new name."""
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as problem:
        if problem.errno not in _NO_SYNC:
            raise


def _explain(path: Path, problem: OSError) -> str:
    if problem.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return (
            f"{path} cannot be written: no space left ({problem.strerror}). Make room or choose "
            "another folder; nothing was left behind."
        )
    return f"{path} cannot be written: {problem.strerror}. Choose another folder."
