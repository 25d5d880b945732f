"""One scale of a run: its pixels, its optimiser, and its place in the run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from impasto.engine.half_precision import is_finite
from impasto.engine.optimiser import Optimiser
from impasto.engine.optimisers import OPTIMISERS, RATES
from impasto.engine.snapshots import Snapshot
from impasto.engine.step import Objective, Picture, Settings, Step
from impasto.errors import DivergedError

__all__ = ["LOSS_PREFIX", "Place", "Scale"]

LOSS_PREFIX = "loss."
"""Before a loss's name among the numbers of a snapshot."""

# A run that had to go back more often than this within one scale will not converge.
_MOST_RETREATS = 6

# A loss of more than this times the scale's first one is an explosion: a good run only descends
# from it, or rises a little in its first steps.
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
        """Return the step of an iteration.

        Args:
            before: the picture that the scale was made from.
            iterations: of the scale, without the extra ones.
        """
        numbers = {
            "scale": self.index + 1,
            "scales": len(self.work),
            "iteration": iteration,
            "iterations": iterations,
            # Without NaN, which JSON cannot hold.
            **{LOSS_PREFIX + name: x for name, x in losses.items() if not math.isnan(x)},
        }
        total = iterations + self.extra
        past, now = sum(self.work[: self.index]), self.work[self.index]
        height, width = run.pixels.shape[-2:]
        return Step(
            scale=self.index + 1,
            scales=len(self.work),
            width=width,
            height=height,
            iteration=iteration,
            iterations=total,
            done=(past + now * iteration / total) / sum(self.work),
            losses=losses,
            image=run.picture,
            snapshot=partial(run.snapshot, before, numbers),
            note=note,
        )


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
        """Begin a scale, with what the optimiser learnt at the scale before if that is wanted."""
        if before is None:
            return Scale(pixels, settings, settings.learning_rate or RATES[settings.optimizer])
        run = Scale(pixels, settings, before.rate)  # a step that had to be halved stays so
        if settings.remembers:
            run.optimiser = before.optimiser
            run.optimiser.resize(*pixels.shape[-2:], wrap=settings.wrap)
        return run

    @staticmethod
    def restored(pixels: Picture, settings: Settings, saved: Snapshot) -> Scale:
        """Restore a scale from a snapshot."""
        run = Scale(pixels, settings, saved.number("rate"))
        run.weight, run.first = saved.number("weight"), saved.number("first")
        run.retreats = saved.count("retreats")
        run.optimiser.restore(saved, pixels)
        if run.weight > 0:
            run.averaged = saved.tensor("averaged", pixels)
        return run

    def snapshot(self, before: Picture, numbers: dict[str, float]) -> Snapshot:
        """Return the state that the run goes on from; its tensors are not copies.

        Args:
            before: the picture that the scale was made from.
            numbers: where the run is.
        """
        tensors, optimiser = self.optimiser.state()
        tensors |= {"before": before, "pixels": self.pixels}
        if self.averaged is not None:
            tensors["averaged"] = self.averaged
        state = {"rate": self.rate, "weight": self.weight, "first": self.first}
        return Snapshot(tensors, {**numbers, **optimiser, **state, "retreats": self.retreats})

    def finished(self) -> Picture:
        """Return the picture at the end of the scale, and release what the next one does not need.

        From now on a step of this scale keeps little more than its picture in memory.
        """
        if self.weight > 0:
            self.pixels = self.picture()
        self.averaged, self.weight = None, 0.0
        self.optimiser.leave()
        return self.pixels

    def release(self) -> None:
        """Release everything: the scale is abandoned."""
        self.pixels, self.averaged = self.pixels[..., :0, :0], None
        self.optimiser = self._fresh_optimiser()

    def _fresh_optimiser(self) -> Optimiser:
        return OPTIMISERS[self.settings.optimizer](self.rate, self.settings)

    def advance(self, objective: Objective) -> tuple[dict[str, float], str | None]:
        """Take one step; after a loss that explodes or is not finite, go back and halve it."""
        losses, gradient = objective(self.pixels)
        if not self._is_sound(losses["total"]):
            return losses, self._retreat(f"the loss went to {losses['total']:g}")
        if not is_finite(gradient):
            return losses, self._retreat("the gradient was not finite")
        if self.first == math.inf:
            self.first = losses["total"]
        # The gradient is that of a sum, and the losses are means.
        self.optimiser.step(self.pixels, gradient, losses["total"] * self.pixels.numel())
        if not is_finite(self.pixels):
            return losses, self._retreat("the step was not finite")
        self.pixels.clamp_(0, 1)
        self._average()
        return losses, None

    def _is_sound(self, total: float) -> bool:
        # With a small constant, as rounding may bring a loss just below 0 at the minimum.
        return math.isfinite(total) and total <= _EXPLOSION * abs(self.first) + 1e-3

    def _average(self) -> None:
        if self.settings.optimizer == "adam":
            decay = self.settings.average
            if self.averaged is None:
                self.averaged = torch.zeros_like(self.pixels)
            self.averaged.lerp_(self.pixels, 1 - decay)
            self.weight = 1 - (1 - self.weight) * decay

    def _retreat(self, problem: str) -> str:
        self.retreats += 1
        if self.retreats > _MOST_RETREATS:
            raise DivergedError(
                f"The picture could not be painted: {problem} again and again, though the step was "
                f"halved {_MOST_RETREATS} times. Lower the weights, or try another start."
            )
        self.rate /= 2
        if self.optimiser.origin is not None:
            self.pixels.copy_(self.optimiser.origin)
        self.optimiser = self._fresh_optimiser()
        return f"{problem}: back to the last good picture, with half the step"

    def picture(self) -> Picture:
        """Return the picture in [0, 1]: Adam's average, corrected for its start, or the pixels."""
        if self.averaged is not None and self.weight > 0:
            return (self.averaged / self.weight).clamp_(0, 1)
        return self.pixels.clone()
