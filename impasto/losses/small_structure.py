"""Where a photograph has small, strong structure in plainer surroundings: eyes, thin lines."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["small_structure"]

# Sides, in pixels, of what counts as small, and of its surroundings. A cell of the layers at which
# content is compared has 8 pixels; what is smaller is lost in them.
_SMALL, _AROUND = 9, 49

# Standard deviation of grey that is noise, and the weight that nothing exceeds.
_NOISE, _MOST = 0.015, 4.0


@torch.no_grad()
def small_structure(photograph: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 1 h w"]:
    """Return how much detail below 9 pixels stands out at each pixel, from 0 to 4.

    It is the variance of detail around a pixel over that of its surroundings, less one: 0 where all
    is plain, and also in fur, grass or leaves, where detail is everywhere (centre and surround, as
    in Itti, Koch and Niebur 1998, "A model of saliency-based visual attention").

    Args:
        photograph: in [0, 1].
    """
    grey = photograph.float().mean(1, keepdim=True)
    energy = _averaged((grey - _averaged(grey, _SMALL)).square_(), _SMALL)
    around = _averaged(energy, _AROUND)
    return energy.div_(around.add_(_NOISE**2)).sub_(1).clamp_(0, _MOST)


def _averaged(values: Float[Tensor, "1 1 h w"], side: int) -> Float[Tensor, "1 1 h w"]:
    """Return the average over a square around each pixel, or over what the picture has of it."""
    half = side // 2
    for kernel, padding in (((side, 1), (half, 0)), ((1, side), (0, half))):
        values = F.avg_pool2d(values, kernel, 1, padding, count_include_pad=False)
    return values
