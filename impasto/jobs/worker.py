"""Where a worker does its jobs, with the network loaded once. Imports PyTorch."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import torch

from impasto.config.memory import MemoryPlan
from impasto.engine.setup import backbone_of, with_layers
from impasto.engine.snapshots import Execution
from impasto.engine.step import Step
from impasto.errors import ImpastoError, OptionError, PictureError, is_out_of_memory
from impasto.files.digests import of_file
from impasto.image.writing import check_writable, write
from impasto.jobs.contact_sheet import draw
from impasto.jobs.messages import Brief, DrawJob, Job, PaintJob, Report
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources, Task, finish, paint
from impasto.run.execution import recorded
from impasto.run.forecast import forecast
from impasto.run.memory_fallback import paint_leaner
from impasto.runtime import memory_of

__all__ = ["Bench", "UnusableError"]

_BREATH = 0.2  # seconds between two reports on the same job
_OF_FREE = 0.8  # of the memory that is free, all workers together; as a single run takes

_LOG = logging.getLogger("impasto")


class UnusableError(Exception):
    """No other job could succeed either: the disc is full, or the folder is gone."""

    def __init__(self, error: ImpastoError) -> None:
        super().__init__(str(error))
        self.error = error


class Bench:
    """A network, and a share of the processor's threads and of the memory.

    Raises:
        ImpastoError: the network cannot be loaded.
    """

    def __init__(self, brief: Brief) -> None:
        torch.set_num_threads(max(1, torch.get_num_threads() // brief.workers))
        self._brief = brief
        self._extractor = backbone_of(with_layers(brief.config), brief.weights)
        self._device = next(self._extractor.parameters()).device
        # Once, before the first picture: freed memory stays with the process, and is free for the
        # next picture though it no longer looks so.
        self._budget = self._share_of_memory()

    def reports(self, job: Job) -> Iterator[Report]:
        """Do a job. Whatever is wrong with its pictures is a report, the last one.

        Raises:
            UnusableError: nothing can be written any more.
        """
        began = time.monotonic()
        try:
            if isinstance(job, DrawJob):
                yield from self._draw(job)
            else:
                yield from self._paint(job)
        except UnusableError:
            raise
        except ImpastoError as error:
            yield Report("failed", message=" ".join([str(error), *_notes(error)]))
            return
        except Exception as error:  # a bug, or a machine's fault: it stops this job alone
            yield Report("failed", message=_told(error))
            return
        seconds = time.monotonic() - began
        digest = of_file(self._target(job), PictureError)
        yield Report("done", 1.0, seconds, digest)

    def _paint(self, job: PaintJob) -> Iterator[Report]:
        brief, target = self._brief, self._target(job)
        with _writing(target):
            check_writable(target, bits=brief.bits, force=True, long_side=brief.config.size)
        sources = Sources(
            str(job.photograph), job.choices, brief.init, None, (), weights=brief.weights
        )
        task = prepare(sources, brief.config, self._extractor)
        execution = Execution(self._plan_of(task))
        step: Step | None = None

        def changed(plan: MemoryPlan) -> None:
            nonlocal execution, step
            execution, step = Execution(plan), None  # a step holds the memory that could not be had
            _LOG.warning("memory could not be had: it is begun anew with less")

        told = time.monotonic()
        for step in paint_leaner(
            partial(paint, task), task.workload, execution, lambda: None, changed
        ):
            if time.monotonic() - told > _BREATH:
                told = time.monotonic()
                yield Report("step", step.done)
        assert step is not None
        picture, step = finish(task, step), None
        recipe = recorded(task.recipe, execution).to_json() if brief.recipe else None
        with _writing(target):
            write(
                picture,
                target,
                recipe=recipe,
                bits=brief.bits,
                force=True,
                quality=brief.quality,
            )

    def _plan_of(self, task: Task) -> MemoryPlan:
        """How a picture is painted within this worker's share.

        Raises:
            OptionError: it cannot be.
        """
        try:
            return forecast(task, self._held() + self._budget).plan
        except OptionError as error:
            if self._brief.workers > 1:
                error.add_note(f"That is the share of one of {self._brief.workers} --workers.")
            raise

    def _share_of_memory(self) -> int:
        """Bytes that a picture may take, beside what the worker holds already."""
        brief = self._brief
        if brief.memory is not None:
            return brief.memory // brief.workers - self._held()
        return int(_OF_FREE * memory_of(self._device) / brief.workers)

    def _held(self) -> int:
        """Bytes that this process holds where pictures are painted, as `forecast` counts them."""
        return psutil.Process().memory_info().rss if self._device.type == "cpu" else 0

    def _draw(self, job: DrawJob) -> Iterator[Report]:
        for share in draw(job, self._target(job)):
            yield Report("step", share)

    def _target(self, job: Job) -> Path:
        return self._brief.staging / job.output


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Tell what is wrong with the disc, and so with all jobs, from what is wrong with this one."""
    try:
        yield
    except PictureError as error:
        if isinstance(error.__cause__, OSError) or not target.parent.is_dir():
            raise UnusableError(error) from error
        raise


def _notes(error: Exception) -> list[str]:
    return list(getattr(error, "__notes__", []))


def _told(error: Exception) -> str:
    """What a person reads of an error that is none of ours."""
    text = str(error)
    if is_out_of_memory(error):
        return "There is not enough memory. Try a smaller --size, or fewer --workers."
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    return f"{type(error).__name__}: {text}. This is a bug: please report it."
