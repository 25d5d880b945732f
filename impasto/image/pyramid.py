"""From coarse to fine: the sizes that a picture passes through, and what each of them adds."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["scale_schedule", "split"]

# Binomial, and even: so the pixels of a level lie in the middle of those that they stand for.
_KERNEL = (1 / 8, 3 / 8, 3 / 8, 1 / 8)


def scale_schedule(size: int, smallest: int) -> list[int]:
    """Long sides from `smallest` or just above it up to `size`, each √2 times the one before."""
    sizes = [float(size)]
    while sizes[-1] / 2**0.5 >= smallest - 0.5:
        sizes.append(sizes[-1] / 2**0.5)
    return [round(s) for s in reversed(sizes)]


def split(pixels: Float[Tensor, "b c h w"], levels: int) -> list[Float[Tensor, "b c _ _"]]:
    """The Laplacian pyramid of a picture: what each size adds to the next, finest first.

    Each level is half as high and wide as the one before, rounded up; the last is the picture
    itself at its size. Values of all others lie around 0. Burt and Adelson, "The Laplacian pyramid
    as a compact image code", 1983, departing from it in the kernel.

    Args:
        levels: ≥ 1; 1 gives the picture alone.
    """
    found = []
    for _ in range(levels - 1):
        coarse = _halved(pixels)
        found.append(pixels - _enlarged(coarse, pixels))
        pixels = coarse
    return [*found, pixels]


def _halved(pixels: Tensor) -> Tensor:
    """Blurred, one pixel for two by two, in their middle."""
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
