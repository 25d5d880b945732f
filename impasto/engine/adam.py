"""Adam on pixels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from impasto.engine.half_precision import StoredTensor, chunks, largest
from impasto.engine.optimiser import Pixels, State, copied, resized_values, restored_tensor
from impasto.engine.snapshots import Snapshot

__all__ = ["Adam"]


class Adam:
    """Adam (Kingma and Ba 2015).

    Departs from the paper in β₂ = 0.99: a picture's gradients change fast (style-transfer-pytorch).

    Args:
        rate: length of a step.
        dtype: number type of the moments, `float32` or `float16`. In `float16` the root of the
            second is kept, as its square would not fit into the range.
    """

    def __init__(
        self,
        rate: float = 0.02,
        betas: tuple[float, float] = (0.9, 0.99),
        dtype: str = "float32",
    ) -> None:
        self.rate, self.betas, self.dtype = rate, betas, dtype
        self.steps = 0
        self.origin: Tensor | None = None
        self._moments: tuple[StoredTensor, StoredTensor] | None = None

    def step(self, pixels: Pixels, gradient: Pixels, loss: float = math.inf) -> None:  # noqa: ARG002
        """Move the pixels in place. The optimiser takes over the gradient tensor."""
        self.origin = copied(pixels, [] if self.origin is None else [self.origin])
        if self._moments is None:
            dtype = torch.float16 if self.dtype == "float16" else torch.float32
            mean, second = (torch.zeros_like(gradient, dtype=dtype) for _ in range(2))
            self._moments = StoredTensor(mean), StoredTensor(second)
        self.steps += 1
        if self.dtype == "float32":
            tensors = pixels, gradient, *(moment.values for moment in self._moments)
            for part, slope, mean, square in chunks(*tensors):
                self._move(part, slope, mean, square)
        else:
            self._step_in_half(pixels, gradient, *self._moments)

    def _step_in_half(
        self, pixels: Tensor, gradient: Tensor, mean: StoredTensor, root: StoredTensor
    ) -> None:
        top = largest(gradient)
        first, second = self.betas
        peaks = (
            first * mean.peak + (1 - first) * top,
            math.sqrt(second * root.peak**2 + (1 - second) * top**2),
        )
        updated = StoredTensor(mean.values, peaks[0]), StoredTensor(root.values, peaks[1])
        for part, slope, one, two in chunks(pixels, gradient, mean.values, root.values):
            moment = one.float().mul_(mean.unit)
            square = two.float().mul_(root.unit).square_()
            self._move(part, slope, moment, square)
            one.copy_(moment.div_(updated[0].unit))
            # Never 0, as the mean is divided by it.
            two.copy_(square.sqrt_().div_(updated[1].unit).clamp_(min=2.0**-24))
        self._moments = updated

    def _move(self, pixels: Tensor, gradient: Tensor, mean: Tensor, square: Tensor) -> None:
        """Take Adam's step of some pixels; all but the gradient are changed in place."""
        mean.lerp_(gradient, 1 - self.betas[0])
        square.lerp_(gradient.square(), 1 - self.betas[1])
        first, second = (1 - beta**self.steps for beta in self.betas)
        spread = (square / second).sqrt_().add_(1e-8)
        pixels.addcdiv_(mean / first, spread, value=-self.rate)

    def leave(self) -> None:
        """Release what is only useful at this size."""
        self.origin = None

    def resize(self, height: int, width: int, *, wrap: bool = False) -> None:
        """Resize both moments; the second stays positive under bilinear weights."""
        self.leave()
        if self._moments is None:
            return
        mean, second = self._moments
        self._moments = None
        mean = StoredTensor.of(resized_values(mean, height, width, "bicubic", wrap), self.dtype)
        second = StoredTensor.of(
            resized_values(second, height, width, "bilinear", wrap), self.dtype
        )
        self._moments = mean, second

    def state(self) -> State:
        """Return all that it needs to go on: its tensors, not copies, and numbers."""
        tensors: dict[str, Tensor] = {}
        numbers: dict[str, float] = {"adam.steps": self.steps}
        numbers["adam.begun"] = int(self.origin is not None)
        if self.origin is not None:
            tensors["adam.origin"] = self.origin
        if self._moments is not None:
            names = ("adam.mean", f"adam.{'root' if self.dtype == 'float16' else 'square'}")
            for name, moment in zip(names, self._moments, strict=True):
                tensors[name], numbers[name] = moment.values, moment.peak
        return tensors, numbers

    def restore(self, saved: Snapshot, like: Pixels) -> None:
        """Restore a state, of a picture of this shape; another number type is converted."""
        self.steps = saved.count("adam.steps")
        if saved.count("adam.begun"):
            self.origin = saved.tensor("adam.origin", like)
        if not self.steps:
            return
        half = "adam.root" in saved.tensors
        name, kind = ("adam.root", "float16") if half else ("adam.square", "float32")
        second = restored_tensor(saved, name, like, kind)
        if kind != self.dtype:
            values = second.to_float32()
            second = StoredTensor.of(values.square_() if half else values.sqrt_(), self.dtype)
        self._moments = restored_tensor(saved, "adam.mean", like, self.dtype), second
