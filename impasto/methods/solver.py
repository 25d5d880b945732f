"""The only loop that optimises pixels."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import DivergedError, OptionError, ResumeError, is_out_of_memory
from impasto.methods._held import HELD, is_finite
from impasto.methods.optimisers import OPTIMISERS, RATES, Optimiser
from impasto.methods.way import PLAIN, Plan, Snapshot, Way
from impasto.runtime import keep_freed_memory

__all__ = ["KEPT_BELOW", "Problem", "Settings", "Step", "last", "solve"]

Picture = Float[Tensor, "1 3 h w"]
Objective = Callable[[Picture], tuple[dict[str, float], Picture]]

# A run in windows keeps freed buffers of fewer bytes than this: those of windows, and not those of
# whole pictures, which fit nothing at the next scale.
KEPT_BELOW = 20 * 2**20

# A run that has gone back this often within one scale is not going to converge.
_MOST_RETREATS = 6

# So many times the loss that a scale began with is an explosion: a good run only descends from it,
# or rises a little in its first steps.
_EXPLOSION = 4.0


@dataclass(frozen=True)
class Step:
    """Where a running method is; what a progress bar, a preview and a trace read.

    Attributes:
        scale, scales: which size is being painted, from 1, and how many there are.
        iteration, iterations: within this scale, from 1.
        done: share of the whole run's work, from 0 to 1.
        losses: each term before its weight, and `total`, the weighted sum.
        image: gives the picture as it is when called, in [0, 1]: call it before the next step is
            taken. `losses` are those of the picture from which this step was made.
        snapshot: gives the run's state as it is when called, to go on from later: its tensors are
            those that the run works with, so write or copy them before the next step is taken.
        note: what a person should know of this step, if anything.
    """

    scale: int
    scales: int
    width: int
    height: int
    iteration: int
    iterations: int
    done: float
    losses: dict[str, float]
    image: Callable[[], Picture]
    snapshot: Callable[[], Snapshot]
    note: str | None = None


@dataclass(frozen=True)
class Settings:
    """How to optimise: a name of `OPTIMISERS`, and its numbers; a rate of 0 is its own.

    Attributes:
        wrap: opposite edges of the picture meet.
        held: number type of what the optimiser remembers: `float32`, or `float16` in half the
            memory and with a little less of what it has learnt.
    """

    optimizer: str = "lbfgs"
    history: int = 10
    learning_rate: float = 0.0
    average: float = 0.95
    wrap: bool = False
    held: str = "float32"

    def within(self, plan: Plan) -> Settings:
        """The same with no more memory than a plan allows.

        Raises:
            OptionError: the plan names a number type that memory cannot be kept in.
        """
        if plan.held not in HELD:
            raise OptionError(
                f"The plan holds memory in {plan.held!r}; it can be {' or '.join(HELD)}."
            )
        history = min(self.history, plan.history or self.history)
        held = self.held if plan.held == Plan.held else plan.held
        return replace(self, history=history, held=held)


@dataclass(frozen=True)
class Problem:
    """One scale: where it starts, how long it may take, and what is to be minimised there.

    Attributes:
        objective: a picture → each loss and their `total`; and the gradient of the total as a *sum*
            over pixels. The losses are means, whose gradients shrink as pictures grow; a sum's do
            not, so thresholds and an optimiser's memory mean the same at every size.
    """

    start: Picture
    iterations: int
    objective: Objective


def solve(
    start: Picture,
    problems: Sequence[Callable[[Tensor], Problem]],
    work: Sequence[float],
    settings: Settings,
    way: Way = PLAIN,
) -> Iterator[Step]:
    """Minimise scale after scale, each from the picture before it; yields after every iteration.

    Args:
        start: where the first scale starts, of any size.
        problems: the scales from coarse to fine, each made from the picture so far when its turn
            comes.
        work: each scale's share of the cost, for `Step.done`.
        settings: how.
        way: from where on, and with how much memory. Of a run that goes on, the scales that were
            done are not made again, and that of the snapshot is made from the picture that it was
            made from. If nothing is left to do there is one step, with the picture as it is and the
            losses that were last seen.

    Raises:
        DivergedError: the loss stayed infinite or not a number however small the step.
        ResumeError: a snapshot that is damaged or of another run.
        OptionError: a plan that cannot be followed.
    """
    keep_freed_memory(KEPT_BELOW if way.plan.tile else None)
    settings = settings.within(way.plan)
    in_hand: list[_Scale] = []
    try:
        yield from _scales(start, problems, work, settings, way, in_hand)
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
    way: Way,
    in_hand: list[_Scale],
) -> Iterator[Step]:
    """Scale after scale; the one that is painted is in hand."""
    since = None if way.since is None else _Since.of(way.since, len(problems), settings)
    image, run = start, None
    for index in range(since.index if since else 0, len(problems)):
        is_last = index == len(problems) - 1
        place = _Place(index, tuple(work), way.extra if is_last else 0)
        again = since if since is not None and since.index == index else None
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
                run = _Scale.begun(pixels, settings, run)
                del pixels
            else:
                run = again.run(settings, start.device, problem)
                del problem
            in_hand[:] = [run]
            # What the scale before held goes back: it fits nothing here.
            keep_freed_memory(KEPT_BELOW if way.plan.tile else None)
            yield from _painted(run, image, objective, iterations, place, again)
            del objective  # and its targets, before those of the next scale come
        if not is_last:
            image = run.finished()


def _painted(
    run: _Scale,
    before: Picture,
    objective: Objective,
    iterations: int,
    place: _Place,
    since: _Since | None,
) -> Iterator[Step]:
    """One scale's iterations, or those that are left of them."""
    done = since.iteration if since else 0
    for iteration in range(done + 1, iterations + place.extra + 1):
        losses, note = run.advance(objective)
        yield place.step(run, before, iterations, iteration, losses, note)


@dataclass(frozen=True)
class _Place:
    """Where a scale is in the whole run.

    Attributes:
        index: of the scale, from 0.
        extra: its iterations beyond those of its problem.
    """

    index: int
    work: tuple[float, ...]
    extra: int

    def step(
        self,
        run: _Scale,
        before: Picture,
        iterations: int,
        iteration: int,
        losses: dict[str, float],
        note: str | None = None,
    ) -> Step:
        """What is told of an iteration.

        Args:
            before: the picture that the scale was made from.
            iterations: of the scale, without the extra ones.
        """
        numbers = {
            "scale": self.index + 1,
            "scales": len(self.work),
            "iteration": iteration,
            "iterations": iterations,
            # Those that are not a number are left out, as JSON has no word for it.
            **{_LOSS + name: x for name, x in losses.items() if not math.isnan(x)},
        }
        every = iterations + self.extra
        past, now = sum(self.work[: self.index]), self.work[self.index]
        height, width = run.pixels.shape[-2:]
        return Step(
            scale=self.index + 1,
            scales=len(self.work),
            width=width,
            height=height,
            iteration=iteration,
            iterations=every,
            done=(past + now * iteration / every) / sum(self.work),
            losses=losses,
            image=run.picture,
            snapshot=partial(run.snapshot, before, numbers),
            note=note,
        )


# Before a loss's name among the numbers of a snapshot.
_LOSS = "loss."


@dataclass(frozen=True)
class _Since:
    """A snapshot, and where in the run it was taken; `index` is the scale's, from 0."""

    saved: Snapshot
    index: int
    iteration: int
    iterations: int

    @staticmethod
    def of(saved: Snapshot, scales: int, settings: Settings) -> _Since:
        """Read where it was taken, and refuse one of another run."""
        others = {key.split(".")[0] for key in saved.numbers if "." in key} & set(OPTIMISERS)
        if settings.optimizer not in others:
            named = ", ".join(sorted(others)) or "no optimiser that is known"
            raise ResumeError(
                f"The saved state is of {named}, and this run's optimiser is {settings.optimizer}. "
                "Go on with the options that the run began with."
            )
        if saved.whole("scales") != scales or not 1 <= saved.whole("scale") <= scales:
            raise ResumeError(
                f"The saved state is of scale {saved.whole('scale')} of {saved.whole('scales')}, "
                f"and this run has {scales}. Go on with the options that the run began with."
            )
        where = (saved.whole("scale") - 1, saved.whole("iteration"), saved.whole("iterations"))
        return _Since(saved, *where)

    def is_done(self, extra: int) -> bool:
        """Whether nothing is left to do at its scale."""
        return self.iteration >= self.iterations + extra

    def step(self, run: _Scale, place: _Place) -> Step:
        """The step that it was taken after, once more."""
        place = replace(place, extra=max(0, self.iteration - self.iterations))
        before = self.before(run.pixels.device)
        return place.step(run, before, self.iterations, self.iteration, self._losses())

    def _losses(self) -> dict[str, float]:
        numbers = self.saved.numbers.items()
        found = {k.removeprefix(_LOSS): float(x) for k, x in numbers if k.startswith(_LOSS)}
        return {**found, "total": found.get("total", math.nan)}

    def before(self, device: torch.device) -> Picture:
        """The picture that the scale was made from."""
        return self.saved.tensor("before", device=device)

    def run(
        self, settings: Settings, device: torch.device, problem: Problem | None = None
    ) -> _Scale:
        """The state of the scale, which is that of this problem if there is still work to do."""
        if problem is not None and problem.iterations != self.iterations:
            raise ResumeError(
                f"The saved state is of a scale of {self.iterations} iterations, and this run's "
                f"has {problem.iterations}. Go on with the options that the run began with."
            )
        like = None if problem is None else problem.start
        pixels = self.saved.tensor("pixels", like, device)
        return _Scale.restored(pixels, settings, self.saved)


def last(steps: Iterator[Step]) -> Step:
    """Run to the end. Holds one step at a time: each keeps its scale's whole optimiser alive."""
    return deque(steps, maxlen=1)[0]


class _Scale:
    """The state of one scale: pixels, optimiser and running average.

    The last good picture is where the optimiser's last step began, or the pixels before the first.
    """

    def __init__(self, pixels: Picture, settings: Settings, rate: float) -> None:
        self.pixels, self.settings, self.rate = pixels, settings, rate
        self.optimiser = self._fresh_optimiser()
        self.averaged: Tensor | None = None
        self.weight, self.first, self.retreats = 0.0, math.inf, 0

    @staticmethod
    def begun(pixels: Picture, settings: Settings, before: _Scale | None) -> _Scale:
        """A scale at its start; what the optimiser learnt at the scale before goes over to it."""
        if before is None:
            return _Scale(pixels, settings, settings.learning_rate or RATES[settings.optimizer])
        run = _Scale(pixels, settings, before.rate)  # a step that had to be halved stays so
        run.optimiser = before.optimiser
        run.optimiser.resize(*pixels.shape[-2:], wrap=settings.wrap)
        return run

    @staticmethod
    def restored(pixels: Picture, settings: Settings, saved: Snapshot) -> _Scale:
        """A scale as it was when a snapshot was taken of it."""
        run = _Scale(pixels, settings, saved.number("rate"))
        run.weight, run.first = saved.number("weight"), saved.number("first")
        run.retreats = saved.whole("retreats")
        run.optimiser.restore(saved, pixels)
        if run.weight > 0:
            run.averaged = saved.tensor("averaged", pixels)
        return run

    def snapshot(self, before: Picture, numbers: dict[str, float]) -> Snapshot:
        """All that the run goes on from; the tensors are those that it works with.

        Args:
            before: the picture that the scale was made from.
            numbers: what says where the run is.
        """
        tensors, own = self.optimiser.state()
        tensors |= {"before": before, "pixels": self.pixels}
        if self.averaged is not None:
            tensors["averaged"] = self.averaged
        state = {"rate": self.rate, "weight": self.weight, "first": self.first}
        return Snapshot(tensors, {**numbers, **own, **state, "retreats": self.retreats})

    def finished(self) -> Picture:
        """The picture at the end of the scale; all that the next one needs not is let go of.

        Whoever holds a step of this scale holds little more than its picture from now on.
        """
        if self.weight > 0:
            self.pixels = self.picture()
        self.averaged, self.weight = None, 0.0
        self.optimiser.leave()
        return self.pixels

    def release(self) -> None:
        """Let go of everything: of a scale that nobody will go on with."""
        self.pixels, self.averaged = self.pixels[..., :0, :0], None
        self.optimiser = self._fresh_optimiser()

    def _fresh_optimiser(self) -> Optimiser:
        settings = self.settings
        return OPTIMISERS[settings.optimizer](self.rate, settings.history, settings.held)

    def advance(self, objective: Objective) -> tuple[dict[str, float], str | None]:
        """One iteration. After a loss that is not finite or explodes: back, with half the step."""
        losses, gradient = objective(self.pixels)
        if not self._is_sound(losses["total"]):
            return losses, self._retreat(f"the loss went to {losses['total']:g}")
        if not is_finite(gradient):
            return losses, self._retreat("the gradient was not finite")
        if self.first == math.inf:
            self.first = losses["total"]
        self.optimiser.step(self.pixels, gradient)
        if not is_finite(self.pixels):
            return losses, self._retreat("the step was not finite")
        self.pixels.clamp_(0, 1)
        self._average()
        return losses, None

    def _is_sound(self, total: float) -> bool:
        # And a small bound: a loss may round to a hair under zero where nothing is left to do.
        return math.isfinite(total) and total <= _EXPLOSION * abs(self.first) + 1e-3

    def _average(self) -> None:
        if self.settings.optimizer == "adam":
            decay = self.settings.average
            if self.averaged is None:
                self.averaged = torch.zeros_like(self.pixels)
            self.averaged.lerp_(self.pixels, 1 - decay)
            self.weight = 1 - (1 - self.weight) * decay

    def _retreat(self, what: str) -> str:
        self.retreats += 1
        if self.retreats > _MOST_RETREATS:
            raise DivergedError(
                f"The picture could not be painted: {what} again and again, though the step was "
                f"halved {_MOST_RETREATS} times. Lower the weights, or try another start."
            )
        self.rate /= 2
        if self.optimiser.origin is not None:
            self.pixels.copy_(self.optimiser.origin)
        self.optimiser = self._fresh_optimiser()
        return f"{what}: back to the last good picture, with half the step"

    def picture(self) -> Picture:
        """The picture so far, in [0, 1]: Adam's average, corrected for its start, or the pixels."""
        if self.averaged is not None and self.weight > 0:
            return (self.averaged / self.weight).clamp_(0, 1)
        return self.pixels.clone()
