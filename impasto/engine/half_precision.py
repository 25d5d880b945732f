"""An optimiser's memory: tensors as they are, or in half the bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["DTYPE_BYTES", "StoredTensor", "chunks", "dot", "is_finite", "largest"]

DTYPE_BYTES = {"float32": 4, "float16": 2}
"""Number types that memory is kept in, and the bytes of a value."""

# Values that are processed together: few beside a picture's, and enough for one call.
_CHUNK = 2**20

# The largest value in half precision is brought to 2¹⁴ or just above it: there is room for twice as
# much, and the smallest that is not 0 is 2⁻³⁸ of it.
_TOP = 15

# The smallest power of two that is a unit: float32 holds it and its reciprocal.
_LEAST = -100


class StoredTensor:
    """A tensor in float32, or in half the bytes.

    In half precision its unit is a power of two that brings the largest value near the top of the
    range: nothing overflows, and only negligible values become 0.

    Attributes:
        values: float32, or float16 in units of `unit`.
        peak: an upper bound of the absolute values; not used in float32.
    """

    def __init__(self, values: Tensor, peak: float = 0.0) -> None:
        self.values, self.peak = values, peak

    @staticmethod
    def of(values: Tensor, kind: str, into: Tensor | None = None) -> StoredTensor:
        """Store values: the tensor itself in `float32`, a copy in `float16`.

        Args:
            into: a float16 tensor of the same shape that is no longer needed.
        """
        if kind == "float32":
            return StoredTensor(values)
        halves = torch.empty_like(values, dtype=torch.float16) if into is None else into
        stored = StoredTensor(halves, largest(values))
        for half, part in chunks(halves, values):
            half.copy_(part / stored.unit)
        return stored

    @property
    def is_half(self) -> bool:
        """Whether it is stored in float16."""
        return self.values.dtype == torch.float16

    @property
    def unit(self) -> float:
        """The unit of the values."""
        if not self.is_half:
            return 1.0
        exponent = math.frexp(self.peak)[1] - _TOP
        return float(2.0 ** max(_LEAST, exponent))

    def to_float32(self) -> Tensor:
        """Return the values in float32; a copy only if they are stored in float16."""
        return self.values.float().mul_(self.unit) if self.is_half else self.values

    def dot(self, other: Tensor) -> float:
        """Return the scalar product with a float32 tensor."""
        if not self.is_half:
            return dot(self.values, other, "float32")
        return self.unit * sum(
            float(torch.dot(a.float(), b)) for a, b in chunks(self.values, other)
        )

    def square(self) -> float:
        """Return the scalar product with itself."""
        if not self.is_half:
            return dot(self.values, self.values, "float32")
        parts = (half.float() for (half,) in chunks(self.values))
        return self.unit**2 * sum(float(torch.dot(part, part)) for part in parts)

    def channels(self) -> Iterator[Tensor]:
        """Yield each channel of a picture in float32."""
        for channel in self.values[0]:
            yield channel.float().mul_(self.unit) if self.is_half else channel

    def add_to(self, other: Tensor, factor: float) -> None:
        """Add `factor` times this to a float32 tensor, in place."""
        if not self.is_half:
            other.add_(self.values, alpha=factor)
            return
        for half, part in chunks(self.values, other):
            part.add_(half.float(), alpha=factor * self.unit)


def chunks(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Yield the tensors in parts, flat: the same range of each. They are views, to write to."""
    flat = [tensor.view(-1) for tensor in tensors]
    for begin in range(0, flat[0].numel(), _CHUNK):
        yield tuple(values[begin : begin + _CHUNK] for values in flat)


def dot(first: Tensor, second: Tensor, kind: str) -> float:
    """Return the scalar product of float32 tensors: at once, or of chunks and summed in double."""
    if kind == "float32":
        return float(torch.dot(first.flatten(), second.flatten()))
    return sum(float(torch.dot(a, b)) for a, b in chunks(first, second))


def largest(values: Tensor) -> float:
    """Return the largest absolute value, without a copy; NaN if any value is NaN."""
    low, high = (float(bound) for bound in values.aminmax())
    return math.nan if math.isnan(low) else max(-low, high)


def is_finite(values: Tensor) -> bool:
    """Return whether all values are finite, without the three tensors that `isfinite` makes."""
    return math.isfinite(largest(values))
