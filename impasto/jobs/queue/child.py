"""The process that paints one job, and nothing else: its end gives back all memory.

A worker starts it, and says on standard input what to do. It reports on standard output, a line of
JSON each. It ends when standard input is closed: the worker is gone then.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from impasto.errors import (
    ImpastoError,
    JobError,
    ResumeError,
    is_out_of_memory,
    notes_of,
    speaking_flags,
)
from impasto.jobs.queue.passing import is_passing

__all__ = ["main"]

_EVERY = 0.25  # seconds between two reports on progress
_PREVIEW_EVERY = 0.5  # seconds between two previews, which may take a twentieth of the time
_PREVIEW_SHARE = 0.05
_PREVIEW_SIDE = 512
_PATIENCE = 120.0  # seconds in which the process before this one may end

Report = Callable[..., None]


def main() -> int:
    """Paint the job that standard input names; return 0, whatever came of it."""
    stream = _own_stdout()
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_worker, daemon=True).start()
    is_stopped = _handle_signals()

    def report(event: str, **values: Any) -> None:
        stream.write(json.dumps({"event": event, **values}) + "\n")
        stream.flush()

    logging.getLogger("impasto").addHandler(_Notes(report))
    with speaking_flags():
        try:
            _paint(order, report, is_stopped)
        except Exception as error:
            report("failed", message=_message(error), temporary=is_passing(error))
    return 0


def _paint(order: dict[str, str], report: Report, is_stopped: Callable[[], bool]) -> None:
    """Paint a job, from its last state if there is one.

    Raises:
        ImpastoError: it cannot be painted.
    """
    from impasto.jobs.queue.job_folder import JobFolder
    from impasto.jobs.queue.store import Store
    from impasto.runtime import prefer_device

    store = Store(Path(order["store"]), order["name"])
    folder, claim = JobFolder(store, order["job"]), int(order["claim"])
    job = folder.job()
    if (picture := folder.painted(job.name)) is None:
        prefer_device(order["device"])
        os.chdir(store.path)  # a recipe names files as the store has them, on any machine
        with _free_run(folder):
            picture = _painted(folder, claim, report, is_stopped)
    if picture is not None:
        report("finished", claim=int(picture.parent.name))


def _painted(
    folder: Any, claim: int, report: Report, is_stopped: Callable[[], bool]
) -> Path | None:
    """Paint; begin again where the run that was stopped is not the job's, or damaged."""
    try:
        return _run(folder, claim, report, is_stopped)
    except ResumeError as error:
        if is_passing(error):
            raise
        report("note", message=f"{error} The job begins again.")
        shutil.rmtree(folder.run, ignore_errors=True)
        return _run(folder, claim, report, is_stopped)


def _run(folder: Any, claim: int, report: Report, is_stopped: Callable[[], bool]) -> Path | None:
    import torch

    from impasto.features import sources as networks
    from impasto.painting import rerun
    from impasto.painting.task import Task
    from impasto.run.events import Event, Noted, Started, Stepped, consume
    from impasto.run.halt import Halt
    from impasto.run.launch import RunOptions, begin
    from impasto.run.output import Output

    job = folder.job()
    recipe = job.recipe(torch.get_num_threads())
    config = recipe.settings()
    weights = None if job.weights is None else Path(job.weights)
    places = {
        role: [s.place for s in job.sources if s.role == role]
        for role in ("content", "style", "content-map", "style-map", "init", "region")
    }

    def prepared() -> Task:
        if networks.digest(config.eye, weights) != recipe.backbone_digest:
            raise JobError(
                f"The weights of {config.eye} are others here than where the job was made."
            )
        task = rerun.prepare_again(recipe, places, weights)
        if changes := rerun.changes(recipe, task.recipe):
            raise JobError(f"This would be another picture: {'; '.join(changes)}.")
        return task

    output = Output(folder.target(claim, job.name), job.settings, force=True)
    options = RunOptions(
        folder=folder.run,
        resume=(folder.run / "run.json").exists(),
        memory=job.memory,
        timed=False,
        stop=lambda: Halt.AT_ONCE if is_stopped() else Halt.NO,
    )
    progress = _Progress(folder.preview, report)

    def handle(event: Event) -> None:
        if isinstance(event, Started):
            report("started", memory=event.forecast.memory)
        elif isinstance(event, Noted):
            report("note", message=event.message)
        elif isinstance(event, Stepped):
            progress.step(event)

    result = consume(begin(prepared, output, options, config.size, weights=weights), handle)
    return None if result is None or result.picture is None else result.path


class _Progress:
    """Reports steps and writes previews, a few a second at most."""

    def __init__(self, preview: Path, report: Report) -> None:
        self._preview, self._report = preview, report
        self._next_report = self._next_preview = 0.0

    def step(self, step: Any) -> None:
        from impasto.run.trace import finite

        now = time.monotonic()
        if now >= self._next_report:
            self._next_report = now + _EVERY
            names = ("scale", "scales", "width", "height", "iteration", "iterations")
            numbers = {name: getattr(step, name) for name in names}
            self._report("step", done=round(step.done, 4), **numbers, losses=finite(step.losses))
        if now >= self._next_preview:
            with contextlib.suppress(OSError, ImpastoError):
                self._write(step)
            taken = time.monotonic() - now
            self._next_preview = now + max(_PREVIEW_EVERY, taken / _PREVIEW_SHARE)

    def _write(self, step: Any) -> None:
        from impasto.files import atomic
        from impasto.image.writing import to_pil

        picture = to_pil(step.picture(), metadata="none").convert("RGB")
        picture.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
        with atomic.opened(self._preview) as file:
            picture.save(file, "JPEG", quality=80)


@contextlib.contextmanager
def _free_run(folder: Any) -> Iterator[None]:
    """Wait until no other process paints in the run's folder.

    It notices within a second that the job is not its own any more, or ends with its worker.

    Raises:
        JobError: it does not end.
    """
    from impasto.files.locks import FolderLock

    until = time.monotonic() + _PATIENCE
    while folder.run.is_dir():
        lock = FolderLock(folder.run)
        try:
            lock.acquire()
        except BlockingIOError:
            if time.monotonic() > until:
                raise JobError(
                    f"Another process paints in {folder.run}, and does not end."
                ) from None
            time.sleep(0.2)
        except OSError:
            break
        else:
            lock.release()
            break
    yield


class _Notes(logging.Handler):
    """Reports what the package logs."""

    def __init__(self, report: Report) -> None:
        super().__init__(logging.WARNING)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        self._report("note", message=record.getMessage())


def _own_stdout() -> TextIO:
    """Return standard output; what others print goes to standard error from now on."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream


def _end_with_worker() -> None:
    sys.stdin.read()
    os._exit(1)


def _handle_signals() -> Callable[[], bool]:
    """Let SIGTERM end the run after the iteration; return whether one came."""
    is_stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_stopped.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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


if __name__ == "__main__":
    sys.exit(main())
