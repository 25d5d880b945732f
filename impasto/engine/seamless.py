"""Resizing pictures that are laid side by side with themselves."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["resized"]

# Pixels beyond an edge: twice as far as bicubic weights reach.
_REACH = 4


def resized(
    picture: Float[Tensor, "b c h w"], height: int, width: int, mode: str = "bicubic"
) -> Float[Tensor, "b c _ _"]:
    """Resize a seamless picture: a wall of its copies is resized, and one is cut out of it.

    It is cut one pixel above and to the left of where a copy begins. There a new pixel's edge falls
    on an old one's, where bicubic weights leave noise strongest: scale after scale at the same
    place, that shows as a seam.

    Values are not clamped.

    Args:
        mode: `bicubic` or `bilinear`.
    """
    top, new_top = _beyond(picture.shape[-2], height)
    left, new_left = _beyond(picture.shape[-1], width)
    rows = torch.arange(-top, picture.shape[-2] + top, device=picture.device) % picture.shape[-2]
    columns = (
        torch.arange(-left, picture.shape[-1] + left, device=picture.device) % picture.shape[-1]
    )
    wall = picture[..., rows, :][..., columns]
    size = (height + 2 * new_top, width + 2 * new_left)
    resized_wall = F.interpolate(wall, size=size, mode=mode, align_corners=False)
    y, x = new_top - 1, new_left - 1
    return resized_wall[..., y : y + height, x : x + width].contiguous()


def _beyond(side: int, new: int) -> tuple[int, int]:
    """Return the pixels to add before resizing and to cut afterwards: the same part of the wall."""
    common = math.gcd(side, new)
    times = math.ceil(_REACH * common / min(side, new))
    return times * side // common, times * new // common
