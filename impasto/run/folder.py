"""A run's folder: what a run leaves on the disc, so that a kill cannot lose it.

    out.run/run.json             what is painted, from what and into what; written as the run begins
    out.run/state.safetensors    the run between two iterations; written now and then

No PyTorch is imported here before a state is read or written, so that a run that cannot begin is
refused at once. Each file is replaced atomically. Writing states takes at most a fiftieth of a
run's time: after each, the next waits for 49 times as long as it took.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.config.recipe import Stop
from impasto.errors import ResumeError
from impasto.files import atomic, locks
from impasto.files.strict_json import MAX_TEXT
from impasto.run.checkpoint_pace import CheckpointPace
from impasto.run.record import Record

if TYPE_CHECKING:
    from impasto.engine.step import Step
    from impasto.run.state import Saved

__all__ = ["LEAST", "SHARE", "RunFolder", "folder_beside", "locked_folder"]

LEAST = 5.0  # seconds that a run lasts before its first state, and between two of them at least
SHARE = 0.02  # of the run's time, that writing states may take

_RECORD, _STATE = "run.json", "state.safetensors"
_LOG = logging.getLogger("impasto")


def folder_beside(output: Path) -> Path:
    """Return the folder of a picture's run: `out.run` beside `out.png`."""
    return output.with_suffix(".run")


class RunFolder:
    """A folder for a run, locked from `check_free`, `begin` or `open` until `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._record: Record | None = None
        self._is_warned = False
        self._lock = locks.FolderLock(path)
        self._reset_pace()

    @property
    def record(self) -> Record:
        """The record of the run, once it has begun or was opened."""
        assert self._record is not None, "there is no run in this folder yet"
        return self._record

    @property
    def has_run(self) -> bool:
        """Whether there is a run, finished or not, that `open` may continue."""
        return os.path.lexists(self.path / _RECORD)

    @property
    def has_state(self) -> bool:
        """Whether there is a state to continue from."""
        return os.path.lexists(self.path / _STATE)

    @property
    def is_young(self) -> bool:
        """Whether too little was done to be worth keeping."""
        return not self.has_state and time.monotonic() - self._began < LEAST

    def check_free(self, *, force: bool = False) -> None:
        """Check that a run can begin here.

        Args:
            force: replace an existing run.

        Raises:
            ResumeError: there is a run, or a folder or file of something else.
        """
        if not os.path.lexists(self.path):
            return
        if not self.path.is_dir():
            raise ResumeError(f"{self.path} is not a folder: name another with --run.")
        self._acquire()
        if not self.has_run and any(not _is_ours(path.name) for path in self.path.iterdir()):
            raise ResumeError(
                f"{self.path} is a folder without a run in it: name another with --run."
            )
        if self.has_run and not force:
            raise ResumeError(self._refusal())

    def _refusal(self) -> str:
        """Return why a run cannot begin where there is one."""
        try:
            record = self._read()
        except ResumeError:
            return (
                f"{self.path} holds a run that cannot be read. --force begins again, or --run "
                "names another folder."
            )
        kind, advice = (
            ("a finished", f"`impasto extend {self.path}` gives it more iterations")
            if record.finished
            else ("an unfinished", f"continue it by `impasto resume {self.path}` or --resume")
        )
        return (
            f"{self.path} holds {kind} run of {record.goal.path}, begun {record.began}: {advice}. "
            "--force begins again."
        )

    def begin(self, record: Record) -> None:
        """Make the folder, or remove an earlier run from it, and write the record.

        Raises:
            ResumeError: another process works in it, or it cannot be written.
        """
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as problem:
            raise ResumeError(
                f"{self.path} cannot be made: {problem.strerror}. Name another folder with --run."
            ) from problem
        self._acquire()
        self._clean(_STATE)  # before the new record, which it does not belong to
        self._write(record)
        self._reset_pace()

    def open(self) -> Record:
        """Open the run in the folder.

        Raises:
            ResumeError: there is none, it is damaged, or another process works on it.
        """
        if not self.path.is_dir():
            raise ResumeError(
                f"There is no folder {self.path}. A run's folder is beside its picture, out.run "
                "beside out.png, until the picture is written."
            )
        self._acquire()
        self._clean()
        self._record = self._read()
        self._reset_pace()
        return self.record

    def change(self, **changes: Any) -> None:
        """Write the record with some attributes changed.

        Raises:
            ResumeError: it cannot be written, or another run has taken the folder's place.
        """
        self._refuse_another()
        self._write(replace(self.record, **changes))

    def saved(self) -> Saved | None:
        """Return the last state; None if the run was stopped before the first.

        Raises:
            ResumeError: it is damaged, or of another run.
        """
        if not self.has_state:
            return None
        from impasto.run import state as run_state

        # A state holds the picture with its margin.
        longest = 2 * self.record.recipe.settings().size + 1024
        return run_state.load(self.path / _STATE, self.record.mark, longest)

    def save_if_due(self, step: Step) -> None:
        """Write the state after a step if it is time; warn of the first failure only."""
        from impasto.run import state as run_state

        now = time.monotonic()
        if not self._pace.is_due(now, lambda: run_state.bytes_of(step.snapshot())):
            return
        try:
            self.save(step)
        except ResumeError as error:
            if not self._is_warned:
                _LOG.warning("%s The run goes on; its last state stays as it is.", error)
            self._is_warned = True

    def save(self, step: Step) -> None:
        """Write the state after a step, unless the recipe stops there: from it nothing would stop.

        Raises:
            ResumeError: it cannot be written; the last one stays.
        """
        from impasto.run import state as run_state

        if self.record.recipe.stopped_at == Stop(step.scale, step.iteration):
            return
        began, size = time.monotonic(), 0
        try:
            self._restore()
            size = run_state.save(self.path / _STATE, step, self.record.mark)
        except OSError as problem:
            size = run_state.bytes_of(step.snapshot())
            full = problem.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
            why = f"no space left ({problem.strerror})" if full else problem.strerror
            raise ResumeError(f"The run's state cannot be written to {self.path}: {why}.") from None
        finally:
            self._pace.wrote(began, time.monotonic(), size)

    def remove(self) -> None:
        """Remove the run, and the folder if there is nothing else in it."""
        if self._has_another_run():
            return
        self._clean(_STATE, _RECORD)  # the record last: without it there is no run
        self.release()
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _restore(self) -> None:
        """Make the folder again if it was removed.

        Raises:
            ResumeError: another run has taken its place.
            OSError: it cannot be made.
        """
        self._refuse_another()
        if self.has_run and self._lock.is_current:
            return
        self.release()
        self.path.mkdir(parents=True, exist_ok=True)
        self._acquire()
        self._refuse_another()
        self._write(self.record)
        _LOG.warning("%s was removed, and is made again: the run goes on.", self.path)

    def _refuse_another(self) -> None:
        if self._has_another_run():
            raise ResumeError(f"{self.path} now holds another run.")

    def _has_another_run(self) -> bool:
        """Return whether another run has taken the place of this one."""
        if not self.has_run:
            return False
        try:
            return self._read().mark != self.record.mark
        except ResumeError:  # not written by this run
            return True

    def _reset_pace(self) -> None:
        self._began = time.monotonic()
        self._pace = CheckpointPace(LEAST, SHARE, self._began)

    def _read(self) -> Record:
        path = self.path / _RECORD
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_TEXT:
                raise ResumeError("it is not a small regular file.")
            return Record.from_json(path.read_bytes().decode("ascii"))
        except FileNotFoundError:
            raise ResumeError(f"There is no run in {self.path}: {_RECORD} is missing.") from None
        except (OSError, UnicodeDecodeError, ResumeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ResumeError(f"{path} cannot be used: {reason:.400}") from None

    def _write(self, record: Record) -> None:
        path = self.path / _RECORD
        atomic.replace(path, record.to_json().encode("ascii"), force=True, error=ResumeError)
        atomic.sync(self.path)
        self._record = record

    def _clean(self, *names: str) -> None:
        """Remove files of these names, and temporary files that a kill has left."""
        for path in [*self.path.glob(atomic.TEMPORARY), *(self.path / name for name in names)]:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _acquire(self) -> None:
        try:
            self._lock.acquire()
        except BlockingIOError:
            raise ResumeError(
                f"Another process works in {self.path}. Wait for it, or name another folder with "
                "--run."
            ) from None
        except OSError as problem:
            raise ResumeError(f"{self.path} cannot be used: {problem.strerror}.") from None

    def release(self) -> None:
        """Release the folder."""
        self._lock.release()


@contextlib.contextmanager
def locked_folder(path: Path) -> Iterator[RunFolder]:
    """Yield a run's folder, and release it at the end."""
    folder = RunFolder(path)
    try:
        yield folder
    finally:
        folder.release()


def _is_ours(name: str) -> bool:
    return name in (_RECORD, _STATE, locks.LOCK_FILE) or Path(name).match(atomic.TEMPORARY)
