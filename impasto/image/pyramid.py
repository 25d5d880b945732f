"""From coarse to fine: the sizes of a picture while it is painted, and the details of each."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["scale_schedule", "split"]

# Binomial, and even: so a pixel of a level is in the middle of those that it averages.
_KERNEL = (1 / 8, 3 / 8, 3 / 8, 1 / 8)


def scale_schedule(size: int, smallest: int, octaves: float = 0.5) -> list[int]:
    """Return long sides from `smallest` or just above it to `size`.

    Args:
        octaves: from each to the next, 1 for twice as long.
    """
    ratio = 2**octaves
    sizes = [float(size)]
    while sizes[-1] / ratio >= smallest - 0.5:
        sizes.append(sizes[-1] / ratio)
    return [round(s) for s in reversed(sizes)]


def split(pixels: Float[Tensor, "b c h w"], levels: int) -> list[Float[Tensor, "b c _ _"]]:
    """Return the Laplacian pyramid of a picture: the details of each size, finest first.

    Each level is half as high and wide as the one before, rounded up; the last is the small picture
    itself. Values of the others are around 0. Burt and Adelson, "The Laplacian pyramid as a compact
    image code", 1983; the kernel is another one.

    Args:
        levels: ≥ 1; 1 gives the picture alone.
    """
    details = []
    for _ in range(levels - 1):
        coarse = _halved(pixels)
        details.append(pixels - _enlarged(coarse, pixels))
        pixels = coarse
    return [*details, pixels]


def _halved(pixels: Tensor) -> Tensor:
    """Blur and halve: one pixel for two by two, in their middle."""
    height, width = pixels.shape[-2:]
    channels = pixels.shape[1]
    row = pixels.new_tensor(_KERNEL)
    kernel = torch.outer(row, row).expand(channels, 1, -1, -1)
    padded = F.pad(pixels, (1, 1 + width % 2, 1, 1 + height % 2), "replicate")
    return F.conv2d(padded, kernel, stride=2, groups=channels)


def _enlarged(pixels: Tensor, like: Tensor) -> Tensor:
    height, width = like.shape[-2:]
    double = F.interpolate(pixels, scale_factor=2.0, mode="bilinear", align_corners=False)
    return double[..., :height, :width]
