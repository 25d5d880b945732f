"""Begin a run, or continue the one in a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from impasto.config.recipe import Recipe
from impasto.engine.snapshots import Execution
from impasto.image.opening import digest
from impasto.painting.rerun import take_threads
from impasto.painting.task import Task
from impasto.run import continuing, resume
from impasto.run.events import Events, Noted, Started
from impasto.run.folder import RunFolder, locked_folder
from impasto.run.forecast import Forecast, forecast
from impasto.run.halt import Halt
from impasto.run.memory_fallback import plan_in_words
from impasto.run.output import Output
from impasto.run.record import Goal, Record
from impasto.run.runner import run
from impasto.run.state import Saved
from impasto.version import __version__

__all__ = ["RunOptions", "begin", "begin_unkept", "planned_task", "resume_run"]

# Pixels from which on a run's time is estimated: smaller ones are soon painted.
_TIMED = 1_000_000


@dataclass(frozen=True)
class RunOptions:
    """How a run is kept, and with how much memory.

    Attributes:
        folder: of the run; by default beside the picture.
        keep: leave the folder when the picture is written.
        resume: continue a run that was stopped, if there is one.
        memory: bytes that the process may hold; by default four fifths of what is free.
        dry_run: make the forecast, and paint nothing.
        timed: estimate the time of a large run, which takes some seconds.
        stop: is called after every iteration.
    """

    folder: Path | None = None
    keep: bool = False
    resume: bool = False
    memory: int | None = None
    dry_run: bool = False
    timed: bool = True
    stop: Callable[[], Halt] = lambda: Halt.NO


def begin(
    prepare: Callable[[], Task],
    output: Output,
    options: RunOptions,
    long_side: int,
    *,
    weights: Path | None = None,
    repeats: Recipe | None = None,
) -> Events:
    """Begin a run in a folder of its own, or continue it if it was stopped.

    Args:
        prepare: reads and checks everything that is painted from.
        long_side: of the picture, in pixels.
        weights: a file of weights that was named.
        repeats: a recipe whose plan the run follows, and where it stops if that is in it.

    Yields:
        Events as `runner.run` does; only `Started` for a dry run.

    Raises:
        ImpastoError: as `prepare` does; a folder or an output that cannot be used.
    """
    with locked_folder(continuing.folder_of(output, options.folder)) as folder:
        record = continuing.unfinished(folder, resume=options.resume)
        saved = None
        if record is None:
            folder.check_free(force=output.force)
            if options.resume:
                yield Noted(f"there is no stopped run in {folder.path}: it begins")
            output.check(long_side)
            if repeats is not None:
                yield from _notes_of_version(repeats)
            task, expected = planned_task(prepare(), options, repeats)
        else:
            output = continuing.resuming(output, record)
            output.check(long_side)
            take_threads(record.recipe)
            task = prepare()
            continuing.refuse_another(folder, record.recipe, task.recipe)
            saved = folder.saved()
            task = replace(task, recipe=record.recipe)
            task, expected = _stopped_task(folder, task, options, saved)
            yield from _notes_of_version(record.recipe)
            yield from _notes_of_plan(record.recipe, task.recipe)
        if options.dry_run:
            yield Started(task, expected)
            return
        if record is None:
            record = Record(
                recipe=task.recipe,
                places=Record.places_of(task.recipe),
                goal=_goal(output),
                weights=None if weights is None else str(weights.absolute()),
                keep=options.keep,
            )
            continuing.spare_inputs(record.places, output)
            folder.begin(record)
        else:
            _update(folder, task.recipe, output, record.goal.replaces, options)
        yield from _painted(folder, task, expected, output, saved, options)


def begin_unkept(
    prepare: Callable[[], Task], output: Output, options: RunOptions, long_side: int
) -> Events:
    """Begin a run without a folder, which nothing could continue.

    The arguments are those of `begin`.

    Yields:
        Events as `runner.run` does; only `Started` for a dry run.

    Raises:
        ImpastoError: as `prepare` does; an output that cannot be used.
    """
    output.check(long_side)
    task, expected = planned_task(prepare(), options, None)
    continuing.spare_inputs(Record.places_of(task.recipe), output)
    if options.dry_run:
        yield Started(task, expected)
        return
    execution = Execution(plan=expected.plan)
    yield from run(task, output, execution=execution, expected=expected, stop=options.stop)


def resume_run(
    path: Path,
    output_of: Callable[[Record], Output] | None,
    options: RunOptions,
    *,
    extra: int = 0,
    force: bool = False,
) -> Events:
    """Continue the run in a folder, wherever it was stopped.

    Args:
        path: the run's folder.
        output_of: what is written, from what the run was begun with; None writes nothing, and
            leaves the folder with the state at the end.
        extra: iterations at the last scale to give a finished run.
        force: replace the run's own picture with the extended one.

    Yields:
        Events as `runner.run` does.

    Raises:
        ImpastoError: the run cannot continue.
    """
    with locked_folder(path) as folder:
        record, output = continuing.opened_run(folder, output_of, extra=extra, force=force)
        yield from _notes_of_version(record.recipe)
        task = resume.prepared(folder, record)
        saved = folder.saved()
        task, expected = _stopped_task(folder, task, options, saved)
        yield from _notes_of_plan(record.recipe, task.recipe)
        if output is not None:
            is_same = output.path.absolute() == Path(record.goal.path)
            _update(folder, task.recipe, output, record.goal.replaces if is_same else (), options)
        yield from _painted(folder, task, expected, output, saved, options)


def _update(
    folder: RunFolder,
    recipe: Recipe,
    output: Output,
    replaces: tuple[str, ...],
    options: RunOptions,
) -> None:
    """Write the record of a run that continues, and of what it writes now."""
    record = folder.record
    continuing.spare_inputs(record.places, output)
    folder.change(
        recipe=recipe,
        goal=_goal(output, replaces),
        keep=record.keep or options.keep,
        finished=False,
    )


def _painted(
    folder: RunFolder,
    task: Task,
    expected: Forecast,
    output: Output | None,
    saved: Saved | None,
    options: RunOptions,
) -> Events:
    """Paint from the last state, if there is one."""
    if output is not None and output.resumes:
        place = "from the beginning" if saved is None else f"after {saved}"
        yield Noted(f"continues {place}, and writes {output.path}")
    recipe, snapshot = task.recipe, None if saved is None else saved.snapshot
    yield from run(
        task,
        output,
        execution=Execution(plan=recipe.plan, snapshot=snapshot, extra=recipe.extended),
        expected=expected,
        folder=folder,
        stop=options.stop,
    )


def planned_task(task: Task, options: RunOptions, repeats: Recipe | None) -> tuple[Task, Forecast]:
    """Return a task with its plan, and its forecast; it stops where `repeats` did.

    Raises:
        OptionError: no plan needs so little memory.
    """
    plan, extra, stopped_at = None, 0, None
    if repeats is not None:
        plan, extra, stopped_at = repeats.plan, repeats.extended, repeats.stopped_at
    expected = forecast(task, options.memory, plan=plan, timed=_is_timed(task, options))
    recipe = replace(task.recipe, plan=expected.plan, extended=extra, stopped_at=stopped_at)
    return replace(task, recipe=recipe), expected


def _stopped_task(
    folder: RunFolder, task: Task, options: RunOptions, saved: Saved | None
) -> tuple[Task, Forecast]:
    """Return a task with its own plan, or a leaner one if that exceeds `options.memory`.

    Otherwise a run that the system stopped for lack of memory would be stopped there again.
    """
    remaining = partial(
        forecast,
        task,
        options.memory,
        snapshot=None if saved is None else saved.snapshot,
        extra=task.recipe.extended,
        timed=_is_timed(task, options),
    )
    expected = remaining(plan=task.recipe.plan)
    if options.memory is None or expected.memory <= expected.allowed:
        return task, expected
    expected = remaining()
    recipe = replace(task.recipe, plan=expected.plan, replanned=folder.has_state)
    return replace(task, recipe=recipe), expected


def _is_timed(task: Task, options: RunOptions) -> bool:
    return options.dry_run or (options.timed and task.workload.pixels >= _TIMED)


def _notes_of_version(recipe: Recipe) -> Events:
    """Yield a note if a run was begun by another version."""
    if recipe.version != __version__:
        yield Noted(f"made by Impasto {recipe.version}, this is {__version__}: pixels may differ")


def _notes_of_plan(then: Recipe, now: Recipe) -> Events:
    """Yield a note if a run cannot continue by the plan that it was begun with."""
    if then.plan != now.plan:
        yield Noted(f"memory is short: the run continues, {plan_in_words(now.plan)}")


def _goal(output: Output, replaces: tuple[str, ...] = ()) -> Goal:
    goal = Goal(
        path=str(output.path.absolute()),
        settings=output.settings,
        preview_every=output.preview_every,
        replaces=replaces,
    )
    # `Output.check` has accepted an existing file: it may be replaced.
    return goal.owning(digest(output.path)) if output.path.is_file() else goal
