"""Worker processes: they are started, do jobs, report, and are replaced when they die.

PyTorch is loaded in the workers only.
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

from impasto.errors import ImpastoError, speaking_flags, speaks_flags
from impasto.jobs.batch import Batch
from impasto.jobs.messages import Job, Report

__all__ = ["TRIES", "Executor", "serve"]

TRIES = 2
"""How often a job is tried whose worker dies."""

_MAX_FAILED_STARTS = 3  # of workers in a row that end before their first job
# Signals that a terminal sends to all processes of a batch: Ctrl-C, and the end of the terminal.
_REACHING_ALL = {signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)}
_TIMEOUT = 0.2  # seconds to wait for a report before control returns to the caller


@dataclass
class _Process:
    """A worker's process, and the job that it has."""

    process: SpawnProcess
    connection: Connection
    ready: bool = False
    job: Job | None = None


class Executor:
    """Processes that do jobs, each one at a time; a context manager that ends them.

    They are spawned, as PyTorch's threads do not survive a fork.

    Args:
        batch: what all jobs have in common; at most `batch.workers` processes are started.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._workers: list[_Process] = []
        self._deaths: Counter[Job] = Counter()
        self._failed_starts = 0

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()  # nothing is lost: finished pictures are in their place
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers = []

    def do(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Report] | None]:
        """Do jobs; yield each with a report on it, and several times a second None.

        A job whose worker dies is tried again after all others, `TRIES` times in all.

        Raises:
            ImpastoError: no job could succeed.
        """
        queue = deque(jobs)
        while queue or any(worker.job for worker in self._workers):
            self._start_workers(len(queue))
            for worker in self._workers:
                if queue and worker.ready and worker.job is None:
                    worker.job = queue.popleft()
                    with contextlib.suppress(OSError):  # a dead worker is noticed below
                        worker.connection.send(worker.job)
            self._wait()
            for worker in list(self._workers):
                yield from self._receive(worker, queue)
            yield None

    def _start_workers(self, waiting: int) -> None:
        """Start as many workers as there is work for."""
        busy = sum(worker.job is not None for worker in self._workers)
        while len(self._workers) < min(self._batch.workers, busy + waiting):
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            arguments = (theirs, self._batch, speaks_flags())
            process = context.Process(target=serve, args=arguments, daemon=True)
            with _signals_blocked():
                process.start()
            theirs.close()  # otherwise we would not notice when it is closed there
            self._workers.append(_Process(process, ours))

    def _wait(self) -> None:
        connections = [worker.connection for worker in self._workers]
        wait([*connections, *(w.process.sentinel for w in self._workers)], _TIMEOUT)

    def _receive(self, worker: _Process, queue: deque[Job]) -> Iterator[tuple[Job, Report]]:
        """Yield all reports that a worker has sent, and at last that it was lost."""
        is_lost = not worker.process.is_alive()  # before its last reports are read
        try:
            while worker.connection.poll():
                yield from self._handle(worker, worker.connection.recv())
        except (EOFError, OSError):
            is_lost = True
        if is_lost:
            yield from self._remove(worker, queue)

    def _handle(self, worker: _Process, report: Report) -> Iterator[tuple[Job, Report]]:
        if report.kind == "unusable":
            raise report.error or ImpastoError("A worker cannot work.")
        if report.kind == "ready":
            worker.ready, self._failed_starts = True, 0
            return
        if worker.job is not None:
            job = worker.job
            if report.kind in ("done", "failed"):
                worker.job = None
            yield job, report

    def _remove(self, worker: _Process, queue: deque[Job]) -> Iterator[tuple[Job, Report]]:
        """Remove a lost worker; its job is queued again, or has failed."""
        worker.process.kill()  # it may be alive with its end of the pipe closed
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        cause = _cause(worker.process.exitcode)
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _MAX_FAILED_STARTS:
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
            message = f"its worker was lost ({cause}); it is tried once more"
            yield worker.job, Report("lost", message=message)
            return
        message = (
            f"Its worker was lost {TRIES} times ({cause}). If memory was short, try a smaller "
            "--size, or fewer --workers."
        )
        yield worker.job, Report("failed", message=message)


def _cause(status: int | None) -> str:
    """Return how a process ended, in words."""
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return f"ended by {signal.Signals(-status).name}"
    return f"it ended with status {status}"


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals for a process that is started, until it ignores those that reach all.

    It inherits the mask of signals; those that come meanwhile are delivered to us afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start would reset the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*_REACHING_ALL, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(connection: Connection, batch: Batch, is_command: bool) -> None:
    """Do one job after another, until the connection is closed.

    Args:
        connection: for jobs to this process, and reports from it.
        is_command: whether its messages are for a command line.
    """
    for number in _REACHING_ALL:  # the parent decides
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # they were blocked until here
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_REACHING_ALL, signal.SIGTERM})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.getLogger("impasto").addHandler(_Notes(connection))
    try:
        with speaking_flags() if is_command else contextlib.nullcontext():
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
        except UnusableError as unusable:
            connection.send(Report("unusable", error=unusable.error))
            return


def _end_with_parent() -> None:
    """End this process when the batch is killed, so that it can be continued by another one."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


class _Notes(logging.Handler):
    """Sends what the package logs to the parent process."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(logging.WARNING)
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        self._connection.send(Report("note", message=record.getMessage()))
