"""A worker: it loads the network once, and does one job of a batch after another."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from impasto.engine.setup import backbone_of, with_layers
from impasto.engine.snapshots import Execution
from impasto.errors import ImpastoError, OptionError, PictureError, is_out_of_memory, notes_of
from impasto.files.digests import of_file
from impasto.image.writable import check_writable
from impasto.jobs.batch import Batch
from impasto.jobs.contact_sheet import draw
from impasto.jobs.messages import DrawJob, Job, PaintJob, Report
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import Task
from impasto.run.events import Failed, Noted, Stepped
from impasto.run.forecast import Forecast, forecast, resident_memory
from impasto.run.output import Output
from impasto.run.runner import run
from impasto.runtime import memory_of

__all__ = ["UnusableError", "Worker"]

_REPORT_EVERY = 0.2  # seconds between two reports on the same job
_OF_FREE = 0.8  # the share of free memory for all workers together, as for a single run

_LOG = logging.getLogger("impasto")


class UnusableError(Exception):
    """No other job can succeed either: the disc is full, or the folder is gone."""

    def __init__(self, error: ImpastoError) -> None:
        super().__init__(str(error))
        self.error = error


class Worker:
    """A network, and a share of the processor's threads and of the memory.

    Raises:
        ImpastoError: the network cannot be loaded.
    """

    def __init__(self, batch: Batch) -> None:
        torch.set_num_threads(max(1, torch.get_num_threads() // batch.workers))
        self._batch = batch
        self._extractor = backbone_of(with_layers(batch.config), batch.weights)
        self._device = self._extractor.device
        # Once, before the first picture: freed memory stays with the process, and so is no longer
        # counted as free, but the next picture can use it.
        self._budget = self._share_of_memory()

    def reports(self, job: Job) -> Iterator[Report]:
        """Do a job; yield its progress, and at last that it is done or why it failed.

        Raises:
            UnusableError: nothing can be written any more.
        """
        began = time.monotonic()
        try:
            if isinstance(job, DrawJob):
                for share in draw(job, self._target(job)):
                    yield Report("step", share)
            else:
                yield from self._paint(job)
        except UnusableError:
            raise
        except ImpastoError as error:
            yield Report("failed", message=" ".join([str(error), *notes_of(error)]))
            return
        except Exception as error:  # a bug or a fault of the machine: only this job fails
            yield Report("failed", message=_message(error))
            return
        seconds = time.monotonic() - began
        digest = of_file(self._target(job), PictureError)
        yield Report("done", 1.0, seconds, digest)

    def _paint(self, job: PaintJob) -> Iterator[Report]:
        batch = self._batch
        config = batch.config_of(job.photograph)
        output = Output(self._target(job), batch.settings, force=True)
        with _writing(output.path):
            check_writable(
                output.path, bits=batch.settings.depth, force=True, long_side=config.size
            )
        sources = Sources(
            str(job.photograph), job.styles, batch.init, None, (), weights=batch.weights
        )
        task = prepare(sources, config, self._extractor)
        expected = self._forecast(task)
        events = run(task, output, execution=Execution(expected.plan), expected=expected)
        reported = time.monotonic()
        with _writing(output.path), contextlib.closing(events):
            for event in events:
                if isinstance(event, Noted):
                    _LOG.warning("%s", event.message)
                elif isinstance(event, Failed):
                    raise event.error
                elif isinstance(event, Stepped) and time.monotonic() - reported > _REPORT_EVERY:
                    reported = time.monotonic()
                    yield Report("step", event.done)

    def _forecast(self, task: Task) -> Forecast:
        """Return the forecast of a picture within this worker's share of memory.

        Raises:
            OptionError: it does not fit.
        """
        try:
            return forecast(task, resident_memory(self._device) + self._budget)
        except OptionError as error:
            if self._batch.workers > 1:
                error.add_note(f"That is the share of one of {self._batch.workers} --workers.")
            raise

    def _share_of_memory(self) -> int:
        """Return the bytes that a picture may take beside what the worker holds already."""
        batch = self._batch
        if batch.memory is not None:
            return batch.memory // batch.workers - resident_memory(self._device)
        return int(_OF_FREE * memory_of(self._device) / batch.workers)

    def _target(self, job: Job) -> Path:
        return self._batch.staging / job.output


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Raise `UnusableError` where a picture cannot be written because of the disc or folder."""
    try:
        yield
    except PictureError as error:
        if isinstance(error.__cause__, OSError) or not target.parent.is_dir():
            raise UnusableError(error) from error
        raise


def _message(error: Exception) -> str:
    """Return the message of an error that is not an `ImpastoError`."""
    if is_out_of_memory(error):
        return "There is not enough memory. Try a smaller --size, or fewer --workers."
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    return f"{type(error).__name__}: {error}. This is a bug: please report it."
