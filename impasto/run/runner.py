"""A task, painted before a person's eyes. Imports PyTorch: commands import it when they run."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

import typer

from impasto.cli.console import remark
from impasto.cli.interrupt import INTERRUPTED, TERMINATED, Interruption, patient
from impasto.cli.planning import as_dict, leaner
from impasto.cli.progress import watching
from impasto.config.memory import MemoryPlan
from impasto.config.recipe import Recipe, Stop
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution, Snapshot
from impasto.engine.step import Step
from impasto.errors import ImpastoError, OptionError, PictureError, ResumeError
from impasto.files import atomic
from impasto.image.picture import Picture
from impasto.image.reading import digest
from impasto.image.writing import check_writable, write
from impasto.painting.sources import Task, finish, paint
from impasto.run import trace as traces
from impasto.run.execution import recorded
from impasto.run.folder import RunFolder
from impasto.run.forecast import Forecast
from impasto.run.memory_fallback import paint_leaner
from impasto.runtime import peak_memory

__all__ = ["Output", "Result", "present", "run"]

_LOG = logging.getLogger("impasto")

# Pixels from which on the optimiser goes before the picture's file is put together.
_LARGE = 4_000_000


@dataclass(frozen=True)
class Output:
    """What a run writes and shows.

    Attributes:
        path: the picture's file.
        recipe: whether the picture carries its recipe.
        preview_every: iterations between two previews, if any.
        trace: where each step goes as a line of JSON, if anywhere.
        goes_on: with a run that was stopped, and with its trace.
    """

    path: Path
    bits: Literal[8, 16] = 8
    quality: int = 95
    force: bool = False
    recipe: bool = True
    preview_every: int | None = None
    trace: Path | None = None
    goes_on: bool = False
    quiet: bool = False

    @property
    def preview(self) -> Path:
        """Where the picture so far goes: `out.preview.png` beside `out.jpg`."""
        return self.path.with_name(f"{self.path.stem}.preview.png")

    def check(self, long_side: int) -> None:
        """Fail before the work rather than after it.

        A preview that is there already is one that an earlier run left: it is replaced.

        Args:
            long_side: what the picture will measure.

        Raises:
            ImpastoError: a file that is there already, without `force`, or that cannot be written.
        """
        check_writable(self.path, bits=self.bits, force=self.force, long_side=long_side)
        if self.preview_every is not None:
            check_writable(self.preview, force=True)
        if self.trace is not None:
            if self.trace.resolve() in (self.path.resolve(), self.preview.resolve()):
                raise OptionError(f"{self.trace} cannot be both --trace and a picture of the run.")
            traces.check(self.trace, force=self.force, append=self.goes_on)


@dataclass(frozen=True)
class Result:
    """What came of a run.

    Attributes:
        iterations: those that were done now; a run that went on has had others before.
        interrupted: somebody ended it before its time.
        folder: where it can be gone on with, or be extended, if anywhere.
        expected: what was foretold of it.
    """

    path: Path
    seconds: float
    width: int
    height: int
    iterations: int
    losses: dict[str, float]
    interrupted: bool
    recipe: Recipe
    folder: Path | None = None
    expected: Forecast | None = None

    def to_json(self) -> str:
        """One line for scripts, with the written file's digest."""
        return json.dumps(
            {
                "output": str(self.path),
                "digest": digest(self.path),
                "seconds": round(self.seconds, 3),
                "width": self.width,
                "height": self.height,
                "iterations": self.iterations,
                "losses": traces.finite(self.losses),
                "peak_memory": peak_memory(),
                "forecast": None if self.expected is None else as_dict(self.expected),
                "interrupted": self.interrupted,
                "run": None if self.folder is None else str(self.folder),
                "recipe": json.loads(self.recipe.to_json()),
            }
        )


def run(
    task: Task,
    output: Output,
    *,
    execution: Execution = DEFAULT_EXECUTION,
    folder: RunFolder | None = None,
    expected: Forecast | None = None,
) -> Result:
    """Paint, report and write; the first Ctrl-C writes the picture so far.

    A task whose recipe has `stopped_at` stops there.

    Args:
        execution: from where on, and with how much memory.
        folder: where the run's states go, in which it has begun; it is removed once the picture is
            written, unless it is to be kept or the run was interrupted.
        expected: what was foretold of it.

    Raises:
        ImpastoError: as `paint` and `write` do.
        KeyboardInterrupt: Ctrl-C before the first step was done, or twice.
        Exit: after SIGTERM, with the state written and no picture.
    """
    began = time.monotonic()
    at = _Progress(execution.plan)
    with patient() as interruption, _pointing_to_run(folder, at), _pointing_to_preview(output):
        step = _paint(task, output, interruption, execution, folder, at)
        ended = _is_last(step) or _stop_of(step) == task.recipe.stopped_at
        is_large = task.workload.pixels >= _LARGE
        if folder is not None and (folder.record.keep or not ended or is_large):
            at.is_kept = _try_to_save(folder, step)
        if interruption.hurried and not ended:
            _leave(folder)
        stop = None if _is_last(step) else _stop_of(step)
        recipe = recorded(replace(task.recipe, stopped_at=stop), replace(execution, plan=at.plan))
        recipe = replace(recipe, replanned=recipe.replanned or at.replanned)
        picture, losses = finish(task, step), step.losses
        at.rescue = partial(_put_elsewhere, picture, recipe, output)
        if is_large:
            at.steps.clear()  # the optimiser's memory, before the file is put together
        del step
        _write(picture, recipe, output)
        if output.preview_every is not None:
            output.preview.unlink(missing_ok=True)
        left = folder is not None and _put_away(folder, output.path, ended=ended)
    return Result(
        path=output.path,
        seconds=time.monotonic() - began,
        width=picture.width,
        height=picture.height,
        iterations=at.count,
        losses=losses,
        interrupted=not ended,
        recipe=recipe,
        folder=folder.path if folder is not None and left else None,
        expected=expected,
    )


def present(result: Result, *, quiet: bool, as_json: bool) -> None:
    """Say what came of it: the file to standard output, the rest beside it.

    Raises:
        Exit: with the status of an interrupted command, if it was.
    """
    if not quiet:
        early = ", stopped early" if result.interrupted else ""
        remark(f"{result.width}×{result.height} pixels in {result.seconds:.1f} s{early}")
        if result.interrupted and result.folder is not None:
            remark(f"`impasto resume {result.folder}` goes on with it")
    print(result.to_json() if as_json else result.path)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)


@dataclass
class _Progress:
    """How far a run is, by which plan; `is_whole` while nothing changes the last step's picture."""

    plan: MemoryPlan
    replanned: bool = False
    steps: list[Step] = field(default_factory=list)
    count: int = 0
    is_whole: bool = False
    is_kept: bool = False  # its last state is written, and it needs no step any more
    rescue: Callable[[BaseException], None] | None = None  # once there is a picture


def _paint(
    task: Task,
    output: Output,
    interruption: Interruption,
    execution: Execution,
    folder: RunFolder | None,
    at: _Progress,
) -> Step:
    """Go through the steps, as far as one may; the last one."""
    with (
        watching(output.quiet) as report,
        traces.tracing(output.trace, force=output.force, append=output.goes_on) as trace,
    ):
        preview = _Previewer(task, output.preview)
        for step in _watched(_steps(task, execution, folder, at), at):
            interruption.keeping = True
            report(step)
            trace(step)
            if output.preview_every is not None and at.count % output.preview_every == 0:
                preview(step)
            if interruption.asked or _stop_of(step) == task.recipe.stopped_at:
                break
            if folder is not None:
                folder.keep_up(step)
            del step
    return at.steps[0]


def _steps(
    task: Task, execution: Execution, folder: RunFolder | None, at: _Progress
) -> Iterator[Step]:
    """The run's steps; by a leaner plan where memory could not be had."""

    def saved() -> Snapshot | None:
        found = None if folder is None else folder.saved()
        return None if found is None else found.snapshot

    def changed(plan: MemoryPlan) -> None:
        at.plan = plan
        at.replanned |= folder is not None and folder.has_state
        at.steps.clear()  # the last one holds the memory that could not be had
        gc.collect()
        leaner(plan)
        if folder is not None:
            recipe = recorded(folder.record.recipe, replace(execution, plan=plan))
            folder.change(recipe=replace(recipe, replanned=at.replanned))

    return paint_leaner(partial(paint, task), task.workload, execution, saved, changed)


def _watched(steps: Iterator[Step], at: _Progress) -> Iterator[Step]:
    """The same steps. Of one that fails in the making nothing can be saved: it is half done."""
    for step in steps:
        at.steps[:] = [step]
        at.count += 1
        at.is_whole = True
        yield step
        at.is_whole = False
        del step  # only `at` holds it, which can let go of the memory behind it
    at.is_whole = True


def _try_to_save(folder: RunFolder, step: Step) -> bool:
    """Write the state; if that fails, say so and go on, as there may still be a picture."""
    try:
        folder.save(step)
    except ResumeError as error:
        _LOG.warning("%s", error)
        return False
    return True


def _leave(folder: RunFolder | None) -> None:
    """End as SIGTERM wants it, without a picture.

    Raises:
        Exit: alexecutions.
    """
    if folder is not None and folder.has_state:
        remark(f"terminated; `impasto resume {folder.path}` goes on")
    raise typer.Exit(TERMINATED)


def _put_away(folder: RunFolder, path: Path, *, ended: bool) -> bool:
    """Let go of a run whose picture is written; whether its folder is still of use."""
    atomic.sync(path)
    atomic.sync(path.parent)  # the picture outlives a power cut before anything else is removed
    record = folder.record
    if folder.has_state and (record.keep or not ended):
        folder.change(finished=ended, goal=record.goal.owning(digest(path)))
        return True
    folder.remove()
    return False


class _Previewer:
    """Writes the picture so far. A failure is told once, and no more: it is only a preview."""

    def __init__(self, task: Task, path: Path) -> None:
        self._task, self._path, self._is_warned = task, path, False

    def __call__(self, step: Step) -> None:
        try:
            write(finish(self._task, step), self._path, force=True)
        except PictureError as error:
            if not self._is_warned:
                _LOG.warning("%s The run goes on.", error)
            self._is_warned = True


def _write(picture: Picture, recipe: Recipe, output: Output) -> None:
    parent = output.path.parent
    if not parent.exists():  # it was there when the run began
        with contextlib.suppress(OSError):
            parent.mkdir(parents=True)
            _LOG.warning("%s was removed, and is made anew for the picture.", parent)
    try:
        write(
            picture,
            output.path,
            recipe=recipe.to_json() if output.recipe else None,
            bits=output.bits,
            force=output.force,
            quality=output.quality,
        )
    except PictureError as error:
        error.add_note("Nothing was overwritten.")
        raise


def _put_elsewhere(picture: Picture, recipe: Recipe, output: Output, error: BaseException) -> None:
    """Write a picture that has no place of its own to the system's temporary files, and say so."""
    with contextlib.suppress(OSError, ImpastoError):
        place = Path(tempfile.mkdtemp(prefix="impasto-"), output.path.name)
        _write(picture, recipe, replace(output, path=place))
        error.add_note(f"The picture is in {place} instead.")


@contextlib.contextmanager
def _pointing_to_run(folder: RunFolder | None, at: _Progress) -> Iterator[None]:
    """Of a run that fails keep what there is, and say how to go on; without a state, nothing."""
    try:
        yield
    except typer.Exit:
        raise
    except BaseException as error:
        if folder is not None:
            _keep(folder, at, error)
        raise


def _keep(folder: RunFolder, at: _Progress, error: BaseException) -> None:
    # Ctrl-C twice means at once.
    if at.is_whole and isinstance(error, Exception) and not folder.is_young:
        is_kept = _try_to_save(folder, at.steps[0]) if at.steps else at.is_kept
        if not is_kept and at.rescue is not None:
            at.rescue(error)
    if not folder.has_state:
        folder.remove()
        return
    told = f"`impasto resume {folder.path}` goes on from its last state."
    if isinstance(error, Exception):
        error.add_note(told)
    else:  # which ends without a message of its own
        remark(told)


@contextlib.contextmanager
def _pointing_to_preview(output: Output) -> Iterator[None]:
    """Say of a run that fails where its last preview is, if it wrote one."""
    before = _stamp(output)
    try:
        yield
    except BaseException as error:
        if _stamp(output) not in (None, before):
            told = f"The picture so far is in {output.preview}."
            if isinstance(error, KeyboardInterrupt):  # which ends without a message of its own
                remark(told)
            error.add_note(told)
        raise


def _stamp(output: Output) -> tuple[int, int] | None:
    """What tells one preview from another at the same place."""
    if output.preview_every is None or not output.preview.is_file():
        return None
    found = output.preview.stat()
    return found.st_ino, found.st_mtime_ns


def _stop_of(step: Step) -> Stop:
    return Stop(step.scale, step.iteration)


def _is_last(step: Step) -> bool:
    return (step.scale, step.iteration) == (step.scales, step.iterations)
