"""A folder that one process at a time works in.

While it does, the folder has a lock file. The system releases a lock however the process ends; the
lock file that a killed process leaves means nothing. Where locks cannot be had (some file systems,
folders that cannot be written to) nobody is kept out.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout

__all__ = ["LOCK_FILE", "FolderLock"]

LOCK_FILE = ".impasto.lock"
"""The name of a lock file."""


class FolderLock:
    """A lock on a folder; nothing is locked until `acquire`, or a `with` block, begins.

    Args:
        folder: it must exist when the lock is acquired.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / LOCK_FILE
        self._lock: FileLock | None = None
        self._status: os.stat_result | None = None  # of the lock file

    def acquire(self) -> None:
        """Take the folder, unless this lock has it already.

        Raises:
            BlockingIOError: another process has it, or has just removed it.
            OSError: it cannot be opened.
        """
        if self._lock is not None:
            return
        os.scandir(self.folder).close()
        # A marker file in place of the system's lock would outlive a killed process.
        lock = FileLock(
            self._file,
            timeout=0,
            mode=0o666,  # other accounts that may write to the folder have to see the lock too
            thread_local=False,
            fallback_to_soft=False,
            on_acquired=self._note,
        )
        try:
            lock.acquire()
        except Timeout:
            self._refuse()
        except OSError as problem:
            is_foreign = isinstance(problem, PermissionError) and self._file.exists()
            if is_foreign or not self.folder.is_dir():
                self._refuse()
            self._status = None  # there are no locks here
        self._lock = lock

    @property
    def is_current(self) -> bool:
        """Whether the folder of that name is still the one that was locked."""
        if self._status is None:
            return True
        try:
            return os.path.samestat(self._status, self._file.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Release the folder and remove the lock file."""
        if self._lock is None:
            return
        # Removed while it is locked, so that nobody else can have locked this file by then.
        if self._status is not None and self.is_current:
            with suppress(OSError):
                self._file.unlink()
        self._lock.release()
        self._lock = self._status = None

    def __enter__(self) -> FolderLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _note(self, handle: int) -> None:
        self._status = os.fstat(handle)

    def _refuse(self) -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, "another process works in it", str(self.folder))
