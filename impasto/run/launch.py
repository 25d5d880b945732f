"""From what was typed to a run. Imports PyTorch: commands import it when they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from impasto.cli.console import remark, tell_version
from impasto.cli.outputs import Wanted
from impasto.cli.planning import foretold, leaner, show
from impasto.config.bases import PictureConfig
from impasto.config.recipe import ROLES, Recipe
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.errors import ImpastoError, OptionError, ResumeError
from impasto.image.reading import digest, read_recipe
from impasto.painting.prepare import prepare
from impasto.painting.rerun import take_threads
from impasto.painting.sources import Sources, Task
from impasto.run import resume
from impasto.run.execution import execution_of, recorded
from impasto.run.folder import RunFolder, beside, holding
from impasto.run.forecast import Forecast
from impasto.run.record import Goal, Record
from impasto.run.runner import Output, present, run

__all__ = ["begin", "go_on", "launch", "output_of"]


def output_of(wanted: Wanted, otherwise: str | Path, bits: int = 8) -> Output:
    """What was typed, for a run.

    Args:
        otherwise: the picture's file, if none was named.
        bits: per channel, if not told.
    """
    return Output(
        path=wanted.out or Path(otherwise),
        bits=16 if (wanted.bits or str(bits)) == "16" else 8,
        quality=wanted.quality,
        force=wanted.force,
        recipe=not wanted.no_recipe,
        preview_every=wanted.preview_every,
        trace=wanted.trace,
        quiet=wanted.quiet,
    )


def launch(
    sources: Sources,
    config: PictureConfig,
    wanted: Wanted,
    otherwise: str,
    long_side: int = 0,
    execution: Execution | None = None,
) -> None:
    """All that a command does once it knows what it is to paint.

    Args:
        otherwise: the result's file, if none was named.
        long_side: what the picture will measure, if that is not the config's size.
        execution: how it is carried out, from the beginning; otherwise as memory allows. A run
            that goes on keeps its own plan.

    Raises:
        ImpastoError: as `prepare`, `paint` and `write` do.
        Exit: with the status of an interrupted command.
    """
    begin(
        partial(prepare, sources, config),
        output_of(wanted, otherwise),
        wanted,
        long_side or config.size,
        weights=sources.weights,
        execution=execution,
    )


def begin(
    make: Callable[[], Task],
    output: Output,
    wanted: Wanted,
    long_side: int,
    *,
    weights: Path | None = None,
    execution: Execution | None = None,
    like: Recipe | None = None,
) -> None:
    """Begin a run, or go on with it if it was stopped and `--resume` was typed.

    Args:
        make: reads and checks what is to be painted.
        long_side: what the picture will measure.
        weights: a file of weights that was named.
        execution: how it is carried out, from the beginning; otherwise as memory allows.
        like: a recipe that is followed: the run stops where that one was stopped.

    Raises:
        ImpastoError: as `prepare`, `paint` and `write` do.
        Exit: with the status of an interrupted command.
    """
    with holding(_place(output, wanted)) as folder:
        found = _unfinished(folder, wanted)
        if found is None:
            folder.check_free(force=wanted.force)
            if wanted.resume and not wanted.quiet:
                remark(f"there is no stopped run in {folder.path}: it begins")
            output.check(long_side)
            job = _begun(make(), wanted, execution, like)
        else:
            output = _replacing(output, found, force=wanted.force)
            output.check(long_side)
            take_threads(found.recipe)
            job = _continued(folder, found.recipe, make(), wanted)
            tell_version(found.recipe.version, quiet=wanted.quiet)
        if wanted.dry_run:
            show(job.task, job.expected, as_json=wanted.as_json)
            return
        if found is None:
            record = _record(job.task.recipe, output, weights, keep=wanted.keep_run)
            _spare_inputs(record.places, output)
            folder.begin(record)
        else:
            _spare_inputs(found.places, output)
            goal = _goal(output, found.goal.replaces)
            keep = found.keep or wanted.keep_run
            folder.change(recipe=job.task.recipe, goal=goal, keep=keep)
        snapshot = _since(folder, job.execution, output)
        result = run(job.task, output, execution=snapshot, folder=folder, expected=job.expected)
    present(result, quiet=wanted.quiet, as_json=wanted.as_json)


@dataclass(frozen=True)
class _Job:
    """A task with its recipe, how it is carried out, and what that will take."""

    task: Task
    execution: Execution
    expected: Forecast


def _begun(task: Task, wanted: Wanted, execution: Execution | None, like: Recipe | None) -> _Job:
    """A job from its beginning, that stops where a recipe says if it is like one."""
    expected = foretold(task, wanted, None if execution is None else execution.plan)
    execution = replace(execution or DEFAULT_EXECUTION, plan=expected.plan)
    stop = like.stopped_at if like else None
    recipe = replace(recorded(task.recipe, execution), stopped_at=stop)
    return _Job(replace(task, recipe=recipe), execution, expected)


def _continued(folder: RunFolder, recipe: Recipe, task: Task, wanted: Wanted) -> _Job:
    """A job that goes on, if it is the one that was stopped."""
    _refuse_another(folder, recipe, task.recipe)
    return _fitting(folder, replace(task, recipe=recipe), wanted)


def _fitting(folder: RunFolder, task: Task, wanted: Wanted) -> _Job:
    """A job by its own plan, or by a leaner one if it needs more than `--memory` allows now.

    A run that the system stopped for want of memory would else be stopped there again.
    """
    execution = execution_of(task.recipe)
    saved = folder.saved()
    snapshot = None if saved is None else saved.snapshot
    expected = foretold(task, wanted, execution.plan, snapshot=snapshot, extra=execution.extra)
    if wanted.memory is None or expected.memory <= expected.allowed:
        return _Job(task, execution, expected)
    expected = foretold(task, wanted, snapshot=snapshot, extra=execution.extra)
    execution = replace(execution, plan=expected.plan)
    recipe = replace(recorded(task.recipe, execution), replanned=folder.has_state)
    leaner(expected.plan)
    return _Job(replace(task, recipe=recipe), execution, expected)


def go_on(path: Path, wanted: Wanted, extra: int = 0) -> None:
    """Go on with the run in a folder, wherever it was stopped.

    Args:
        path: the run's folder.
        wanted: what was typed; what was not is as it was when the run began.
        extra: so many more iterations at the last scale, for a run that is finished.

    Raises:
        ImpastoError: as `prepare`, `paint` and `write` do; the run cannot be gone on with.
        Exit: with the status of an interrupted command.
    """
    with holding(path) as folder:
        record = folder.open()
        if extra:
            record = resume.extended(folder, extra)
        output = _output_of(record, wanted)
        if extra and not wanted.force:
            output = replace(output, force=False)  # its own picture is one worth keeping, too
        output.check(record.recipe.settings().size)
        tell_version(record.recipe.version, quiet=wanted.quiet)
        task = resume.prepared(folder, record)
        _spare_inputs(record.places, output)
        job = _fitting(folder, task, wanted)
        execution = _since(folder, job.execution, output)
        goal = _goal(output, record.goal.replaces if not wanted.out else ())
        keep = record.keep or wanted.keep_run
        folder.change(recipe=job.task.recipe, goal=goal, keep=keep, finished=False)
        result = run(job.task, output, execution=execution, folder=folder, expected=job.expected)
    present(result, quiet=wanted.quiet, as_json=wanted.as_json)


def _place(output: Output, wanted: Wanted) -> Path:
    """The run's folder.

    Raises:
        OptionError: it would be where the picture goes.
    """
    place = wanted.run or beside(output.path)
    if place.resolve() == output.path.resolve():
        raise OptionError(f"{place} cannot be both --run and the result.")
    return place


def _unfinished(folder: RunFolder, wanted: Wanted) -> Record | None:
    """The run to go on with, if that was asked for and there is one."""
    if not wanted.resume:
        return None
    if folder.has_run and not (record := folder.open()).finished:
        return record
    return None


def _refuse_another(folder: RunFolder, then: Recipe, now: Recipe) -> None:
    """Refuse to go on with a run that was to paint something else.

    Raises:
        ResumeError: a method, an option, an input or the weights are not the same.
    """
    told = resume.differences(then, now)
    if told:
        raise ResumeError(
            f"{folder.path} holds another run: {'; '.join(told)}. Repeat the command as it was, or "
            f"`impasto resume {folder.path}`; --force without --resume begins anew."
        )


def _since(folder: RunFolder, execution: Execution, output: Output) -> Execution:
    """The way of a run, from its last state on if there is one."""
    saved = folder.saved()
    if output.goes_on and not output.quiet:
        place = "from the beginning" if saved is None else f"after {saved}"
        remark(f"goes on {place}, and writes {output.path}")
    return execution if saved is None else replace(execution, snapshot=saved.snapshot)


def _record(recipe: Recipe, output: Output, weights: Path | None, *, keep: bool) -> Record:
    return Record(
        recipe=recipe,
        places=Record.places_of(recipe),
        goal=_goal(output),
        weights=None if weights is None else str(weights.absolute()),
        keep=keep,
    )


def _goal(output: Output, replaces: tuple[str, ...] = ()) -> Goal:
    goal = Goal(
        path=str(output.path.absolute()),
        bits=output.bits,
        quality=output.quality,
        recipe=output.recipe,
        preview_every=output.preview_every,
        replaces=replaces,
    )
    # Checked just now: what is there may be replaced.
    return goal.owning(digest(output.path)) if output.path.is_file() else goal


def _output_of(record: Record, wanted: Wanted) -> Output:
    """What a run that goes on writes: as it began, unless something else was typed."""
    goal = record.goal
    output = Output(
        path=wanted.out or Path(goal.path),
        bits=16 if goal.bits == 16 else 8,
        quality=goal.quality,
        recipe=goal.recipe,
        preview_every=wanted.preview_every or goal.preview_every,
        trace=wanted.trace,
        quiet=wanted.quiet,
    )
    return _replacing(output, record, force=wanted.force)


def _replacing(output: Output, record: Record, *, force: bool) -> Output:
    """An output that goes on, and may replace what the run may: its own, or what it was told to."""
    known = output.path.is_file() and (
        digest(output.path) in record.goal.replaces or _is_of(output.path, record.recipe)
    )
    return replace(output, force=force or known, goes_on=True)


def _is_of(path: Path, recipe: Recipe) -> bool:
    """Whether a picture is the run's own, of which a kill left no other trace."""
    try:
        text = read_recipe(path)
        return text is not None and replace(Recipe.from_json(text), stopped_at=None) == replace(
            recipe, stopped_at=None
        )
    except ImpastoError:
        return False


def _spare_inputs(places: Mapping[str, tuple[str, ...]], output: Output) -> None:
    """Refuse to write over what this run paints from, even with `--force`."""
    targets = {"where the result goes": output.path}
    if output.preview_every is not None:
        targets["where --preview-every puts the picture so far"] = output.preview
    for role in ROLES:
        for place in places.get(role, ()):
            for what, target in targets.items():
                if place and Path(place).resolve() == target.resolve():
                    raise OptionError(
                        f"The {role} {place} is {what}: "
                        "move one of them, or give --out another name."
                    )
