"""Colour that changes more slowly than brightness, as the eye wants it.

A network paints each pixel's red, green and blue by themselves, and at edges they do not agree:
there are coloured fringes. Without its brightness a picture is smooth; so that part is averaged
over cells, as JPEG and video do, and only the brightness keeps its pixels.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["CELL", "joined", "separated"]

CELL = 4
"""Pixels of a cell's side: with 2 the fringes of a 512-pixel picture are paler, with 4 gone."""

# Brightness of red, green and blue (ITU-R BT.601, as in JPEG).
_LUMA = (0.299, 0.587, 0.114)


def separated(
    weight: Float[Tensor, "3 _ _ _"], bias: Float[Tensor, " 3"]
) -> tuple[Float[Tensor, "4 _ _ _"], Float[Tensor, " 4"]]:
    """Return a convolution's weights for brightness, and for each colour without it.

    It takes no longer than the three colours do.
    """
    shares = torch.tensor(_LUMA).to(weight)
    brightness = torch.einsum("cdyx,c->dyx", weight, shares)[None]
    level = (shares @ bias)[None]
    return torch.cat([brightness, weight - brightness]), torch.cat([level, bias - level])


def joined(separate: Float[Tensor, "b 4 h w"], cell: int) -> Float[Tensor, "b 3 h w"]:
    """Join brightness with the colours' averages over cells; in single precision.

    Args:
        separate: what a convolution `separated` returns.
    """
    means = F.avg_pool2d(separate, cell)[:, 1:].float().contiguous()
    colours = F.interpolate(means, scale_factor=cell, mode="bilinear", align_corners=False)
    return colours.add_(separate[:, :1])
