"""A run's folder: what a run leaves on the disc as it goes, so that no kill can lose it.

    out.run/run.json             what is painted, from what and into what; written as the run begins
    out.run/state.safetensors    the run between two iterations; written now and then

Each file is replaced whole. Writing states takes at most a fiftieth of a run's time, however large
they are and however slow the disc: after each, the next waits for 49 times as long as it took.
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
from typing import Any

from impasto.config.recipe import Stop
from impasto.engine.step import Step
from impasto.errors import ResumeError
from impasto.files import atomic, locks
from impasto.files.strict_json import MAX_TEXT
from impasto.run import state as run_state
from impasto.run.checkpoint_pace import Pace
from impasto.run.record import Record
from impasto.run.state import Saved

__all__ = ["LEAST", "SHARE", "RunFolder", "beside", "holding"]

LEAST = 5.0  # seconds that a run lasts before its first state, and between two of them at least
SHARE = 0.02  # of the run's time, that writing states may take

_RECORD, _STATE = "run.json", "state.safetensors"
_LOG = logging.getLogger("impasto")


def beside(output: Path) -> Path:
    """The folder of a picture's run: `out.run` beside `out.png`."""
    return output.with_suffix(".run")


class RunFolder:
    """A folder for a run. Between `begin` or `open` and the end of `holding`, nobody else has it.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._record: Record | None = None
        self._is_warned = False
        self._lock = locks.FolderLock(path)
        self._start()

    @property
    def record(self) -> Record:
        """What is known of the run, once it has begun or was opened."""
        assert self._record is not None, "there is no run in this folder yet"
        return self._record

    @property
    def has_run(self) -> bool:
        """Whether there is a run, finished or not, that `open` might go on with."""
        return os.path.lexists(self.path / _RECORD)

    @property
    def has_state(self) -> bool:
        """Whether there is anything to go on from but the beginning."""
        return os.path.lexists(self.path / _STATE)

    @property
    def is_young(self) -> bool:
        """Whether so little was done that nobody would miss it."""
        return not self.has_state and time.monotonic() - self._began < LEAST

    def check_free(self, *, force: bool = False) -> None:
        """Fail if a run cannot begin here.

        Args:
            force: replace a run that is there.

        Raises:
            ResumeError: there is a run, or a folder or file of something else.
        """
        if not os.path.lexists(self.path):
            return
        if not self.path.is_dir():
            raise ResumeError(f"{self.path} is there and no folder: name another with --run.")
        self._take()
        if not self.has_run and any(not _is_ours(path.name) for path in self.path.iterdir()):
            raise ResumeError(
                f"{self.path} is a folder without a run in it: name another with --run."
            )
        if self.has_run and not force:
            raise ResumeError(self._told())

    def _told(self) -> str:
        try:
            record = self._read()
            what = f"{'a finished' if record.finished else 'an unfinished'} run"
            where = f"{what} of {record.goal.path}, begun {record.began}"
        except ResumeError:
            return (
                f"{self.path} holds a run that cannot be read. --force begins anew, or --run names "
                "another folder."
            )
        more = (
            f"`impasto extend {self.path}` gives it more iterations"
            if record.finished
            else f"go on with it by `impasto resume {self.path}` or --resume"
        )
        return f"{self.path} holds {where}: {more}. --force begins anew."

    def begin(self, record: Record) -> None:
        """Make the folder, or empty it of a run, and write down what begins.

        Raises:
            ResumeError: somebody else works in it, or it cannot be written.
        """
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as problem:
            raise ResumeError(
                f"{self.path} cannot be made: {problem.strerror}. Name another folder with --run."
            ) from problem
        self._take()
        self._clean(_STATE)  # before the new record: it could not be gone on from
        self._write(record)
        self._start()

    def open(self) -> Record:
        """Take the run that is here.

        Raises:
            ResumeError: there is none, or it is damaged, or somebody else works on it.
        """
        if not self.path.is_dir():
            raise ResumeError(
                f"There is no folder {self.path}. A run's folder is beside its picture, out.run "
                "beside out.png, until the picture is written."
            )
        self._take()
        self._clean()
        self._record = self._read()
        self._start()
        return self.record

    def change(self, **changes: Any) -> None:
        """Write the record down with some attributes changed.

        Raises:
            ResumeError: it cannot be written, or another run has taken the folder's place.
        """
        self._refuse_another()
        self._write(replace(self.record, **changes))

    def saved(self) -> Saved | None:
        """The last state; None if the run was stopped before the first.

        Raises:
            ResumeError: it is damaged, or of another run.
        """
        if not self.has_state:
            return None
        # Pictures are painted with a margin, and a state holds it.
        longest = 2 * self.record.recipe.settings().size + 1024
        return run_state.load(self.path / _STATE, self.record.mark, longest)

    def keep_up(self, step: Step) -> None:
        """Write the state after a step if it is time; a failure is told once, and no more."""
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
        """Write the state after a step. Not of one at which the recipe stops: what went on from
        there would not stop.

        Raises:
            ResumeError: it cannot be written; the last one stays.
        """
        if self.record.recipe.stopped_at == Stop(step.scale, step.iteration):
            return
        began, size = time.monotonic(), 0
        try:
            self._return()
            size = run_state.save(self.path / _STATE, step, self.record.mark)
        except OSError as problem:
            size = run_state.bytes_of(step.snapshot())
            full = problem.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
            why = f"no space left ({problem.strerror})" if full else problem.strerror
            raise ResumeError(f"The run's state cannot be written to {self.path}: {why}.") from None
        finally:
            self._pace.wrote(began, time.monotonic(), size)

    def remove(self) -> None:
        """Remove the run; the folder too, if there is nothing else in it."""
        if self._is_anothers():
            return
        self._clean(_STATE, _RECORD)  # the record last: without it there is no run
        self.release()
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _return(self) -> None:
        """See that the folder is still there and this run's; if somebody removed it, make it anew.

        Raises:
            ResumeError: another run has taken its place.
            OSError: it cannot be made.
        """
        self._refuse_another()
        if self.has_run and self._lock.is_current:
            return
        self.release()
        self.path.mkdir(parents=True, exist_ok=True)
        self._take()
        self._refuse_another()
        self._write(self.record)
        _LOG.warning("%s was removed, and is made anew: the run goes on.", self.path)

    def _refuse_another(self) -> None:
        if self._is_anothers():
            raise ResumeError(f"{self.path} holds another run by now.")

    def _is_anothers(self) -> bool:
        """Whether another run has taken the place of this one, whose folder was removed."""
        if not self.has_run:
            return False
        try:
            return self._read().mark != self.record.mark
        except ResumeError:  # none that this one has written
            return True

    def _start(self) -> None:
        self._began = time.monotonic()
        self._pace = Pace(LEAST, SHARE, self._began)

    def _read(self) -> Record:
        path = self.path / _RECORD
        try:
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_TEXT:
                raise ResumeError("it is no small regular file.")
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
        """Remove files of ours, and what kills left of them."""
        for path in [*self.path.glob(atomic.TEMPORARY), *(self.path / name for name in names)]:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _take(self) -> None:
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
        """Let others have the folder."""
        self._lock.release()


@contextlib.contextmanager
def holding(path: Path) -> Iterator[RunFolder]:
    """A folder that nobody else works in, from the first look into it to the end."""
    folder = RunFolder(path)
    try:
        yield folder
    finally:
        folder.release()


def _is_ours(name: str) -> bool:
    return name in (_RECORD, _STATE, locks.LOCK_FILE) or Path(name).match(atomic.TEMPORARY)
