"""Run a study: paint the pictures that are missing, measure all, and write its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from impasto.config.bases import PhotoConfig
from impasto.evaluation.studies.folder import claim
from impasto.evaluation.studies.painting import Run, paint_run, recalled, runs_of, subject_of
from impasto.evaluation.studies.preflight import check_study
from impasto.evaluation.studies.registry import Variant, study_named, variants_of
from impasto.evaluation.studies.report import write_report
from impasto.evaluation.studies.result import Painted, StudyResult, rgb
from impasto.run.events import Stepped
from impasto.sheets.contact_sheet import Cell

__all__ = ["Outcome", "Progress", "StudySpec", "run_study"]

_MOST_FRAMES = 300  # of a film that shows a picture being painted


@dataclass(frozen=True)
class StudySpec:
    """What to study.

    Attributes:
        kind: a name in `STUDIES`.
        base: the configuration of which each run changes something.
        values: to try in place of the study's own.
        init: a picture to start from.
        weights: a file of weights for the backbone.
        film: whether to write one.
        force: write into a folder that something else is in.
        command: the command line, for the page.
    """

    kind: str
    content: str
    style: str
    base: PhotoConfig
    folder: Path
    values: tuple[str, ...] = ()
    init: Path | None = None
    weights: Path | None = None
    film: bool = True
    force: bool = False
    command: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a study has come.

    Attributes:
        number, total: of the current picture, and how many there are.
        step: the last of its run; None before the first, and for a picture painted earlier.
        done: share of the study that is finished, from 0 to 1.
        reused: whether the picture was painted earlier.
    """

    number: int
    total: int
    label: str
    step: Stepped | None
    done: float
    reused: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a study has: its pictures, and how many of those were painted earlier."""

    folder: Path
    pictures: tuple[Path, ...]
    planned: int
    reused: int

    @property
    def page(self) -> Path:
        """The page that shows the study."""
        return self.folder / "index.html"

    @property
    def interrupted(self) -> bool:
        """Whether pictures are missing."""
        return len(self.pictures) < self.planned


Watch = Callable[[Progress], bool]


def run_study(spec: StudySpec, watch: Watch = lambda _: True) -> Outcome:
    """Paint a study's pictures and write its page.

    Pictures of the same recipe that are there already are not painted again.

    Args:
        watch: called before each run and after each iteration; when it returns False the study
            ends, and its page shows what is painted.

    Raises:
        ImpastoError: anything that cannot be used, before anything is painted or written.
    """
    study = study_named(spec.kind)
    variants = variants_of(spec.kind, spec.base, spec.values, spec.init)
    check_study(
        variants,
        spec.content,
        spec.style,
        spec.folder,
        weights=spec.weights,
        film=spec.film,
    )
    subject = subject_of(spec.content, spec.style, spec.base, spec.weights)
    runs = runs_of(variants, subject)
    contents = [(name, run.task.recipe) for run in runs for name in run.names()]
    claim(spec.folder, spec.kind, contents, force=spec.force)
    pictures = _Pictures(spec.folder, len(variants), watch, is_filmed=study.film == "steps")
    for run in runs:
        if not pictures.reuse(run) and not pictures.paint(run):
            break
    if pictures.painted:
        write_report(
            StudyResult(
                study=study,
                kind=spec.kind,
                folder=spec.folder,
                command=spec.command,
                subject=subject,
                base=spec.base,
                painted=pictures.painted,
                planned=len(variants),
                frames=pictures.frames,
                film=spec.film,
            )
        )
    files = tuple(one.record.file for one in pictures.painted)
    return Outcome(spec.folder, files, len(variants), pictures.reused)


class _Pictures:
    """The pictures of a study that are painted so far."""

    def __init__(self, folder: Path, planned: int, watch: Watch, *, is_filmed: bool) -> None:
        self.folder, self.planned, self.watch, self.is_filmed = folder, planned, watch, is_filmed
        self.painted: list[Painted] = []
        self.frames: list[Cell] = []
        self.reused = 0

    def reuse(self, run: Run) -> bool:
        """Take a run's pictures from the folder, if all of them are there."""
        records = recalled(run, self.folder)
        if records is None:
            return False
        for number, variant, record in zip(run.numbers, run.variants, records, strict=True):
            done = number / self.planned
            self.watch(Progress(number, self.planned, variant.label, None, done, reused=True))
            self.painted.append(Painted(number, variant, record))
            self.reused += 1
        return True

    def paint(self, run: Run) -> bool:
        """Paint a run's pictures; return whether to go on."""
        pairs = list(zip(run.numbers, run.variants, strict=True))
        if not self._report(run, pairs[0], None):
            return False
        length = sum(scale.iterations for scale in run.task.workload.scales)
        interval = max(1, -(-length // _MOST_FRAMES))
        for moment in paint_run(run, self.folder):
            if self.is_filmed and (moment.count % interval == 0 or moment.record is not None):
                image = rgb(moment.step.picture())
                self.frames.append(Cell(image, f"after iteration {moment.count}"))
            goes_on = self._report(run, pairs[0], moment.step)
            if moment.record is not None:
                self.painted.append(Painted(*pairs.pop(0), moment.record))
            if not goes_on:
                return False
        return True

    def _report(self, run: Run, pair: tuple[int, Variant], step: Stepped | None) -> bool:
        number, variant = pair
        share = 0.0 if step is None else step.done
        done = (run.numbers[0] - 1 + share * len(run.numbers)) / self.planned
        return self.watch(Progress(number, self.planned, variant.label, step, done))
