"""Enlarging a painting with the detail of its photograph, so that its strokes keep their look."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["enlarged"]

# Pixels of the small painting on each side of one, over which it is compared with the photograph.
_REACH = 4

# Variances of the photograph far below this one are noise, whose detail is not taken.
_NOISE = 1e-3

# Weights of R'G'B' in a luma (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


@torch.no_grad()
def enlarged(
    painted: Float[Tensor, "1 3 h w"],
    small: Float[Tensor, "1 3 h w"],
    photograph: Float[Tensor, "1 3 height width"],
) -> Float[Tensor, "1 3 height width"]:
    """Enlarge a painting, and add the photograph's detail as the painting has its coarser forms.

    Around each pixel the painting is taken for a linear function of the photograph; its slope
    says how much of the photograph's detail the painting would have, in each colour. This is the
    fast guided filter (He and Sun 2015), but for two things: what no such function explains, the
    strokes, is enlarged too instead of lost; and the guide is the luma alone, so that no coloured
    edge of the photograph comes into the painting.

    Args:
        painted: the small photograph, painted.
        small: the photograph, reduced.
        photograph: in full size.
    """
    size = photograph.shape[-2], photograph.shape[-1]
    if small.shape[-2:] == size:
        return painted
    coarse = _luma(small)
    slopes = _slopes(coarse, painted)
    detail = _luma(photograph)
    detail -= F.interpolate(coarse, size=size, mode="bicubic")
    result = F.interpolate(painted, size=size, mode="bicubic")
    for channel in range(3):  # one by one, to hold less
        slope = F.interpolate(slopes[:, channel, None], size=size, mode="bilinear")
        result[:, channel, None] += slope.mul_(detail)
    return result.clamp_(0, 1)


def _slopes(
    luma: Float[Tensor, "1 1 h w"], painted: Float[Tensor, "1 3 h w"]
) -> Float[Tensor, "1 3 h w"]:
    """Return the slope of each colour over the luma, by least squares around each pixel."""
    mean = _averaged(luma)
    covariance = _averaged(luma * painted) - mean * _averaged(painted)
    return covariance / (_averaged(luma.square()) - mean.square() + _NOISE)


def _averaged(values: Float[Tensor, "1 _ h w"]) -> Float[Tensor, "1 _ h w"]:
    padded = F.pad(values, (_REACH,) * 4, "replicate")
    return F.avg_pool2d(padded, 2 * _REACH + 1, 1)


def _luma(picture: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 1 h w"]:
    result = _LUMA[0] * picture[:, :1]
    for channel, weight in enumerate(_LUMA[1:], 1):
        result.add_(picture[:, channel, None], alpha=weight)
    return result
