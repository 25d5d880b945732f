"""The lock on a folder, between processes and accounts."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import NoReturn

import pytest
from filelock import FileLock

from impasto.files.locks import LOCK_FILE, FolderLock


def test_one_at_a_time(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(BlockingIOError):
        FolderLock(tmp_path).acquire()
    assert not list(tmp_path.iterdir())
    with FolderLock(tmp_path):
        pass


def test_the_file_of_a_killed_process_means_nothing(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).touch()
    with FolderLock(tmp_path) as lock:
        assert lock.is_current


def test_another_account_sees_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FolderLock(tmp_path):
        assert stat.S_IMODE((tmp_path / LOCK_FILE).stat().st_mode) == 0o666
        monkeypatch.setattr(FileLock, "acquire", _deny)
        with pytest.raises(BlockingIOError):  # a file that cannot be opened is somebody's lock
            FolderLock(tmp_path).acquire()


def test_where_there_are_no_locks_nobody_is_kept_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileLock, "acquire", _deny)
    with FolderLock(tmp_path) as lock:
        assert lock.is_current


def _deny(*_: object, **__: object) -> NoReturn:
    raise PermissionError(13, "Permission denied")
