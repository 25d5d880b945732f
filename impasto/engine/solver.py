"""The only loop that optimises pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from impasto.engine.resume_point import ResumePoint
from impasto.engine.scale import Place, Scale
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.step import Objective, Picture, Problem, Settings, Step
from impasto.errors import is_out_of_memory
from impasto.runtime import keep_freed_memory

__all__ = ["KEPT_BELOW", "solve"]

KEPT_BELOW = 20 * 2**20
"""A run in tiles keeps freed buffers of fewer bytes than this: those of tiles, and not those of
whole pictures, which fit nothing at the next scale."""


def solve(
    start: Picture,
    problems: Sequence[Callable[[Tensor], Problem]],
    work: Sequence[float],
    settings: Settings,
    execution: Execution = DEFAULT_EXECUTION,
) -> Iterator[Step]:
    """Minimise scale after scale, each from the picture before it; yields after every iteration.

    Args:
        start: where the first scale starts, of any size.
        problems: the scales from coarse to fine, each made from the picture so far when its turn
            comes.
        work: each scale's cost, for `Step.done`.
        execution: the state to go on from, and the memory plan. A run that goes on skips the
            scales that are done, and makes the snapshot's scale from the same picture as before.
            If nothing is left to do, it yields one step, with the picture and the last losses.

    Raises:
        DivergedError: the loss stayed infinite or NaN however small the step.
        ResumeError: a snapshot that is damaged or of another run.
        OptionError: a plan that cannot be followed.
    """
    keep_freed_memory(KEPT_BELOW if execution.plan.tile else None)
    settings = settings.within(execution.plan)
    current: list[Scale] = []
    try:
        yield from _scales(start, problems, work, settings, execution, current)
    except Exception as error:
        if is_out_of_memory(error):  # a run with less memory may follow
            for run in current:
                run.release()
        raise


def _scales(
    start: Picture,
    problems: Sequence[Callable[[Tensor], Problem]],
    work: Sequence[float],
    settings: Settings,
    execution: Execution,
    current: list[Scale],
) -> Iterator[Step]:
    """Paint scale after scale; `current` is set to the one that is painted."""
    saved = execution.snapshot
    resume_point = None if saved is None else ResumePoint.of(saved, len(problems), settings)
    image, run = start, None
    for index in range(resume_point.index if resume_point else 0, len(problems)):
        is_last = index == len(problems) - 1
        place = Place(index, tuple(work), execution.extra if is_last else 0)
        resumed = resume_point if resume_point and resume_point.index == index else None
        if resumed is not None and resumed.is_done(place.extra):
            run = resumed.run(settings, start.device)
            if is_last:
                yield resumed.step(run, place)
        else:
            image = image if resumed is None else resumed.before(start.device)
            problem = problems[index](image)
            iterations, objective = problem.iterations, problem.objective
            if resumed is None:
                pixels = problem.start.detach().clamp(0, 1).contiguous()
                del problem  # before the optimiser's memory is resized
                run = Scale.begun(pixels, settings, run)
                del pixels
            else:
                run = resumed.run(settings, start.device, problem)
                del problem
            current[:] = [run]
            # Frees the buffers of the scale before, which fit nothing here.
            keep_freed_memory(KEPT_BELOW if execution.plan.tile else None)
            yield from _painted(run, image, objective, iterations, place, resumed)
            del objective  # and its targets, before those of the next scale are made
        if not is_last:
            image = run.finished()


def _painted(
    run: Scale,
    before: Picture,
    objective: Objective,
    iterations: int,
    place: Place,
    resume_point: ResumePoint | None,
) -> Iterator[Step]:
    """Take one scale's steps, or those that are left of them."""
    done = resume_point.iteration if resume_point else 0
    for iteration in range(done + 1, iterations + place.extra + 1):
        losses, note = run.advance(objective)
        yield place.step(run, before, iterations, iteration, losses, note)
