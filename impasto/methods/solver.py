"""The only loop that optimises pixels."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import DivergedError
from impasto.methods.optimisers import OPTIMISERS, RATES, Optimiser
from impasto.runtime import keep_freed_memory

__all__ = ["Problem", "Settings", "Step", "last", "solve"]

Picture = Float[Tensor, "1 3 h w"]
Objective = Callable[[Tensor], tuple[Tensor, dict[str, Tensor]]]

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
    note: str | None = None


@dataclass(frozen=True)
class Settings:
    """How to optimise: a name of `OPTIMISERS`, and its numbers; a rate of 0 is its own.

    Attributes:
        wrap: opposite edges of the picture meet.
    """

    optimizer: str = "lbfgs"
    history: int = 10
    learning_rate: float = 0.0
    average: float = 0.95
    wrap: bool = False


@dataclass(frozen=True)
class Problem:
    """One scale: where it starts, how long it may take, and what is to be minimised there."""

    start: Picture
    iterations: int
    objective: Objective


def solve(
    start: Picture,
    problems: Sequence[Callable[[Tensor], Problem]],
    work: Sequence[float],
    settings: Settings,
) -> Iterator[Step]:
    """Minimise scale after scale, each from the picture before it; yields after every iteration.

    Args:
        start: where the first scale starts, of any size.
        problems: the scales from coarse to fine, each made from the picture so far when its turn
            comes.
        work: each scale's share of the cost, for `Step.done`.
        settings: how.

    Raises:
        DivergedError: the loss stayed infinite or not a number however small the step.
    """
    keep_freed_memory()
    image, before, run = start, 0.0, None
    for index, make in enumerate(problems):
        problem = make(image)
        run = _Scale(problem.start.clamp(0, 1), settings, run)
        height, width = problem.start.shape[-2:]
        for iteration in range(1, problem.iterations + 1):
            losses, note = run.advance(problem.objective)
            yield Step(
                scale=index + 1,
                scales=len(problems),
                width=width,
                height=height,
                iteration=iteration,
                iterations=problem.iterations,
                done=(before + work[index] * iteration / problem.iterations) / sum(work),
                losses=losses,
                image=run.picture,
                note=note,
            )
        image, before = run.picture(), before + work[index]
        del problem  # its targets go before those of the next scale come


def last(steps: Iterator[Step]) -> Step:
    """Run to the end. Holds one step at a time: each keeps its scale's whole optimiser alive."""
    return deque(steps, maxlen=1)[0]


class _Scale:
    """The state of one scale: pixels, optimiser, running average, and the last good picture."""

    def __init__(self, image: Picture, settings: Settings, before: _Scale | None) -> None:
        self.settings = settings
        self.pixels = image.detach().clone(memory_format=torch.contiguous_format)
        if before is None:
            self.rate = settings.learning_rate or RATES[settings.optimizer]
            self.optimiser = self._fresh_optimiser()
        else:  # a step that had to be halved stays so
            self.rate = before.rate
            self.optimiser = before.optimiser.resized(*image.shape[-2:], wrap=settings.wrap)
        self.averaged, self.weight = torch.zeros_like(image), 0.0
        self.good, self.first = self.pixels.clone(), math.inf
        self.retreats = 0

    def _fresh_optimiser(self) -> Optimiser:
        return OPTIMISERS[self.settings.optimizer](self.rate, self.settings.history)

    def advance(self, objective: Objective) -> tuple[dict[str, float], str | None]:
        """One iteration. After a loss that is not finite or explodes: back, with half the step."""
        losses, gradient = _evaluate(objective, self.pixels)
        if not self._is_sound(losses["total"]):
            return losses, self._retreat(f"the loss went to {losses['total']:g}")
        if not bool(gradient.isfinite().all()):
            return losses, self._retreat("the gradient was not finite")
        if self.first == math.inf:
            self.first = losses["total"]
        self.good.copy_(self.pixels)
        self.optimiser.step(self.pixels, gradient)
        if not bool(self.pixels.isfinite().all()):
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
        self.pixels.copy_(self.good)
        self.optimiser = self._fresh_optimiser()
        return f"{what}: back to the last good picture, with half the step"

    def picture(self) -> Picture:
        """The picture so far, in [0, 1]: Adam's average, corrected for its start, or the pixels."""
        if self.weight > 0:
            return (self.averaged / self.weight).clamp(0, 1)
        return self.pixels.clone()


def _evaluate(objective: Objective, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
    """Each loss, and the gradient of the total as a *sum* over pixels.

    The losses are means, whose gradients shrink as pictures grow; a sum's do not, so thresholds and
    an optimiser's memory mean the same at every size.
    """
    variable = pixels.clone().requires_grad_()
    try:
        total, values = objective(variable)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        # A matrix that holds no numbers cannot be decomposed; elsewhere NaN would be handed on.
        return {"total": math.nan}, torch.zeros_like(pixels)
    losses = {name: float(value) for name, value in values.items()}
    losses["total"] = float(total.detach())
    if not total.requires_grad:
        return losses, torch.zeros_like(pixels)
    (gradient,) = torch.autograd.grad(total * pixels.numel(), variable)
    return losses, gradient.contiguous()
