"""A worker: it takes jobs from the queue, one at a time, and takes up those of dead workers."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from filelock import FileLock, Timeout

from impasto.errors import ImpastoError, JobError, OptionError
from impasto.jobs.queue import engine
from impasto.jobs.queue.address import Address
from impasto.jobs.queue.client import JobQueue, JobState
from impasto.jobs.queue.heartbeat import EVERY, Heart, Watcher, beats
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.supervisor import Reason, Supervisor
from impasto.version import __version__

__all__ = ["device_here", "serve"]

_POLL = 0.3  # seconds between two looks into the queue
_MOST_POLLS = 600  # looks of all workers together into a queue in a second
_REAP = 5.0  # seconds between two looks for jobs of dead workers
_SURVEY = 60.0  # seconds between two looks at what waits in vain, and at how many workers there are
_LEADER = "reaper.lock"

Note = Callable[[str], None]


def device_here(name: str) -> str:
    """Return the kind of device that this machine paints on, such as `cpu`.

    Args:
        name: of the one that is wanted; `auto` for the fastest.

    Raises:
        OptionError: this machine does not have it.
    """
    if name == "cpu":
        return name
    # In a process of its own: a worker has no need of PyTorch, whose memory it would keep.
    code = (
        "import json, sys\n"
        "from impasto.errors import ImpastoError, speaking_flags\n"
        "from impasto.runtime import pick_device\n"
        "with speaking_flags():\n"
        "    try:\n"
        "        print(json.dumps([pick_device(sys.argv[1]).type, '']))\n"
        "    except ImpastoError as error:\n"
        "        print(json.dumps(['', str(error)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name], stdout=subprocess.PIPE, text=True, check=False
    )
    try:
        device, message = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise JobError("PyTorch cannot be loaded here: `impasto info` may say why.") from None
    if message:
        raise OptionError(message)
    return str(device)


def serve(address: Address, store: Store, device: str, note: Note) -> NoReturn:
    """Work until a signal comes; the process ends with its number and 128.

    Args:
        device: that `device_here` returned.
        note: is called with messages for whoever runs the worker.

    Raises:
        ImpastoError: the queue or the folder cannot be used.
    """
    if store.is_new and address.file is None:
        note(
            f"{store.path} is a new folder of jobs: if there are jobs already, this machine does "
            "not see their folder"
        )
    stop = _Stop()
    with stop.handling(), contextlib.ExitStack() as stack:
        queue = JobQueue(address, store, note, lambda: stop.number != 0)
        try:
            queue.connect()
            heart = Heart(store.workers, device, __version__)
            stack.callback(heart.stop)
            _beat_on(heart)
            worker = _Worker(queue, heart, device, note)
            worker.launch()
        except JobError:
            if stop.number:  # while the database was waited for
                stack.close()
                os._exit(128 + stop.number)
            raise
        note(f"worker {heart.executor} paints on {device}, from {address}, in {store.path}")
        while not stop.wait(1.0):
            worker.look_around()
        note("stopping: the job that runs here is put back")
        worker.stop()
    os._exit(128 + stop.number)  # DBOS has threads that wait for what never comes


class _Worker:
    """A worker in this process.

    Args:
        queue: connected.
    """

    def __init__(self, queue: JobQueue, heart: Heart, device: str, note: Note) -> None:
        self._queue, self._heart, self._device, self._note = queue, heart, device, note
        self._supervisor = Supervisor(queue.store, heart.executor, device, self._reason, note)
        self._watcher = Watcher(queue.store.workers)
        self._leader = FileLock(
            queue.store.workers / _LEADER, timeout=0, fallback_to_soft=False, thread_local=False
        )
        self._looked = self._surveyed = -_SURVEY
        self._queues: list[str] = []
        self._said: dict[str, object] = {}
        self._idle: set[str] = set()

    def launch(self) -> None:
        """Begin to take jobs.

        Raises:
            JobError: the database refuses.
        """
        dbos = engine.load()
        queues = engine.queue_names(self._queue.store.name)
        self._queues = [queues["any"], queues[self._device]]
        while True:
            try:
                self._launch(dbos, self._queues)
                return
            except Exception as error:
                dbos.DBOS.destroy()
                if not engine.is_unreachable(error):
                    raise engine.unreachable(self._queue.address, error) from error
                self._queue.running()  # waits until the database is there, and says so

    def _launch(self, dbos: Any, queues: list[str]) -> None:
        dbos.DBOS(
            config={
                "name": engine.application(self._queue.store.name),
                "system_database_url": self._queue.address.url,
                "executor_id": self._heart.executor,
                # By hand: computed from the code, it would change with every file.
                "application_version": engine.version_name(self._queue.store.name, __version__),
                "serializer": dbos.DBOSPortableJSONSerializer(),
                "log_level": "CRITICAL",
                "max_executor_threads": 4,
                "sys_db_pool_size": 2,
            }
        )
        logging.getLogger("dbos").setLevel(logging.CRITICAL)

        # No steps: all that a job leaves is in its folder, so it is begun again as a whole. The
        # database takes what it returns only from the execution that owns the job.
        @dbos.DBOS.workflow(name=engine.WORKFLOW, max_recovery_attempts=None)  # type: ignore[untyped-decorator]
        def work(id: str) -> dict[str, Any]:
            return self._supervisor.carry_out(id)

        dbos.DBOS.listen_queues(queues)
        dbos.DBOS.launch()
        for name in queues:
            dbos.DBOS.register_queue(name, worker_concurrency=1, polling_interval_sec=_POLL)

    def stop(self) -> None:
        """Let the running job write its state, and put back what this worker has."""
        self._supervisor.stop()
        with contextlib.suppress(ImpastoError):
            for state in self._queue.running(self._heart.executor):
                self._queue.put_back(state)

    def look_around(self) -> None:
        """From time to time put back jobs of the dead, and say what waits in vain."""
        if time.monotonic() - self._looked < _REAP:
            return
        with contextlib.suppress(ImpastoError):
            is_leader = self._is_leader()
            running = self._queue.running(None if is_leader else self._heart.executor)
            self._put_back_own(running)
            if is_leader:
                self._put_back_of_the_dead(running)
            if time.monotonic() - self._surveyed >= _SURVEY:
                self._surveyed = time.monotonic()
                self._say_what_waits()
                if is_leader:
                    self._pace()
        self._looked = time.monotonic()

    def _put_back_of_the_dead(self, running: list[JobState]) -> None:
        for state in running:
            if self._watcher.is_dead(state.executor):
                self._note(f"{state.id} is put back: its worker {state.executor} is dead")
                self._queue.put_back(state)
        self._watcher.bury()

    def _pace(self) -> None:
        """Let many workers look into the queue less often, so that the database has time left."""
        dbos = engine.load()
        count = sum(1 for _ in beats(self._queue.store.workers))
        seconds = max(_POLL, count / _MOST_POLLS)
        for name in self._queues:
            queue = dbos.DBOS.retrieve_queue(name)
            if queue is not None and abs(queue.polling_interval_sec - seconds) > 0.2 * seconds:
                queue.set_polling_interval_sec(seconds)

    def _reason(self, id: str) -> Reason | None:
        """Return why a job is not this worker's any more, as far as the database says."""
        try:
            state = self._queue.now(id)
        except JobError:  # it is away: what is not known is no reason
            return None
        if state is None:
            return "taken"
        if state.state in ("cancelled", "paused"):
            return "cancelled" if state.state == "cancelled" else "paused"
        is_ours = state.state == "running" and state.executor == self._heart.executor
        return None if is_ours else "taken"

    def _put_back_own(self, running: list[JobState]) -> None:
        """Put back jobs that this worker took while the database went away, and never began."""
        ours = {state.id: state for state in running if state.executor == self._heart.executor}
        idle = {id for id in ours if id not in self._supervisor.current}
        for id in idle & self._idle:  # twice in a row: it is not about to begin
            self._queue.put_back(ours[id])
        self._idle = idle

    def _is_leader(self) -> bool:
        """Return whether this worker is the one that looks for the dead: one is enough."""
        try:
            self._leader.acquire()
        except Timeout:
            return False
        except OSError:  # a file system without locks: everybody looks
            return True
        return True

    def _say_what_waits(self) -> None:
        versions = sorted({s.version for s in self._queue.waiting() if s.version != __version__})
        others = self._queue.others()
        self._say(
            "versions",
            versions,
            f"jobs wait for workers of Impasto {', '.join(versions)}: start one, or hand them to "
            f"{__version__} with `impasto jobs retry ID`",
        )
        self._say(
            "others",
            others,
            f"{others} jobs of this database have their files in another folder than "
            f"{self._queue.store.path}: they are for workers with that --files",
        )

    def _say(self, what: str, value: object, message: str) -> None:
        """Note something once, until it changes."""
        if value and self._said.get(what) != value:
            self._note(message)
        self._said[what] = value


class _Stop:
    """The signal that ends a worker."""

    def __init__(self) -> None:
        self.number = 0
        self._event = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Wait; return whether the worker is to end."""
        return self._event.wait(seconds)

    @contextlib.contextmanager
    def handling(self) -> Iterator[None]:
        """Handle Ctrl-C, SIGTERM and SIGHUP; a second Ctrl-C ends the process at once.

        SIGTERM may come twice where a service is stopped: from the system, and from the studio.
        """

        def handle(number: int, _frame: object) -> None:
            if self.number and number == signal.SIGINT:
                os._exit(128 + number)
            self.number = self.number or number
            self._event.set()

        numbers = [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]
        before = {number: signal.signal(number, handle) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _beat_on(heart: Heart) -> None:
    """Beat until the process ends."""
    heart.beat()

    def beat() -> None:
        while True:
            time.sleep(EVERY)
            heart.beat()

    threading.Thread(target=beat, daemon=True).start()
