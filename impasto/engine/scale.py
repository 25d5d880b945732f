"""One scale of a run: its pixels, its optimiser, and where it goes on from a snapshot."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from impasto.engine.half_precision import is_finite
from impasto.engine.optimiser import Optimiser
from impasto.engine.optimisers import OPTIMISERS, RATES
from impasto.engine.snapshots import Snapshot
from impasto.engine.step import Objective, Picture, Problem, Settings, Step
from impasto.errors import DivergedError, ResumeError

__all__ = ["Place", "ResumePoint", "Scale"]


# A run that has gone back this often within one scale is not going to converge.
_MOST_RETREATS = 6


# So many times the loss that a scale began with is an explosion: a good run only descends from it,
# or rises a little in its first steps.
_EXPLOSION = 4.0


@dataclass(frozen=True)
class Place:
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
        run: Scale,
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
class ResumePoint:
    """A snapshot, and where in the run it was taken; `index` is the scale's, from 0."""

    saved: Snapshot
    index: int
    iteration: int
    iterations: int

    @staticmethod
    def of(saved: Snapshot, scales: int, settings: Settings) -> ResumePoint:
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
        return ResumePoint(saved, *where)

    def is_done(self, extra: int) -> bool:
        """Whether nothing is left to do at its scale."""
        return self.iteration >= self.iterations + extra

    def step(self, run: Scale, place: Place) -> Step:
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
    ) -> Scale:
        """The state of the scale, which is that of this problem if there is still work to do."""
        if problem is not None and problem.iterations != self.iterations:
            raise ResumeError(
                f"The saved state is of a scale of {self.iterations} iterations, and this run's "
                f"has {problem.iterations}. Go on with the options that the run began with."
            )
        like = None if problem is None else problem.start
        pixels = self.saved.tensor("pixels", like, device)
        return Scale.restored(pixels, settings, self.saved)


class Scale:
    """The state of one scale: pixels, optimiser and running average.

    The last good picture is where the optimiser's last step began, or the pixels before the first.
    """

    def __init__(self, pixels: Picture, settings: Settings, rate: float) -> None:
        self.pixels, self.settings, self.rate = pixels, settings, rate
        self.optimiser = self._fresh_optimiser()
        self.averaged: Tensor | None = None
        self.weight, self.first, self.retreats = 0.0, math.inf, 0

    @staticmethod
    def begun(pixels: Picture, settings: Settings, before: Scale | None) -> Scale:
        """A scale at its start; what the optimiser learnt at the scale before goes over to it."""
        if before is None:
            return Scale(pixels, settings, settings.learning_rate or RATES[settings.optimizer])
        run = Scale(pixels, settings, before.rate)  # a step that had to be halved stays so
        run.optimiser = before.optimiser
        run.optimiser.resize(*pixels.shape[-2:], wrap=settings.wrap)
        return run

    @staticmethod
    def restored(pixels: Picture, settings: Settings, saved: Snapshot) -> Scale:
        """A scale as it was when a snapshot was taken of it."""
        run = Scale(pixels, settings, saved.number("rate"))
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
        return OPTIMISERS[settings.optimizer](self.rate, settings.history, settings.dtype)

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
