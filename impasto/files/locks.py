"""A folder that one process at a time works in.

The system lets go of a lock however the process ends. Where there are no locks (Windows, some file
systems) nobody is kept out.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["lock", "unlock"]

_TAKEN = (errno.EAGAIN, errno.EACCES)


def lock(folder: Path) -> int | None:
    """Take a folder.

    Returns:
        What `unlock` wants; None where there are no locks.

    Raises:
        BlockingIOError: another process has it, or has just removed it.
        OSError: it cannot be opened.
    """
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_there = os.path.samestat(os.fstat(handle), folder.stat())
    except OSError as problem:
        is_there = problem.errno not in (*_TAKEN, errno.ENOENT)  # else there are no locks here
    if not is_there:
        os.close(handle)
        raise BlockingIOError(errno.EAGAIN, "another process works in it", str(folder))
    return handle


def unlock(handle: int | None) -> None:
    """Let others have it."""
    if handle is not None:
        os.close(handle)
