"""Conduct a study: paint what is missing, measure, and write it all down in a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.config.bases import PhotoConfig
from impasto.engine.step import Step
from impasto.errors import OptionError
from impasto.evaluation.studies.film import check_film
from impasto.evaluation.studies.folder import claim
from impasto.evaluation.studies.painting import Run, paint_run, recalled, runs_of, subject_of
from impasto.evaluation.studies.registry import Variant, study_named, variants_of
from impasto.evaluation.studies.report import Painted, Report, write_report
from impasto.image.writing import to_pil
from impasto.painting.sources import finish
from impasto.sheets.contact_sheet import Cell
from impasto.sheets.curves import check_plots

__all__ = ["Outcome", "Plan", "Progress", "conduct"]

_MOST_FRAMES = 300  # of a film that shows a picture being painted


@dataclass(frozen=True)
class Plan:
    """What is to be studied.

    Attributes:
        kind: a name in `STUDIES`.
        base: the configuration of which each run changes something.
        values: instead of the study's own.
        init: a picture to start from.
        weights: a file of weights for the backbone.
        film: whether to write one.
        force: write into a folder that holds something else.
        command: the command line that this is, for the page.
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
    """Where a study is.

    Attributes:
        number, total: of the picture in hand, and how many there are.
        step: where its run is; None before the first, and where the picture is there already.
        done: share of the whole study, from 0 to 1.
        kept: whether the picture was there already.
    """

    number: int
    total: int
    label: str
    step: Step | None
    done: float
    kept: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a study: how many pictures it has, and how many of those it found there."""

    folder: Path
    pictures: tuple[Path, ...]
    planned: int
    kept: int

    @property
    def page(self) -> Path:
        """The page to look at."""
        return self.folder / "index.html"

    @property
    def interrupted(self) -> bool:
        """Whether pictures are missing."""
        return len(self.pictures) < self.planned


Watch = Callable[[Progress], bool]


def conduct(plan: Plan, watch: Watch = lambda _: True) -> Outcome:
    """Paint a study's pictures and write its page.

    Pictures that are there already, by the same recipe, are not painted again.

    Args:
        watch: called before each run and after each iteration; the study ends early when it
            returns False, and is written down as far as it is.

    Raises:
        ImpastoError: whatever cannot be used, before anything is painted or written.
    """
    study = study_named(plan.kind)
    variants = variants_of(plan.kind, plan.base, plan.values, plan.init)
    _check(plan, variants)
    subject = subject_of(plan.content, plan.style, plan.base, plan.weights)
    runs = runs_of(variants, subject)
    contents = [(name, run.task.recipe) for run in runs for name in run.names()]
    claim(plan.folder, plan.kind, contents, force=plan.force)
    easel = _Easel(plan.folder, len(variants), watch, filming=study.film == "steps")
    for run in runs:
        if not easel.has(run) and not easel.paint(run):
            break
    if easel.painted:
        write_report(
            Report(
                study=study,
                kind=plan.kind,
                folder=plan.folder,
                command=plan.command,
                subject=subject,
                base=plan.base,
                painted=easel.painted,
                planned=len(variants),
                frames=easel.frames,
                film=plan.film,
            )
        )
    files = tuple(painted.record.file for painted in easel.painted)
    return Outcome(plan.folder, files, len(variants), easel.kept)


def _check(plan: Plan, variants: Sequence[Variant]) -> None:
    """Fail before the work rather than after it."""
    check_plots()
    if plan.film:
        check_film()
    starts = [str(variant.init) for variant in variants if variant.init]
    for given in (plan.content, plan.style, *starts):
        file = Path(given)
        if file.is_file() and file.resolve().is_relative_to(plan.folder.resolve()):
            raise OptionError(
                f"{given} is in {plan.folder}, where the study's files go. Give another folder "
                "with --out."
            )


class _Easel:
    """The pictures of a study as they come to be."""

    def __init__(self, folder: Path, planned: int, watch: Watch, *, filming: bool) -> None:
        self.folder, self.planned, self.watch, self.filming = folder, planned, watch, filming
        self.painted: list[Painted] = []
        self.frames: list[Cell] = []
        self.kept = 0

    def has(self, run: Run) -> bool:
        """Find a run's pictures, if all of them are there."""
        records = recalled(run, self.folder)
        if records is None:
            return False
        for number, variant, record in zip(run.numbers, run.variants, records, strict=True):
            self.watch(
                Progress(number, self.planned, variant.label, None, number / self.planned, True)
            )
            self.painted.append(Painted(number, variant, record))
            self.kept += 1
        return True

    def paint(self, run: Run) -> bool:
        """Paint a run's pictures; whether to go on."""
        pairs = list(zip(run.numbers, run.variants, strict=True))
        if not self._tell(run, pairs[0], None):
            return False
        length = sum(scale.iterations for scale in run.task.workload.scales)
        every = max(1, -(-length // _MOST_FRAMES))
        for count, moment in enumerate(paint_run(run, self.folder), start=1):
            if self.filming and (count % every == 0 or moment.record is not None):
                image = to_pil(finish(run.task, moment.step)).convert("RGB")
                self.frames.append(Cell(image, f"after iteration {count}"))
            going_on = self._tell(run, pairs[0], moment.step)
            if moment.record is not None:
                self.painted.append(Painted(*pairs.pop(0), moment.record))
            if not going_on:
                return False
        return True

    def _tell(self, run: Run, pair: tuple[int, Variant], step: Step | None) -> bool:
        number, variant = pair
        within = 0.0 if step is None else step.done
        done = (run.numbers[0] - 1 + within * len(run.numbers)) / self.planned
        return self.watch(Progress(number, self.planned, variant.label, step, done))
