"""Frames in cells of a few pixels, in which they are compared: single pixels are noise."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["CELL", "cells_of", "spread"]

CELL = 4
"""Pixels along a cell's side."""


def cells_of(values: Float[Tensor, "1 c h w"]) -> Float[Tensor, "1 c _ _"]:
    """Return the mean of each cell; those at the right and below may be smaller."""
    return F.avg_pool2d(values, CELL, ceil_mode=True, count_include_pad=False)


def spread(cells: Float[Tensor, "1 c _ _"], like: Float[Tensor, "1 _ h w"]) -> Tensor:
    """Return cells at a picture's size, each passing into the next."""
    return F.interpolate(cells, like.shape[-2:], mode="bilinear", align_corners=False)
