"""The processes that jobs are carried out in: a new one for each, without waiting for PyTorch.

On Linux they are copies of a process that has loaded PyTorch and computed nothing (the standard
library's fork server). Elsewhere, where such a copy is not safe, each begins from nothing.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from impasto.config.methods import METHODS
from impasto.jobs.queue.child import main

__all__ = ["NotStartedError", "Running", "started"]

_UNDISTURBED = "impasto.jobs.queue.undisturbed"
_PAINTING = ("impasto.jobs.queue.painting", "impasto.painting.rerun", "impasto.run.launch")


class NotStartedError(Exception):
    """There is no process: it is tried again, as where one was lost."""


@dataclass
class Running:
    """A job's process.

    Attributes:
        events: what it reports, a message of JSON each; it ends with the process.
    """

    process: BaseProcess
    events: Connection

    def end(self, patience: float) -> None:
        """End the process, after it had so many seconds to write its state."""
        if patience:
            self.process.terminate()
            self.process.join(patience)
        self.process.kill()
        self.process.join()


@contextlib.contextmanager
def started(order: dict[str, str], log: str) -> Iterator[Running]:
    """Yield a process that carries out a job; at the end there is none, whatever happens.

    Where this process is killed, that one ends by itself: it sees a connection close.

    Args:
        order: what it is to do.
        log: the file for what it writes to standard error.
    """
    context = _context()
    events, report = context.Pipe(duplex=False)
    life, own_end = context.Pipe(duplex=False)
    # A daemon ends with this process. It may start none of its own by `multiprocessing`.
    process = context.Process(target=main, args=(order, log, report, life), daemon=True)  # type: ignore[attr-defined]
    try:
        _start(process)
        report.close()
        life.close()
        yield Running(process, events)
    finally:
        if process.pid is not None:
            process.kill()
            process.join()
        for end in (report, life, own_end):  # and `events` by whoever reads it to its end
            end.close()


def _start(process: BaseProcess) -> None:
    """Start a process.

    Raises:
        NotStartedError: the system, or the process that it would be a copy of, refuses.
    """
    try:
        process.start()
    except (OSError, EOFError) as problem:
        raise NotStartedError(str(problem) or type(problem).__name__) from problem


def _context() -> BaseContext:
    """Return how processes are started here."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    targets = [entry.target for row in METHODS.values() for entry in (row.task, row.paint)]
    modules = {target.partition(":")[0] for target in targets}
    # What started this worker is imported in each copy again, which then costs nothing.
    modules |= {name for name in sys.modules if name.startswith("impasto.")}
    modules.discard("impasto.__main__")
    context.set_forkserver_preload([_UNDISTURBED, *_PAINTING, *sorted(modules)])
    return context
