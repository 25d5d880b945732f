"""A job in its process: where it works, how it tells its progress, how it hands in what it made."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from impasto.config.bases import PictureConfig
from impasto.errors import ImpastoError, JobError
from impasto.features import sources as networks
from impasto.files import atomic
from impasto.files.locks import FolderLock
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.work import Work

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Assignment", "Report", "StoppedError", "taken"]

_EVERY = 0.25  # seconds between two reports on progress
_PREVIEW_EVERY = 0.5  # seconds between two previews, which may take a twentieth of the time
_PREVIEW_SHARE = 0.05
_PREVIEW_SIDE = 512
_PATIENCE = 120.0  # seconds in which the process before this one may end

Report = Callable[..., None]
Made = TypeVar("Made")


class StoppedError(Exception):
    """The job is paused, or its worker ends: what is finished is kept."""


@dataclass
class Assignment:
    """A job that this process has. The working directory is the folder of all jobs.

    Attributes:
        claim: of the worker.
        report: tells the worker what has happened.
        is_stopped: returns whether to end, with a state to continue from.
    """

    folder: JobFolder
    job: Job | Work
    claim: int
    report: Report
    is_stopped: Callable[[], bool]
    _next_report: float = field(default=0.0, init=False)
    _next_preview: float = field(default=0.0, init=False)

    @property
    def work(self) -> Work:
        """The job, if it is no single picture.

        Raises:
            JobError: it is one.
        """
        if not isinstance(self.job, Work):
            raise JobError("This job is a picture.")
        return self.job

    def settings(self, backbone_digest: str) -> PictureConfig:
        """Return the options of the job's method, where it has one besides its own options.

        Args:
            backbone_digest: of the weights of its backbone where the job was made.

        Raises:
            ImpastoError: those weights are others here, or the options none of this Impasto.
        """
        config, place = self.work.config(backbone_digest), self.work.place_of("weights")
        if networks.digest(config.eye, Path(place) if place else None) != backbone_digest:
            raise JobError(
                f"The weights of {config.eye} are others here than where the job was made."
            )
        return config

    def step(self, done: float, values: Callable[[], dict[str, Any]]) -> None:
        """Tell how far the job is, a few times a second at most.

        Args:
            done: from 0 to 1.
            values: returns more of it: `place`, in words; or `scale`, `scales` and so on.
        """
        now = time.monotonic()
        if now >= self._next_report:
            self._next_report = now + _EVERY
            self.report("step", done=round(done, 4), **values())

    def preview(self, image: Callable[[], Image]) -> None:
        """Write the picture so far, twice a second at most.

        Args:
            image: returns it, in any size.
        """
        now = time.monotonic()
        if now >= self._next_preview:
            with contextlib.suppress(OSError, ImpastoError):
                self._write(image())
            taken = time.monotonic() - now
            self._next_preview = now + max(_PREVIEW_EVERY, taken / _PREVIEW_SHARE)

    def _write(self, image: Image) -> None:
        picture = image.convert("RGB")
        picture.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
        with atomic.opened(self.folder.preview) as file:
            picture.save(file, "JPEG", quality=80)

    def check_going(self) -> None:
        """Go on, or end here.

        Raises:
            StoppedError: the job is to end.
        """
        if self.is_stopped():
            raise StoppedError

    @contextlib.contextmanager
    def room(self) -> Iterator[Path]:
        """Yield the folder in which the job's files are made, which nobody else works in.

        It is that of the process before, where there was one. `hand_in` empties it.

        Raises:
            JobError: another process does not end.
        """
        self.folder.run.mkdir(exist_ok=True)
        with taken(self.folder.run):
            room = self.folder.run / self.job.name
            room.mkdir(exist_ok=True)
            yield room

    def hand_in(self, room: Path) -> Path:
        """Move what was made to its place, whole and at once; return that place."""
        target = self.folder.target(self.claim, self.job.name)
        atomic.sync(room)
        room.rename(target)
        atomic.sync(target.parent)
        return target


@contextlib.contextmanager
def taken(folder: Path) -> Iterator[None]:
    """Wait until no other process works in a folder, and keep others out of it.

    The other one notices within a second that the job is not its own any more, or ends with its
    worker.

    Raises:
        JobError: it does not end.
    """
    until = time.monotonic() + _PATIENCE
    lock = FolderLock(folder)
    while True:
        try:
            lock.acquire()
            break
        except BlockingIOError:
            if time.monotonic() > until:
                raise JobError(f"Another process works in {folder}, and does not end.") from None
            time.sleep(0.2)
    try:
        yield
    finally:
        lock.release()
