"""One job in a worker: a process that paints is started, watched, ended and started again."""

from __future__ import annotations

import contextlib
import functools
import json
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from impasto.errors import ImpastoError, JobError
from impasto.jobs.queue.job_folder import JobFolder, Result
from impasto.jobs.queue.journal import Journal
from impasto.jobs.queue.nursery import NotStartedError, Running, started
from impasto.jobs.queue.passing import is_passing
from impasto.jobs.queue.store import Store

__all__ = ["TRIES", "Reason", "Supervisor"]

TRIES = 3
"""How often a job's process may be lost in a row without having got further."""

Reason = Literal["cancelled", "paused", "taken", "stopped"]
"""Why a job is left: by its user, to another worker, or as this one is stopped."""

_CHECK = 0.3  # seconds between two questions whether the job is still ours
_PATIENCE = 15.0  # seconds in which a process may write its state
_PAUSE = 10.0  # seconds between two attempts where a disc is full

_GENTLY: set[Reason] = {"paused", "stopped"}

Returned = TypeVar("Returned")


class _LeftError(Exception):
    """The job is not ours any more."""


@dataclass(frozen=True)
class _End:
    """How a process ended.

    Attributes:
        event: its last one: `finished`, `failed`, or empty if it was lost or left.
        reason: why it was left.
        cause: how it was lost.
    """

    event: dict[str, Any]
    reason: Reason | None = None
    cause: str = ""


class Supervisor:
    """Carries out jobs, one at a time.

    Args:
        executor: the worker's name.
        device: what `auto` means in its jobs.
        reason: returns why a job is not ours any more, as far as the database says.
        note: is called with messages for whoever runs the worker.
    """

    def __init__(
        self,
        store: Store,
        executor: str,
        device: str,
        reason: Callable[[str], Reason | None],
        note: Callable[[str], None],
    ) -> None:
        self._store, self._executor, self._device = store, executor, device
        self._ask, self._note = reason, note
        self._slot = threading.Lock()
        self._stopping = threading.Event()
        self.current: set[str] = set()

    def carry_out(self, id: str) -> dict[str, Any]:
        """Carry out a job; return what the database is to keep of it.

        Where the job is not ours any more that is empty, and the database does not take it.
        """
        self.current.add(id)
        try:
            outcome = self._outcome(id)
            if not outcome and self._stopping.is_set():
                # The job is still ours, and what this returned would be its end: the worker's
                # process puts it back, and ends.
                threading.Event().wait()
            return outcome
        except ImpastoError as error:
            self._note(f"{id} failed: {error}")
            return {"state": "failed", "message": str(error)}
        finally:
            self.current.discard(id)

    def _outcome(self, id: str) -> dict[str, Any]:
        if not self._wait_for_slot(id):
            return {}
        folder = JobFolder(self._store, id)
        try:
            return self._carried_out(folder)
        except _LeftError:
            return self._left(folder)
        finally:
            self._slot.release()

    def stop(self, timeout: float = _PATIENCE + 5) -> None:
        """Let the running job write its state and end. No other begins."""
        self._stopping.set()
        if self._slot.acquire(timeout=timeout):
            self._slot.release()

    def _wait_for_slot(self, id: str) -> bool:
        """Wait until no other job runs here; return whether this one is still ours by then."""
        while not self._slot.acquire(timeout=_CHECK):
            if self._stopping.is_set() or self._ask(id) is not None:
                return False
        return True

    def _carried_out(self, folder: JobFolder) -> dict[str, Any]:
        job = self._lasting(folder, folder.job)
        if result := self._lasting(folder, folder.result):  # but the database was not told
            return _done(result)
        claim = self._lasting(folder, lambda: folder.claim(self._executor))
        journal = self._lasting(folder, lambda: Journal(folder.events, claim))
        journal.write("begun", worker=self._executor)
        self._note(f"{folder.id} begins: {job.title}")
        lost, state = 0, _stamp(folder)
        while True:
            began = time.monotonic()
            end = self._attempt(folder, claim, journal)
            if end.reason is not None:
                if end.reason != "taken":
                    journal.write(end.reason)
                self._note(f"{folder.id} {end.reason}")
                return self._left(folder)
            event = end.event
            if event.get("event") == "finished":
                seconds = time.monotonic() - began
                end_with = functools.partial(self._finished, folder, claim, event, seconds)
                result = self._lasting(folder, end_with)
                journal.write("done", seconds=result.seconds, digest=result.digest)
                self._note(f"{folder.id} done in {seconds:.1f} s: {folder.picture(result)}")
                return _done(result)
            if event.get("event") == "failed" and event.get("temporary"):
                journal.write("note", message=f"{event['message']} It is tried again.")
                self._note(f"{folder.id} waits: {event['message']}")
                self._sleep(folder.id, _PAUSE)
                continue
            if event.get("event") == "failed":
                raise self._failed(journal, str(event["message"]))
            # A process that got further than the one before had bad luck of its own.
            lost, state = (lost + 1 if state == _stamp(folder) else 1), _stamp(folder)
            journal.write("note", message=f"its process was lost ({end.cause})")
            self._note(f"{folder.id}: its process was lost ({end.cause})")
            if lost >= TRIES:
                message = (
                    f"Its process was lost {TRIES} times ({end.cause}). If memory was short, try a "
                    f"smaller --size; {folder.log} may say more."
                )
                raise self._failed(journal, message)

    @staticmethod
    def _finished(folder: JobFolder, claim: int, event: dict[str, Any], seconds: float) -> Result:
        """Make what a process has painted the result.

        Raises:
            _LeftError: another worker has the job by now. Only the last claim may end it.
        """
        if folder.last_claim() != claim:
            raise _LeftError
        picture = folder.target(int(event["claim"]), folder.job().name)
        return folder.finish(picture, seconds)

    def _lasting(self, folder: JobFolder, act: Callable[[], Returned]) -> Returned:
        """Return what `act` returns; where the disc is full or away, say so and try again.

        Raises:
            ImpastoError: it is neither.
            _LeftError: the job is not ours any more.
        """
        is_noted = False
        while True:
            try:
                return act()
            except (OSError, ImpastoError) as error:
                failure = _failure(folder, error)
                if not (is_passing(error) or folder.is_away):
                    raise failure from error
                if not is_noted:
                    self._note(f"{folder.id} waits: {failure}")
                is_noted = True
            self._sleep(folder.id, _PAUSE)
            if self._stopping.is_set() or self._ask(folder.id) is not None:
                raise _LeftError

    def _left(self, folder: JobFolder) -> dict[str, Any]:
        """Return nothing once the database knows that the job is not ours; or its result."""
        while self._ask(folder.id) is None and not self._stopping.is_set():
            with contextlib.suppress(OSError, ImpastoError):  # the disc is away
                if result := folder.result():
                    return _done(result)
            time.sleep(_CHECK)
        return {}

    @staticmethod
    def _failed(journal: Journal, message: str) -> JobError:
        journal.write("failed", message=message)
        return JobError(message)

    def _sleep(self, id: str, seconds: float) -> None:
        """Sleep until a time, or the job is not ours any more."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.is_set() and not self._ask(id):
            time.sleep(_CHECK)

    # The process

    def _attempt(self, folder: JobFolder, claim: int, journal: Journal) -> _End:
        """Let a process paint; return how it ended."""
        try:
            return self._watched(folder, claim, journal)
        except NotStartedError as error:
            return _End({}, cause=f"it could not be started: {error}")

    def _watched(self, folder: JobFolder, claim: int, journal: Journal) -> _End:
        with self._process(folder, claim) as running:
            events = _events_of(running)
            checked, last = 0.0, dict[str, Any]()
            while True:
                try:
                    event = events.get(timeout=_CHECK)
                except queue.Empty:
                    event = {}
                if event is None:
                    break
                if event.get("event") in ("finished", "failed"):
                    last = event
                elif event:
                    journal.write(event.pop("event"), **event)
                if time.monotonic() - checked >= _CHECK:
                    if reason := self._reason(folder, claim):
                        running.end(_PATIENCE if reason in _GENTLY else 0.0)
                        return _End({}, reason)
                    checked = time.monotonic()
            running.process.join()
            return _End(last, cause=_cause(running.process.exitcode or 0))

    def _reason(self, folder: JobFolder, claim: int) -> Reason | None:
        """Return why a job is to be left, if it is."""
        if self._stopping.is_set():
            return "stopped"
        with contextlib.suppress(OSError):  # what is not known is no reason
            if folder.last_claim() > claim:
                return "taken"
        return self._ask(folder.id)

    def _process(self, folder: JobFolder, claim: int) -> contextlib.AbstractContextManager[Running]:
        """Start a process that paints; at the end there is none, whatever happens."""
        order = {"store": str(self._store.path), "name": self._store.name, "job": folder.id}
        order |= {"claim": str(claim), "device": self._device}
        return started(order, str(folder.log))


def _events_of(running: Running) -> queue.Queue[dict[str, Any] | None]:
    """Return the events that a process reports, as they come; None after the last."""
    events: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def read() -> None:
        with contextlib.suppress(EOFError, OSError), running.events:
            while True:
                with contextlib.suppress(ValueError):
                    events.put(json.loads(running.events.recv_bytes()))
        events.put(None)

    threading.Thread(target=read, daemon=True).start()
    return events


def _stamp(folder: JobFolder) -> frozenset[tuple[str, int]]:
    """Return what tells a run's progress from less of it: the files that are there, and its state.

    Other files may be written again each time that a run begins.
    """
    files = set()
    with contextlib.suppress(OSError):
        for path in folder.run.rglob("[!.]*"):
            status = path.stat()
            files.add((str(path), status.st_mtime_ns if path.stem == "state" else 0))
    return frozenset(files)


def _failure(folder: JobFolder, error: OSError | ImpastoError) -> ImpastoError:
    """Return what is wrong with a job's folder, in words."""
    if isinstance(error, ImpastoError):
        return error
    place, reason = error.filename or folder.path, error.strerror or error
    return JobError(f"{place} cannot be used: {reason}.")


def _cause(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"ended by {signal.Signals(-status).name}"
    return f"it ended with status {status}"


def _done(result: Result) -> dict[str, Any]:
    return {"state": "done", "digest": result.digest, "seconds": result.seconds}
