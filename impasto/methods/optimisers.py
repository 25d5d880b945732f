"""The three ways to move pixels down a gradient, and how their memory goes from scale to scale.

Not those of `torch.optim`: making one of these takes no 1.2 seconds (that is what importing
`torch._dynamo` costs, which they do), L-BFGS sees where the pixels really went after they were held
in range, and the memory is plain tensors that can be resized.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import ResumeError
from impasto.methods._held import HELD, Held, chunks, dot, largest
from impasto.methods._tile import resized
from impasto.methods.way import Snapshot

__all__ = ["OPTIMISERS", "RATES", "Adam", "Descent", "Lbfgs", "Optimiser", "footprint"]

Pixels = Float[Tensor, "1 3 h w"]
State = tuple[dict[str, Tensor], dict[str, float]]


@runtime_checkable
class Optimiser(Protocol):
    """What the solver asks of each.

    Attributes:
        origin: the pixels that the last step at this size started from; None before the first.
    """

    origin: Tensor | None

    def step(self, pixels: Pixels, gradient: Pixels) -> None:
        """Move the pixels, in place. The gradient is the optimiser's from now on."""
        ...

    def leave(self) -> None:
        """Let go of what is of use at this size only."""
        ...

    def resize(self, height: int, width: int, *, wrap: bool = False) -> None:
        """Bring what has been learnt to another size; one tensor after the other, to spare memory.

        Args:
            wrap: as a tile, whose opposite edges meet.
        """
        ...

    def state(self) -> State:
        """All that it goes on from: its own tensors, not copies, and numbers."""
        ...

    def restore(self, saved: Snapshot, like: Pixels) -> None:
        """Take up a state, of a picture of this shape.

        Raises:
            ResumeError: a part is missing, or of another shape.
        """
        ...


def footprint(optimizer: str, history: int, held: str) -> float:
    """Bytes per value of the picture at the peak of a step, beside the pixels and their gradient.

    In tensors of the picture's size, with float32 / float16 memory:

        lbfgs   the origin of the last step, the last gradient (or the direction), and the pairs:
                2 + 2·history of 4 bytes / 2 of 4 bytes and 2·history of 2
        adam    the origin, the running average, and both moments: 4 / 2 and 2 halves
        gd      the origin and the last gradient: 2

    Not counted: the picture that the scale began from, of the size of the scale before; what the
    objective takes; and some megabytes for chunks.

    Args:
        history: pairs; read for `lbfgs` only.
        held: `float32` or `float16`.
    """
    kept = {"lbfgs": 2 * history, "adam": 2, "gd": 0}[optimizer]
    return 4.0 * 2 + HELD[held] * kept


class _Pair(NamedTuple):
    step: Held
    change: Held
    curvature: float


class Lbfgs:
    """Limited-memory BFGS (Nocedal 1980), one evaluation a step and no line search.

    So has every optimiser of pictures since Gatys done it. The first step has length 1 in the sum
    of absolute values; from the second on, the curvature sets the length.

    Args:
        rate: length of a step, over what the curvature says.
        history: pairs of steps and changes of the gradient that are kept.
        held: number type that they are kept in, `float32` or `float16`.
    """

    def __init__(self, rate: float = 1.0, history: int = 10, held: str = "float32") -> None:
        self.rate, self.history, self.held = rate, history, held
        self.origin: Tensor | None = None
        self._gradient: Tensor | None = None
        self._pairs: list[_Pair] = []

    @property
    def pairs(self) -> list[tuple[Tensor, Tensor, float]]:
        """Steps, changes of the gradient and their scalar products, oldest first, in float32."""
        return [(pair.step.whole(), pair.change.whole(), pair.curvature) for pair in self._pairs]

    def step(self, pixels: Pixels, gradient: Pixels) -> None:
        """Move the pixels, in place. The gradient is the optimiser's from now on."""
        spare: list[Tensor] = []
        if self.origin is not None and self._gradient is not None:
            step = torch.sub(pixels, self.origin, out=self.origin)
            change = torch.sub(gradient, self._gradient, out=self._gradient)
            self.origin = self._gradient = None
            spare = self._remember(step, change)
            del step, change
        self.origin = _copy(pixels, spare)
        self._gradient = gradient
        pixels.sub_(self._direction(gradient, spare), alpha=self.rate)

    def leave(self) -> None:
        """Let go of what is of use at this size only."""
        self.origin = self._gradient = None

    def resize(self, height: int, width: int, *, wrap: bool = False) -> None:
        """Bring the pairs to another size, without those that lose their curvature on the way."""
        self.leave()
        before, self._pairs = self._pairs, []
        while before:
            step, change, _ = before.pop(0)
            self._remember(
                _resize(step.whole(), height, width, "bicubic", wrap),
                _resize(change.whole(), height, width, "bicubic", wrap),
            )

    def state(self) -> State:
        """All that it goes on from: its own tensors, not copies, and numbers."""
        tensors: dict[str, Tensor] = {}
        numbers: dict[str, float] = {"lbfgs.pairs": len(self._pairs)}
        numbers["lbfgs.begun"] = int(self.origin is not None)
        if self.origin is not None and self._gradient is not None:
            tensors = {"lbfgs.origin": self.origin, "lbfgs.gradient": self._gradient}
        for i, pair in enumerate(self._pairs):
            numbers[f"lbfgs.curvature.{i}"] = pair.curvature
            for what, kept in (("step", pair.step), ("change", pair.change)):
                tensors[f"lbfgs.{what}.{i}"] = kept.values
                numbers[f"lbfgs.{what}.{i}"] = kept.peak
        return tensors, numbers

    def restore(self, saved: Snapshot, like: Pixels) -> None:
        """Take up a state, of a picture of this shape; memory that was held otherwise is converted.

        Raises:
            ResumeError: a part is missing, or of another shape.
        """
        count = saved.whole("lbfgs.pairs")
        if saved.whole("lbfgs.begun"):
            self.origin = saved.tensor("lbfgs.origin", like)
            self._gradient = saved.tensor("lbfgs.gradient", like)
        for i in range(max(0, count - self.history), count):
            curvature = saved.number(f"lbfgs.curvature.{i}")
            if not 0 < curvature < math.inf:
                raise ResumeError(f"A pair of the saved state has curvature {curvature:g}.")
            step = _restored(saved, f"lbfgs.step.{i}", like, self.held)
            change = _restored(saved, f"lbfgs.change.{i}", like, self.held)
            self._pairs.append(_Pair(step, change, curvature))

    def _remember(self, step: Tensor, change: Tensor) -> list[Tensor]:
        """Keep a pair if it has curvature; float32 tensors that are no longer of use."""
        curvature = dot(step, change, self.held)
        # Relative: at no size may a threshold swallow all pairs.
        if not curvature > 1e-8 * self._norm(step) * self._norm(change):
            return [step, change]
        full = len(self._pairs) == self.history
        oldest = [kept.values for kept in self._pairs.pop(0)[:2]] if full else []
        room = oldest if self.held == "float16" and oldest else [None, None]
        pair = (Held.of(step, self.held, room[0]), Held.of(change, self.held, room[1]))
        self._pairs.append(_Pair(*pair, curvature))
        return oldest if self.held == "float32" else [step, change]

    def _norm(self, values: Tensor) -> float:
        if self.held == "float32":
            return float(values.norm())
        return math.sqrt(dot(values, values, self.held))

    def _direction(self, gradient: Tensor, spare: list[Tensor]) -> Tensor:
        """The inverse Hessian, as far as known, times the gradient: the two-loop recursion."""
        if not self._pairs:
            return gradient / gradient.abs().sum().clamp(min=1.0)
        q = _copy(gradient, spare)
        shares = []
        for step, change, curvature in reversed(self._pairs):
            shares.append(step.dot(q) / curvature)
            change.add_to(q, -shares[-1])
        _, change, curvature = self._pairs[-1]
        q.mul_(curvature / change.square())
        for step, change, curvature in self._pairs:
            step.add_to(q, shares.pop() - change.dot(q) / curvature)
        return q


class Adam:
    """Adam (Kingma and Ba 2015).

    Departs from the paper in β₂ = 0.99: a picture's gradients change fast (style-transfer-pytorch).

    Args:
        rate: length of a step.
        held: number type that the moments are kept in, `float32` or `float16`; of the second the
            root is kept in `float16`, as its square would not fit into the range.
    """

    def __init__(
        self,
        rate: float = 0.02,
        betas: tuple[float, float] = (0.9, 0.99),
        held: str = "float32",
    ) -> None:
        self.rate, self.betas, self.held = rate, betas, held
        self.steps = 0
        self.origin: Tensor | None = None
        self._moments: tuple[Held, Held] | None = None

    @property
    def mean(self) -> Tensor | None:
        """The first moment, in float32."""
        return None if self._moments is None else self._moments[0].whole()

    @property
    def square(self) -> Tensor | None:
        """The second moment, in float32."""
        if self._moments is None:
            return None
        second = self._moments[1]
        return second.whole().square_() if second.is_half else second.values

    def step(self, pixels: Pixels, gradient: Pixels) -> None:
        """Move the pixels, in place. The gradient is the optimiser's from now on."""
        self.origin = _copy(pixels, [] if self.origin is None else [self.origin])
        if self._moments is None:
            dtype = torch.float16 if self.held == "float16" else torch.float32
            mean, second = (torch.zeros_like(gradient, dtype=dtype) for _ in range(2))
            self._moments = Held(mean), Held(second)
        self.steps += 1
        if self.held == "float32":
            every = chunks(pixels, gradient, *(moment.values for moment in self._moments))
            for part, slope, mean, square in every:
                self._move(part, slope, mean, square)
        else:
            self._step_in_half(pixels, gradient, *self._moments)

    def _step_in_half(self, pixels: Tensor, gradient: Tensor, mean: Held, root: Held) -> None:
        top = largest(gradient)
        first, second = self.betas
        peaks = (
            first * mean.peak + (1 - first) * top,
            math.sqrt(second * root.peak**2 + (1 - second) * top**2),
        )
        later = Held(mean.values, peaks[0]), Held(root.values, peaks[1])
        for part, slope, one, two in chunks(pixels, gradient, mean.values, root.values):
            moment = one.float().mul_(mean.unit)
            square = two.float().mul_(root.unit).square_()
            self._move(part, slope, moment, square)
            one.copy_(moment.div_(later[0].unit))
            # Never nought: what is divided by it may not be.
            two.copy_(square.sqrt_().div_(later[1].unit).clamp_(min=2.0**-24))
        self._moments = later

    def _move(self, pixels: Tensor, gradient: Tensor, mean: Tensor, square: Tensor) -> None:
        """Adam's step of some pixels; all but the gradient are changed in place."""
        mean.lerp_(gradient, 1 - self.betas[0])
        square.lerp_(gradient.square(), 1 - self.betas[1])
        first, second = (1 - beta**self.steps for beta in self.betas)
        spread = (square / second).sqrt_().add_(1e-8)
        pixels.addcdiv_(mean / first, spread, value=-self.rate)

    def leave(self) -> None:
        """Let go of what is of use at this size only."""
        self.origin = None

    def resize(self, height: int, width: int, *, wrap: bool = False) -> None:
        """Bring both moments to another size; the second stays positive under bilinear weights."""
        self.leave()
        if self._moments is None:
            return
        mean, second = self._moments
        self._moments = None
        mean = Held.of(_resize(mean.whole(), height, width, "bicubic", wrap), self.held)
        second = Held.of(_resize(second.whole(), height, width, "bilinear", wrap), self.held)
        self._moments = mean, second

    def state(self) -> State:
        """All that it goes on from: its own tensors, not copies, and numbers."""
        tensors: dict[str, Tensor] = {}
        numbers: dict[str, float] = {"adam.steps": self.steps}
        numbers["adam.begun"] = int(self.origin is not None)
        if self.origin is not None:
            tensors["adam.origin"] = self.origin
        if self._moments is not None:
            names = ("adam.mean", f"adam.{'root' if self.held == 'float16' else 'square'}")
            for name, kept in zip(names, self._moments, strict=True):
                tensors[name], numbers[name] = kept.values, kept.peak
        return tensors, numbers

    def restore(self, saved: Snapshot, like: Pixels) -> None:
        """Take up a state, of a picture of this shape; memory that was held otherwise is converted.

        Raises:
            ResumeError: a part is missing, or of another shape.
        """
        self.steps = saved.whole("adam.steps")
        if saved.whole("adam.begun"):
            self.origin = saved.tensor("adam.origin", like)
        if not self.steps:
            return
        half = "adam.root" in saved.tensors
        name, kind = ("adam.root", "float16") if half else ("adam.square", "float32")
        second = _restored(saved, name, like, kind)
        if kind != self.held:
            values = second.whole()
            second = Held.of(values.square_() if half else values.sqrt_(), self.held)
        self._moments = _restored(saved, "adam.mean", like, self.held), second


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
        self.origin: Tensor | None = None
        self.last: Tensor | None = None

    def step(self, pixels: Pixels, gradient: Pixels) -> None:
        """Move the pixels, in place. The gradient is the optimiser's from now on."""
        if not self.full:
            size = float(gradient.square().mean().sqrt())
            self.full = self.length = self.rate / size if size else 0.0
        if self.last is not None:
            turned = dot(gradient, self.last, "float32") < 0
            self.length = self.length / 2 if turned else min(_REGROWTH * self.length, self.full)
        self.last = gradient
        self.origin = _copy(pixels, [] if self.origin is None else [self.origin])
        pixels.sub_(gradient, alpha=self.length)

    def leave(self) -> None:
        """Let go of what is of use at this size only."""
        self.origin = self.last = None

    def resize(self, height: int, width: int, *, wrap: bool = False) -> None:  # noqa: ARG002
        """Keep the length of step; where it was last is of no use at another size."""
        self.leave()

    def state(self) -> State:
        """All that it goes on from: its own tensors, not copies, and numbers."""
        tensors: dict[str, Tensor] = {}
        numbers = {"gd.full": self.full, "gd.length": self.length}
        numbers["gd.begun"] = int(self.origin is not None)
        if self.origin is not None and self.last is not None:
            tensors = {"gd.origin": self.origin, "gd.gradient": self.last}
        return tensors, numbers

    def restore(self, saved: Snapshot, like: Pixels) -> None:
        """Take up a state, of a picture of this shape.

        Raises:
            ResumeError: a part is missing, or of another shape.
        """
        self.full, self.length = saved.number("gd.full"), saved.number("gd.length")
        if saved.whole("gd.begun"):
            self.origin = saved.tensor("gd.origin", like)
            self.last = saved.tensor("gd.gradient", like)


# By so much a step of plain gradient descent grows again once it was halved.
_REGROWTH = 1.1

# What each takes as its rate where nothing else is said.
RATES = {"lbfgs": 1.0, "adam": 0.02, "gd": 0.06}

# By rate, history, and the number type of their memory.
OPTIMISERS: dict[str, Callable[..., Optimiser]] = {
    "lbfgs": Lbfgs,
    "adam": lambda rate, history, held="float32": Adam(rate, held=held),  # noqa: ARG005
    "gd": lambda rate, history, held="float32": Descent(rate),  # noqa: ARG005
}


def _copy(values: Tensor, spare: list[Tensor]) -> Tensor:
    """A copy, written into a tensor that is no longer of use if there is one."""
    return spare.pop().copy_(values) if spare else values.clone()


def _restored(saved: Snapshot, name: str, like: Tensor, kind: str) -> Held:
    """A tensor of an optimiser's memory, in the number type that is wanted now."""
    kinds = (torch.float32, torch.float16)
    held = Held(saved.tensor(name, like, kinds=kinds), saved.number(name))
    return held if held.is_half == (kind == "float16") else Held.of(held.whole(), kind)


def _resize(values: Tensor, height: int, width: int, mode: str, wrap: bool) -> Tensor:
    """Values as they are: a sum's gradient does not depend on how many pixels there are."""
    if wrap:
        return resized(values, height, width, mode)
    return F.interpolate(values, size=(height, width), mode=mode, align_corners=False)
