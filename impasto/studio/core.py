"""The parts of a studio that runs: its queue, records, follower and processes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from impasto.errors import JobError
from impasto.files.locks import FolderLock
from impasto.jobs.queue.client import JobQueue
from impasto.jobs.queue.heartbeat import Watcher, beats
from impasto.studio.accounts import Accounts, Sessions
from impasto.studio.desks import Desks
from impasto.studio.follower import Follower
from impasto.studio.hub import Hub
from impasto.studio.live_desks import LiveDesks
from impasto.studio.metrics import Figures
from impasto.studio.places import Places
from impasto.studio.records import Records
from impasto.studio.settings import StudioSettings
from impasto.studio.workers import OwnWorkers

__all__ = ["Studio"]

_CONNECTED = 15.0  # seconds that a request waits for the queue, at the beginning
_REST = 30.0  # seconds between two looks for processes that nobody uses


class Studio:
    """A studio.

    Args:
        settings: what it was started with.

    Raises:
        ImpastoError: its folder, records or queue cannot be used.
    """

    def __init__(self, settings: StudioSettings) -> None:
        self.settings = settings
        self.store = settings.store
        for part in ("incoming", "views"):
            (settings.folder / part).mkdir(parents=True, exist_ok=True)
        self._lock = FolderLock(settings.folder)
        try:
            self._lock.acquire()
        except BlockingIOError:
            raise JobError(
                f"Another studio serves {self.store.path}: open that one, or name another folder "
                "with --files."
            ) from None
        file = settings.password_file
        self.accounts = None if file is None else Accounts.from_file(file)
        self.sessions = (
            None
            if self.accounts is None
            else Sessions(settings.folder / "sessions.sqlite", self.accounts)
        )
        self.figures = Figures()
        self.records = Records(settings.folder / "records.sqlite")
        # A request must not wait until a database is back: whoever asked is told at once.
        self._queue = JobQueue(settings.address, settings.store, gives_up=lambda: True)
        self.hub = Hub()
        self.desks = Desks(self.figures.look)
        self.live = LiveDesks(settings.most_live)
        self.follower = Follower(
            self._queue, self.records, self.hub, sees_others=self.accounts is None
        )
        self._workers = OwnWorkers(settings)
        self._watcher = Watcher(self.store.workers)
        self._is_over = threading.Event()

    def start(self) -> None:
        """Start what runs beside the requests; the queue is connected to meanwhile."""
        shutil.rmtree(self.settings.folder / "incoming", ignore_errors=True)
        (self.settings.folder / "incoming").mkdir(exist_ok=True)
        self.follower.start()
        self._workers.start()
        threading.Thread(target=self._rest, name="rest", daemon=True).start()

    def stop(self) -> None:
        """End all of it; jobs that run write their state."""
        self._is_over.set()
        self.desks.close()
        self.live.close()
        self.follower.stop()
        self._workers.stop()
        self._queue.close()
        self.records.close()
        if self.sessions is not None:
            self.sessions.shut()
        self._lock.release()

    @property
    def queue(self) -> JobQueue:
        """The queue, once it is connected to.

        Raises:
            JobError: it is not, and a moment's waiting does not help.
        """
        self.follower.wait_for_queue(_CONNECTED)
        return self._queue

    def places(self, owner: str) -> Places:
        """Return where a user's files are."""
        return Places(owner, self.records, self.store)

    @property
    def folder(self) -> Path:
        """The folder of jobs."""
        return self.store.path

    def is_queue_there(self) -> bool:
        """Return whether the queue's database answers, as far as the follower has seen."""
        return self.follower.is_queue_there

    def jobs_by_state(self) -> Mapping[str, int]:
        """Return how many jobs of all users are in each state."""
        return self.records.counts()

    def worker_count(self) -> int:
        """Return how many workers the queue has, as far as their heartbeats say."""
        return sum(not self._watcher.is_dead(b.executor) for b in beats(self.store.workers))

    def _rest(self) -> None:
        while not self._is_over.wait(_REST):
            self.desks.rest()
            self.live.rest()
