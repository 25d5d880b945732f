"""Pictures shifted as between two frames of a film: training for video without video."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Shift", "shifted"]

# Pixels that single places move by (deviation), that the whole picture moves by (at most), and
# between places whose movement is random (ReReVST, Wang et al. 2020, and CAP-VSTNet, Wen et al.
# 2023: a grid of a hundredth of the picture's size, a deviation of 8 pixels, a shift of up to 10).
_PLACE, _PICTURE, _DISTANCE = 4.0, 10.0, 64


@dataclass(frozen=True)
class Shift:
    """A movement: where each pixel comes from.

    Attributes:
        grid: places in the picture, from −1 to 1, as `grid_sample` takes them.
    """

    grid: Float[Tensor, "1 h w 2"]

    @staticmethod
    def random(size: tuple[int, int], generator: torch.Generator) -> Shift:
        """Draw a smooth movement at random."""
        height, width = size
        coarse = max(2, height // _DISTANCE), max(2, width // _DISTANCE)
        places = torch.randn(1, 2, *coarse, generator=generator) * _PLACE
        movement = F.interpolate(places, size=(height, width), mode="bicubic", align_corners=True)
        movement = movement + (2 * torch.rand(1, 2, 1, 1, generator=generator) - 1) * _PICTURE
        still = F.affine_grid(torch.eye(2, 3)[None], [1, 3, height, width], align_corners=False)
        return Shift(still + movement.permute(0, 2, 3, 1) * 2 / torch.tensor([width, height]))

    def to(self, device: torch.device) -> Shift:
        """Return the same on a device."""
        return Shift(self.grid.to(device))


def shifted(pictures: Float[Tensor, "b 3 h w"], shift: Shift) -> Float[Tensor, "b 3 h w"]:
    """Shift pictures; beyond their border they are mirrored."""
    grid = shift.grid.expand(len(pictures), -1, -1, -1)
    return F.grid_sample(pictures, grid, "bilinear", "reflection", align_corners=False)
