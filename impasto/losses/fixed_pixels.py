"""Pixels that a painting takes from the photograph."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["FixedPixels"]


@dataclass(frozen=True, eq=False)
class FixedPixels:
    """A photograph, some of whose pixels replace those of the picture that is painted.

    Attributes:
        photograph: the source of the fixed pixels.
        free: 1 where the picture keeps its pixels, and 0 where it takes the photograph's.
    """

    photograph: Float[Tensor, "1 3 h w"]
    free: Float[Tensor, "1 1 h w"]

    def apply(
        self, pixels: Tensor, rows: slice = slice(None), columns: slice = slice(None)
    ) -> Tensor:
        """Return a part of the picture with the fixed pixels replaced."""
        fixed = self.photograph[..., rows, columns]
        return fixed + self.free[..., rows, columns] * (pixels - fixed)
