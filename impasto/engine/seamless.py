"""Resizing what is laid side by side with itself."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["resized"]

# Pixels beyond an edge that bicubic weights reach, and as many again.
_REACH = 4


def resized(
    tile: Float[Tensor, "b c h w"], height: int, width: int, mode: str = "bicubic"
) -> Float[Tensor, "b c _ _"]:
    """A tile at another size: cut from a wall of its copies that is resized whole.

    It is cut one pixel above and to the left of where a copy begins. There a new pixel's edge falls
    on an old one's, where bicubic weights leave noise strongest: scale after scale at the same
    place, that shows as a seam.

    Values are interpolated, and not held in any range.

    Args:
        mode: `bicubic` or `bilinear`.
    """
    top, new_top = _beyond(tile.shape[-2], height)
    left, new_left = _beyond(tile.shape[-1], width)
    rows = torch.arange(-top, tile.shape[-2] + top, device=tile.device) % tile.shape[-2]
    columns = torch.arange(-left, tile.shape[-1] + left, device=tile.device) % tile.shape[-1]
    wall = tile[..., rows, :][..., columns]
    size = (height + 2 * new_top, width + 2 * new_left)
    whole = F.interpolate(wall, size=size, mode=mode, align_corners=False)
    y, x = new_top - 1, new_left - 1
    return whole[..., y : y + height, x : x + width].contiguous()


def _beyond(side: int, new: int) -> tuple[int, int]:
    """Pixels to add before resizing and to cut afterwards, which are the same piece of the wall."""
    common = math.gcd(side, new)
    times = math.ceil(_REACH * common / min(side, new))
    return times * side // common, times * new // common
