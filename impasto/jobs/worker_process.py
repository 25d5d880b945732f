"""A worker's process: it waits for jobs and reports on them. PyTorch is loaded in it alone."""

from __future__ import annotations

import logging
import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

from impasto.errors import ImpastoError
from impasto.jobs.messages import Brief, Report

__all__ = ["serve"]


def serve(connection: Connection, brief: Brief) -> None:
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
        _work(connection, brief)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _work(connection: Connection, brief: Brief) -> None:
    try:
        from impasto.jobs.worker import Bench, UnusableError

        bench = Bench(brief)
    except (ImpastoError, OSError, MemoryError) as error:
        connection.send(Report("unusable", error=error))
        return
    connection.send(Report("ready"))
    while True:
        job = connection.recv()
        try:
            for report in bench.reports(job):
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
