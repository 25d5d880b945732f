"""Painting a study's pictures, one run after the other, with one network."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from impasto.config.bases import PhotoConfig
from impasto.config.specs import StyleSpec
from impasto.engine.setup import backbone_of
from impasto.evaluation.studies.folder import Record, Tick, name_of, recall, remember
from impasto.evaluation.studies.registry import Variant
from impasto.features import sources as stored
from impasto.features.extractor import Extractor
from impasto.image.picture import Picture
from impasto.image.writing import write
from impasto.painting.inputs import read_picture, read_style
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import Task
from impasto.run import runner
from impasto.run.events import Failed, Noted, Stepped
from impasto.styles.statistics import Style

__all__ = ["Moment", "Run", "Subject", "paint_run", "recalled", "runs_of", "subject_of"]

_LOG = logging.getLogger("impasto")


@dataclass(frozen=True)
class Subject:
    """What all runs of a study have in common.

    Attributes:
        content, style: as they were typed.
        weights: a file of weights for the backbone.
    """

    content: str
    style: str
    photograph: Picture
    painting: Style
    extractor: Extractor
    weights: Path | None = None


def subject_of(content: str, style: str, config: PhotoConfig, weights: Path | None) -> Subject:
    """Load the network and read the two pictures.

    Raises:
        ImpastoError: whatever cannot be used.
    """
    extractor = backbone_of(config, weights)
    digest = stored.digest(config.backbone, weights)
    photograph = read_picture("content", content, config, extractor).picture
    painting = read_style(style, config, extractor, digest).style
    assert painting is not None
    return Subject(content, style, photograph, painting, extractor, weights)


@dataclass(frozen=True)
class Run:
    """One painting, and the pictures that are taken of it: one, or several on its way.

    Attributes:
        numbers: of its variants within the study, from 1.
    """

    task: Task
    variants: tuple[Variant, ...]
    numbers: tuple[int, ...]

    @property
    def label(self) -> str:
        """Its name on a curve."""
        return self.variants[0].label if len(self.variants) == 1 else "the run"

    def names(self) -> list[str]:
        """Return its pictures' names."""
        pairs = zip(self.numbers, self.variants, strict=True)
        return [name_of(number, variant.label) for number, variant in pairs]


@dataclass(frozen=True)
class Moment:
    """A step of a run, and the picture that was written after it, if one was.

    Attributes:
        count: of the step over all scales, from 1.
    """

    count: int
    step: Stepped
    record: Record | None = None


def runs_of(variants: Sequence[Variant], subject: Subject) -> list[Run]:
    """Prepare every run before anything is painted; they share one network.

    Raises:
        ImpastoError: whatever cannot be used.
    """
    runs: list[Run] = []
    numbered = list(enumerate(variants, start=1))
    for (config, init), group in groupby(numbered, key=lambda pair: (pair[1].config, pair[1].init)):
        numbers, members = zip(*group, strict=True)
        runs.append(Run(_task(subject, config, init), members, numbers))
    return runs


def _task(subject: Subject, config: PhotoConfig, init: Path | None) -> Task:
    sources = Sources(
        subject.content, (StyleSpec(subject.style),), init=init, weights=subject.weights
    )
    return prepare(sources, config, subject.extractor)


def recalled(run: Run, folder: Path) -> list[Record] | None:
    """Return the pictures of a run, if all of them are painted already."""
    records = []
    for name, variant in zip(run.names(), run.variants, strict=True):
        record = recall(folder, name, run.task.recipe, variant.after)
        if record is None:
            return None
        records.append(record)
    return records


def paint_run(run: Run, folder: Path) -> Iterator[Moment]:
    """Paint a run's pictures into `folder`/runs; yield after every iteration.

    A run that is stopped before its end leaves the pictures taken until then, each complete. One
    that begins again, as memory ran out, is counted and timed from its new beginning.

    Raises:
        Exception: the error of a run that failed.
    """
    names = dict(zip((variant.after for variant in run.variants), run.names(), strict=True))
    ticks: list[Tick] = []
    began = time.monotonic()
    with contextlib.closing(runner.run(run.task)) as events:
        for event in events:
            if isinstance(event, Noted):
                _LOG.warning("%s", event.message)
                ticks, began = [], time.monotonic()
            elif isinstance(event, Failed):
                raise event.error
            elif isinstance(event, Stepped):
                ticks.append(_tick(event, len(ticks) + 1, time.monotonic() - began))
                is_last = (event.scale, event.iteration) == (event.scales, event.iterations)
                name = names.pop(len(ticks), None) or (names.pop(None, None) if is_last else None)
                record = None if name is None else _write(folder, name, event, ticks)
                yield Moment(len(ticks), event, record)
                if not names:
                    return


def _write(folder: Path, name: str, step: Stepped, ticks: Sequence[Tick]) -> Record:
    file = folder / "runs" / f"{name}.png"
    write(step.picture(), file, recipe=step.recipe().to_json(), force=True)
    return remember(file, ticks)


def _tick(step: Stepped, iteration: int, seconds: float) -> Tick:
    losses = {name: value for name, value in step.losses.items() if math.isfinite(value)}
    return Tick(iteration, step.scale, step.width, step.height, round(seconds, 4), losses)
