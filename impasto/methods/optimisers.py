"""The three ways to move pixels down a gradient, and how their memory goes from scale to scale.

Not those of `torch.optim`: making one of these takes no 1.2 seconds (that is what importing
`torch._dynamo` costs, which they do), L-BFGS sees where the pixels really went after they were held
in range, and the memory is plain tensors that can be resized.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.methods._tile import resized

__all__ = ["OPTIMISERS", "RATES", "Adam", "Descent", "Lbfgs", "Optimiser"]

Pixels = Float[Tensor, "1 3 h w"]


@runtime_checkable
class Optimiser(Protocol):
    """What the solver asks of each."""

    def step(self, pixels: Pixels, gradient: Pixels) -> None:
        """Move the pixels, in place."""
        ...

    def resized(self, height: int, width: int, *, wrap: bool = False) -> Optimiser:
        """The same, with what it has learnt brought to another size.

        Args:
            wrap: as a tile, whose opposite edges meet.
        """
        ...


class Lbfgs:
    """Limited-memory BFGS (Nocedal 1980), one evaluation a step and no line search.

    So has every optimiser of pictures since Gatys done it. The first step has length 1 in the sum
    of absolute values; from the second on, the curvature sets the length.

    Args:
        rate: length of a step, over what the curvature says.
        history: pairs of steps and changes of the gradient that are kept.
    """

    def __init__(self, rate: float = 1.0, history: int = 10) -> None:
        self.rate, self.history = rate, history
        self.pairs: list[tuple[Tensor, Tensor, float]] = []
        self.last: tuple[Tensor, Tensor] | None = None

    def step(self, pixels: Pixels, gradient: Pixels) -> None:
        """Move the pixels, in place."""
        if self.last is not None:
            self._remember(pixels - self.last[0], gradient - self.last[1])
        self.last = (pixels.clone(), gradient)
        pixels.sub_(self._direction(gradient), alpha=self.rate)

    def resized(self, height: int, width: int, *, wrap: bool = False) -> Lbfgs:
        """The pairs at another size, without those that lost their curvature on the way."""
        other = Lbfgs(self.rate, self.history)
        for step, change, _ in self.pairs:
            other._remember(*(_resize(x, height, width, "bicubic", wrap) for x in (step, change)))
        return other

    def _remember(self, step: Tensor, change: Tensor) -> None:
        curvature = float(_dot(step, change))
        # Relative: at no size may a threshold swallow all pairs.
        if curvature > 1e-8 * float(step.norm() * change.norm()):
            self.pairs = [*self.pairs, (step, change, curvature)][-self.history :]

    def _direction(self, gradient: Tensor) -> Tensor:
        """The inverse Hessian, as far as known, times the gradient: the two-loop recursion."""
        if not self.pairs:
            return gradient / gradient.abs().sum().clamp(min=1.0)
        q = gradient.clone()
        shares = []
        for step, change, curvature in reversed(self.pairs):
            shares.append(float(_dot(step, q)) / curvature)
            q.sub_(change, alpha=shares[-1])
        _, change, curvature = self.pairs[-1]
        q.mul_(curvature / float(_dot(change, change)))
        for step, change, curvature in self.pairs:
            q.add_(step, alpha=shares.pop() - float(_dot(change, q)) / curvature)
        return q


class Adam:
    """Adam (Kingma and Ba 2015).

    Departs from the paper in β₂ = 0.99: a picture's gradients change fast (style-transfer-pytorch).

    Args:
        rate: length of a step.
    """

    def __init__(self, rate: float = 0.02, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        self.rate, self.betas = rate, betas
        self.steps = 0
        self.mean: Tensor | None = None
        self.square: Tensor | None = None

    def step(self, pixels: Pixels, gradient: Pixels) -> None:
        """Move the pixels, in place."""
        if self.mean is None or self.square is None:
            self.mean, self.square = torch.zeros_like(gradient), torch.zeros_like(gradient)
        self.steps += 1
        self.mean.lerp_(gradient, 1 - self.betas[0])
        self.square.lerp_(gradient.square(), 1 - self.betas[1])
        first, second = (1 - beta**self.steps for beta in self.betas)
        pixels.addcdiv_(self.mean / first, (self.square / second).sqrt() + 1e-8, value=-self.rate)

    def resized(self, height: int, width: int, *, wrap: bool = False) -> Adam:
        """Both moments at another size; the second stays positive under bilinear weights."""
        other = Adam(self.rate, self.betas)
        if self.mean is not None and self.square is not None:
            other.steps = self.steps
            other.mean = _resize(self.mean, height, width, "bicubic", wrap)
            other.square = _resize(self.square, height, width, "bilinear", wrap)
        return other


class Descent:
    """Plain gradient descent, with one length of step for the whole run.

    A rate that suits one picture diverges or crawls on another: so the first step moves the pixels
    by `rate` on average (root of the mean square), and all others are as long over their own
    gradient. As gradients are those of a sum, that length suits every size. It is halved when a
    step went past the bottom, where the gradient turns back, and grows again up to what it was.

    Args:
        rate: how far the first step moves the pixels.
    """

    def __init__(self, rate: float = 0.06) -> None:
        self.rate = rate
        self.full = self.length = 0.0
        self.last: Tensor | None = None

    def step(self, pixels: Pixels, gradient: Pixels) -> None:
        """Move the pixels, in place."""
        if not self.full:
            size = float(gradient.square().mean().sqrt())
            self.full = self.length = self.rate / size if size else 0.0
        if self.last is not None:
            turned = float(_dot(gradient, self.last)) < 0
            self.length = self.length / 2 if turned else min(_REGROWTH * self.length, self.full)
        self.last = gradient
        pixels.sub_(gradient, alpha=self.length)

    def resized(self, height: int, width: int, *, wrap: bool = False) -> Descent:  # noqa: ARG002
        """The same length of step; where it was last is of no use at another size."""
        other = Descent(self.rate)
        other.full, other.length = self.full, self.length
        return other


# By so much a step of plain gradient descent grows again once it was halved.
_REGROWTH = 1.1

# What each takes as its rate where nothing else is said.
RATES = {"lbfgs": 1.0, "adam": 0.02, "gd": 0.06}

OPTIMISERS: dict[str, Callable[[float, int], Optimiser]] = {
    "lbfgs": Lbfgs,
    "adam": lambda rate, history: Adam(rate),  # noqa: ARG005
    "gd": lambda rate, history: Descent(rate),  # noqa: ARG005
}


def _dot(first: Tensor, second: Tensor) -> Tensor:
    return torch.dot(first.flatten(), second.flatten())


def _resize(values: Tensor, height: int, width: int, mode: str, wrap: bool) -> Tensor:
    """Values as they are: a sum's gradient does not depend on how many pixels there are."""
    if wrap:
        return resized(values, height, width, mode)
    return F.interpolate(values, size=(height, width), mode=mode, align_corners=False)
