"""Worker processes: started, given jobs, listened to, and replaced when they die.

PyTorch is loaded in the workers alone.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType

from impasto.errors import ImpastoError
from impasto.jobs.batch import Batch
from impasto.jobs.messages import Job, Report

__all__ = ["TRIES", "Executor", "serve"]

TRIES = 2
"""How often a job is begun whose worker dies."""

_STILLBORN = 3  # workers in a row that end before their first job
_PATIENCE = 0.2  # seconds to wait for a report before the caller may look around


@dataclass
class _Process:
    """A worker's process, and the job that it has."""

    process: SpawnProcess
    connection: Connection
    ready: bool = False
    job: Job | None = None


class Executor:
    """Processes that do jobs, each one at a time.

    PyTorch's threads do not survive a fork, so each begins anew ("spawn"). To be used with `with`,
    at whose end all of them are gone.

    Args:
        batch: what all jobs have in common; at most `batch.workers` processes are started.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._workers: list[_Process] = []
        self._deaths: Counter[Job] = Counter()
        self._stillborn = 0

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.process.kill()  # it holds nothing: what it has finished is in its place
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers = []

    def do(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Report] | None]:
        """Have jobs done; yield each with a report on it, and several times a second None.

        A job whose worker dies is begun once more, after the others, then it has failed.

        Raises:
            ImpastoError: no job could succeed.
        """
        queue = deque(jobs)
        while queue or any(worker.job for worker in self._workers):
            self._staff(len(queue))
            for worker in self._workers:
                if queue and worker.ready and worker.job is None:
                    worker.job = queue.popleft()
                    with contextlib.suppress(OSError):  # a dead one is noticed below
                        worker.connection.send(worker.job)
            self._wait()
            for worker in list(self._workers):
                yield from self._hear(worker, queue)
            yield None

    def _staff(self, waiting: int) -> None:
        """As many workers as there is work for."""
        busy = sum(worker.job is not None for worker in self._workers)
        while len(self._workers) < min(self._batch.workers, busy + waiting):
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs, self._batch), daemon=True)
            with _undisturbed():
                process.start()
            theirs.close()  # or its end would not be seen
            self._workers.append(_Process(process, ours))

    def _wait(self) -> None:
        connections = [worker.connection for worker in self._workers]
        wait([*connections, *(w.process.sentinel for w in self._workers)], _PATIENCE)

    def _hear(self, worker: _Process, queue: deque[Job]) -> Iterator[tuple[Job, Report]]:
        """All that a worker has said by now, its death at the last."""
        gone = not worker.process.is_alive()  # asked first: what it said before is still heard
        try:
            while worker.connection.poll():
                yield from self._take(worker, worker.connection.recv())
        except (EOFError, OSError):
            gone = True
        if gone:
            yield from self._bury(worker, queue)

    def _take(self, worker: _Process, report: Report) -> Iterator[tuple[Job, Report]]:
        if report.kind == "unusable":
            raise report.error or ImpastoError("A worker cannot work.")
        if report.kind == "ready":
            worker.ready, self._stillborn = True, 0
            return
        if worker.job is not None:
            job = worker.job
            if report.kind in ("done", "failed"):
                worker.job = None
            yield job, report

    def _bury(self, worker: _Process, queue: deque[Job]) -> Iterator[tuple[Job, Report]]:
        worker.process.kill()  # it may live on with its end of the pipe closed
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        cause = _cause(worker.process.exitcode)
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn >= _STILLBORN:
                raise ImpastoError(
                    f"The workers end before they begin: {cause}. There may be too little memory "
                    "for them: give fewer --workers. In a script of your own, start a batch below "
                    '`if __name__ == "__main__":` only.'
                )
        if worker.job is None:
            return
        self._deaths[worker.job] += 1
        if self._deaths[worker.job] < TRIES:
            queue.append(worker.job)
            told = f"its worker was lost ({cause}); it is begun once more"
            yield worker.job, Report("lost", message=told)
            return
        message = (
            f"Its worker was lost {TRIES} times ({cause}). If memory was short, try a smaller "
            "--size, or fewer --workers."
        )
        yield worker.job, Report("failed", message=message)


def _cause(status: int | None) -> str:
    """How a process ended, in words."""
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return f"ended by {signal.Signals(-status).name}"
    return f"it ended with status {status}"


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Start a process that Ctrl-C does not reach, not even before it could say so itself.

    A mask of signals is inherited; what comes meanwhile is delivered to us afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start would lift the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(connection: Connection, batch: Batch) -> None:
    """Do one job after the other, until the other end goes away.

    Args:
        connection: jobs come from there, reports go there.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; one decides
    if hasattr(signal, "pthread_sigmask"):  # both were held back until here
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.getLogger("impasto").addHandler(_Notes(connection))
    try:
        _work(connection, batch)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _work(connection: Connection, batch: Batch) -> None:
    try:
        from impasto.jobs.worker import UnusableError, Worker

        worker = Worker(batch)
    except (ImpastoError, OSError, MemoryError) as error:
        connection.send(Report("unusable", error=error))
        return
    connection.send(Report("ready"))
    while True:
        job = connection.recv()
        try:
            for report in worker.reports(job):
                connection.send(report)
        except UnusableError as stop:
            connection.send(Report("unusable", error=stop.error))
            return


def _end_with_parent() -> None:
    """Paint nothing for a batch that was killed: whoever continues it does so alone."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


class _Notes(logging.Handler):
    """What the package remarks, for the process that talks to a person."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(logging.WARNING)
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        self._connection.send(Report("note", message=record.getMessage()))
