"""The process that carries out one job, and nothing else: its end gives back all memory.

A worker starts it (`nursery`), and gets its reports, a message of JSON each. It ends when the
worker's end of a connection is closed: the worker is gone then.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import (
    ImpastoError,
    ResumeError,
    is_out_of_memory,
    notes_of,
    speaking_flags,
)
from impasto.jobs.queue.assignment import Assignment, Report, StoppedError
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.kinds import KINDS
from impasto.jobs.queue.passing import is_passing
from impasto.jobs.queue.store import Store

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["main"]


def main(order: dict[str, str], log: str, events: Connection, life: Connection) -> None:
    """Carry out a job.

    Args:
        order: `store`, its `name`, `job`, `claim` and `device`.
        log: the file for what is written to standard output and standard error.
        events: for reports.
        life: is closed when the worker is gone.
    """
    _take_own_output(log)
    with contextlib.suppress(OSError, AttributeError):
        os.setsid()  # Ctrl-C is for the worker, which decides
    threading.Thread(target=_end_with_worker, args=(life,), daemon=True).start()
    is_stopped = _handle_signals()
    lock = threading.Lock()  # a note may come from any thread

    def report(event: str, **values: Any) -> None:
        with lock:
            events.send_bytes(json.dumps({"event": event, **values}).encode("ascii"))

    logging.getLogger("impasto").addHandler(_Notes(report))
    with speaking_flags():
        try:
            _work(order, report, is_stopped)
        except Exception as error:
            report("failed", message=_message(error), temporary=is_passing(error))


def _work(order: dict[str, str], report: Report, is_stopped: Callable[[], bool]) -> None:
    """Carry out a job, from its last state if there is one.

    Raises:
        ImpastoError: it cannot be carried out.
    """
    store = Store(Path(order["store"]), order["name"])
    folder, claim = JobFolder(store, order["job"]), int(order["claim"])
    job = folder.job()
    if (made := folder.painted(job.name)) is None:
        from impasto.runtime import prefer_device  # with it comes PyTorch

        prefer_device(order["device"])
        os.chdir(store.path)  # a job names files as the store has them, on any machine
        with contextlib.suppress(StoppedError):
            made = _made(Assignment(folder, job, claim, report, is_stopped))
    if made is not None:
        report("finished", claim=int(made.parent.name))


def _made(assignment: Assignment) -> Path | None:
    """Carry out a job; begin again where what was stopped is not the job's, or damaged."""
    carry_out, folder = KINDS[assignment.job.kind].carry_out, assignment.folder
    try:
        made: Path | None = carry_out(assignment)
    except ResumeError as error:
        if is_passing(error):
            raise
        assignment.report("note", message=f"{error} The job begins again.")
        shutil.rmtree(folder.run, ignore_errors=True)
        made = carry_out(assignment)
    return made


class _Notes(logging.Handler):
    """Reports what the package logs."""

    def __init__(self, report: Report) -> None:
        super().__init__(logging.WARNING)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        self._report("note", message=record.getMessage())


def _take_own_output(log: str) -> None:
    """Let all that is written to standard output and standard error go to a file, if it can be."""
    with contextlib.suppress(OSError):
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        os.close(handle)


def _end_with_worker(life: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        life.recv_bytes()
    os._exit(1)


def _handle_signals() -> Callable[[], bool]:
    """Let SIGTERM end the run after the iteration; return whether one came."""
    is_stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_stopped.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGHUP"):  # in a session of its own none comes, unless it is meant
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    return is_stopped.is_set


def _message(error: Exception) -> str:
    if is_out_of_memory(error):
        return "There is not enough memory. Try a smaller --size, or give --memory."
    if isinstance(error, ImpastoError):
        notes = [note for note in notes_of(error) if "impasto resume" not in note]
        return " ".join([str(error), *notes])
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    return f"{type(error).__name__}: {error}. This is a bug: please report it."
