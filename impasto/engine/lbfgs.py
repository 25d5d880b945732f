"""Limited-memory BFGS on pixels."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from impasto.engine.half_precision import StoredTensor, dot
from impasto.engine.optimiser import Pixels, State, copied, resized_values, restored_tensor
from impasto.engine.snapshots import Snapshot
from impasto.engine.spectral import SpectralGuess
from impasto.errors import ResumeError

__all__ = ["Lbfgs"]


# How far the first step moves the pixels at most (root of the mean square); 0.04 is worse (LOG.md).
_FIRST_STEP = 0.02

# The same of a single value, in units of that root of the mean square.
_PEAK = 3.0

# The guess is γ·P with γ = s·y / y·Py, which weighs the steepest directions most: where nothing is
# known yet it is mostly less steep. 1.3 to 1.8 are as good, 2.5 overshoots (LOG.md).
_LONGER = 1.5


class _Pair(NamedTuple):
    step: StoredTensor
    change: StoredTensor
    curvature: float


class Lbfgs:
    """Limited-memory BFGS (Nocedal 1980), one evaluation a step and no line search.

    As is usual for pictures since Gatys. From the second step on, the curvature sets the length.
    Departs from the paper in the first guess of the inverse Hessian, which is `SpectralGuess` times
    a number and not that number alone, and in the first step, which moves the pixels by 0.02, or
    less where the loss is small; without the guess by 1 in the sum of absolute values.

    Args:
        rate: factor of the step that the curvature gives.
        history: how many pairs of steps and changes of the gradient are kept.
        dtype: number type of the pairs, `float32` or `float16`.
        spectral: take the spectral guess; without it, as it was before there was one.
    """

    def __init__(
        self, rate: float = 1.0, history: int = 10, dtype: str = "float32", spectral: bool = True
    ) -> None:
        self.rate, self.history, self.dtype, self.spectral = rate, history, dtype, spectral
        self.origin: Tensor | None = None
        self._gradient: Tensor | None = None
        self._pairs: list[_Pair] = []
        self._last_guess: SpectralGuess | None = None

    def step(self, pixels: Pixels, gradient: Pixels, loss: float = math.inf) -> None:
        """Move the pixels in place. The optimiser takes over the gradient tensor."""
        spare: list[Tensor] = []
        if self.origin is not None and self._gradient is not None:
            step = torch.sub(pixels, self.origin, out=self.origin)
            change = torch.sub(gradient, self._gradient, out=self._gradient)
            self.origin = self._gradient = None
            spare = self._remember(step, change)
            del step, change
        self.origin = copied(pixels, spare)
        self._gradient = gradient
        direction = self._direction(gradient, spare) if self._pairs else self._first(gradient, loss)
        pixels.sub_(direction, alpha=self.rate)

    def leave(self) -> None:
        """Release what is only useful at this size."""
        self.origin = self._gradient = self._last_guess = None

    def resize(self, height: int, width: int, *, wrap: bool = False) -> None:
        """Resize the pairs, without those that lose their curvature by it."""
        self.leave()
        before, self._pairs = self._pairs, []
        while before:
            step, change, _ = before.pop(0)
            self._remember(
                resized_values(step, height, width, "bicubic", wrap),
                resized_values(change, height, width, "bicubic", wrap),
            )

    def state(self) -> State:
        """Return all that it needs to go on: its tensors, not copies, and numbers."""
        tensors: dict[str, Tensor] = {}
        numbers: dict[str, float] = {"lbfgs.pairs": len(self._pairs)}
        numbers["lbfgs.begun"] = int(self.origin is not None)
        if self.origin is not None and self._gradient is not None:
            tensors = {"lbfgs.origin": self.origin, "lbfgs.gradient": self._gradient}
        for i, pair in enumerate(self._pairs):
            numbers[f"lbfgs.curvature.{i}"] = pair.curvature
            for name, stored in (("step", pair.step), ("change", pair.change)):
                tensors[f"lbfgs.{name}.{i}"] = stored.values
                numbers[f"lbfgs.{name}.{i}"] = stored.peak
        return tensors, numbers

    def restore(self, saved: Snapshot, like: Pixels) -> None:
        """Restore a state, of a picture of this shape; another number type is converted."""
        count = saved.count("lbfgs.pairs")
        if saved.count("lbfgs.begun"):
            self.origin = saved.tensor("lbfgs.origin", like)
            self._gradient = saved.tensor("lbfgs.gradient", like)
        for i in range(max(0, count - self.history), count):
            curvature = saved.number(f"lbfgs.curvature.{i}")
            if not 0 < curvature < math.inf:
                raise ResumeError(f"A pair of the saved state has curvature {curvature:g}.")
            step = restored_tensor(saved, f"lbfgs.step.{i}", like, self.dtype)
            change = restored_tensor(saved, f"lbfgs.change.{i}", like, self.dtype)
            self._pairs.append(_Pair(step, change, curvature))

    def _remember(self, step: Tensor, change: Tensor) -> list[Tensor]:
        """Keep a pair if it has curvature; return float32 tensors that are no longer of use."""
        curvature = dot(step, change, self.dtype)
        # Relative, since no size may lose all pairs to a threshold.
        if not curvature > 1e-8 * self._norm(step) * self._norm(change):
            return [step, change]
        is_full = len(self._pairs) == self.history
        oldest = [stored.values for stored in self._pairs.pop(0)[:2]] if is_full else []
        buffers = oldest if self.dtype == "float16" and oldest else [None, None]
        pair = (
            StoredTensor.of(step, self.dtype, buffers[0]),
            StoredTensor.of(change, self.dtype, buffers[1]),
        )
        self._pairs.append(_Pair(*pair, curvature))
        return oldest if self.dtype == "float32" else [step, change]

    def _first(self, gradient: Tensor, loss: float) -> Tensor:
        """Return the first step, before any curvature is known."""
        if not self.spectral:
            return gradient / gradient.abs().sum().clamp(min=1.0)
        step = self._guess(gradient).apply(gradient.clone())
        slope = dot(gradient, step, self.dtype)
        if not slope > 0:
            return step.zero_()
        length = _FIRST_STEP * math.sqrt(step.numel()) / self._norm(step)
        # No farther than to a loss of 0 as the slope goes: Polyak, "Introduction to Optimization"
        # (1987), sec. 5.3. So a picture that is at its goal stays there.
        step.mul_(min(length, loss / slope))
        # Departs from the line: where an edge becomes sharp at a new scale the gradient has a peak,
        # and a step of ten times the others' leaves specks that few evaluations do not mend.
        most = _PEAK * self._norm(step) / math.sqrt(step.numel())
        return step.clamp_(-most, most)

    def _guess(self, like: Tensor) -> SpectralGuess:
        height, width = like.shape[-2:]
        if self._last_guess is None or self._last_guess.shape != (height, width):
            self._last_guess = SpectralGuess(height, width, like.device)
        return self._last_guess

    def _norm(self, values: Tensor) -> float:
        if self.dtype == "float32":
            return float(values.norm())
        return math.sqrt(dot(values, values, self.dtype))

    def _direction(self, gradient: Tensor, spare: list[Tensor]) -> Tensor:
        """Return the estimated inverse Hessian times the gradient, by the two-loop recursion."""
        q = copied(gradient, spare)
        shares = []
        for step, change, curvature in reversed(self._pairs):
            shares.append(step.dot(q) / curvature)
            change.add_to(q, -shares[-1])
        _, change, curvature = self._pairs[-1]
        if self.spectral:
            guess = self._guess(q)
            guess.apply(q).mul_(_LONGER * curvature / guess.square(change.channels()))
        else:
            q.mul_(curvature / change.square())
        for step, change, curvature in self._pairs:
            step.add_to(q, shares.pop() - change.dot(q) / curvature)
        return q
