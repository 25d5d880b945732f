"""The only loop that optimises pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from impasto.engine.scale import Place, ResumePoint, Scale
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.step import Objective, Picture, Problem, Settings, Step
from impasto.errors import is_out_of_memory
from impasto.runtime import keep_freed_memory

__all__ = ["KEPT_BELOW", "solve"]


# A run in windows keeps freed buffers of fewer bytes than this: those of windows, and not those of
# whole pictures, which fit nothing at the next scale.
KEPT_BELOW = 20 * 2**20


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
        work: each scale's share of the cost, for `Step.done`.
        settings: how.
        execution: from where on, and with how much memory. Of a run that goes on, the scales
            that were done are not made again, and that of the snapshot is made from the picture
            that it was made from. If nothing is left to do there is one step, with the picture as
            it is and the losses that were last seen.

    Raises:
        DivergedError: the loss stayed infinite or not a number however small the step.
        ResumeError: a snapshot that is damaged or of another run.
        OptionError: a plan that cannot be followed.
    """
    keep_freed_memory(KEPT_BELOW if execution.plan.tile else None)
    settings = settings.within(execution.plan)
    in_hand: list[Scale] = []
    try:
        yield from _scales(start, problems, work, settings, execution, in_hand)
    except Exception as error:
        if is_out_of_memory(error):  # whoever goes on with less needs what was held here
            for run in in_hand:
                run.release()
        raise


def _scales(
    start: Picture,
    problems: Sequence[Callable[[Tensor], Problem]],
    work: Sequence[float],
    settings: Settings,
    execution: Execution,
    in_hand: list[Scale],
) -> Iterator[Step]:
    """Scale after scale; the one that is painted is in hand."""
    resume_point = (
        None
        if execution.snapshot is None
        else ResumePoint.of(execution.snapshot, len(problems), settings)
    )
    image, run = start, None
    for index in range(resume_point.index if resume_point else 0, len(problems)):
        is_last = index == len(problems) - 1
        place = Place(index, tuple(work), execution.extra if is_last else 0)
        again = resume_point if resume_point is not None and resume_point.index == index else None
        if again is not None and again.is_done(place.extra):
            run = again.run(settings, start.device)
            if is_last:
                yield again.step(run, place)
        else:
            image = image if again is None else again.before(start.device)
            problem = problems[index](image)
            iterations, objective = problem.iterations, problem.objective
            if again is None:
                pixels = problem.start.detach().clamp(0, 1).contiguous()
                del problem  # before the optimiser's memory is resized
                run = Scale.begun(pixels, settings, run)
                del pixels
            else:
                run = again.run(settings, start.device, problem)
                del problem
            in_hand[:] = [run]
            # What the scale before held goes back: it fits nothing here.
            keep_freed_memory(KEPT_BELOW if execution.plan.tile else None)
            yield from _painted(run, image, objective, iterations, place, again)
            del objective  # and its targets, before those of the next scale come
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
    """One scale's iterations, or those that are left of them."""
    done = resume_point.iteration if resume_point else 0
    for iteration in range(done + 1, iterations + place.extra + 1):
        losses, note = run.advance(objective)
        yield place.step(run, before, iterations, iteration, losses, note)
