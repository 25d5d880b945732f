"""Pictures moved as a camera and what is before it might move them: video without video."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Shift", "shifted"]

# Pixels that single places move by, and the picture as a whole at most; and from one place whose
# movement is drawn to the next (ReReVST, Wang et al. 2020, and CAP-VSTNet, Wen et al. 2023: a grid
# of a hundredth of the picture's size with a deviation of 8 pixels, and a shift of up to 10).
_PLACE, _WHOLE, _APART = 4.0, 10.0, 64


@dataclass(frozen=True)
class Shift:
    """Where each pixel comes from.

    Attributes:
        grid: places in the picture, from −1 to 1, as `grid_sample` has them.
    """

    grid: Float[Tensor, "1 h w 2"]

    @staticmethod
    def drawn(size: tuple[int, int], generator: torch.Generator) -> Shift:
        """A smooth movement, drawn at random."""
        height, width = size
        coarse = max(2, height // _APART), max(2, width // _APART)
        places = torch.randn(1, 2, *coarse, generator=generator) * _PLACE
        moved = F.interpolate(places, size=(height, width), mode="bicubic", align_corners=True)
        moved = moved + (2 * torch.rand(1, 2, 1, 1, generator=generator) - 1) * _WHOLE
        still = F.affine_grid(torch.eye(2, 3)[None], [1, 3, height, width], align_corners=False)
        return Shift(still + moved.permute(0, 2, 3, 1) * 2 / torch.tensor([width, height]))

    def to(self, device: torch.device) -> Shift:
        """The same on a device."""
        return Shift(self.grid.to(device))


def shifted(pictures: Float[Tensor, "b 3 h w"], shift: Shift) -> Float[Tensor, "b 3 h w"]:
    """Pictures moved; what comes from beyond the border is mirrored."""
    grid = shift.grid.expand(len(pictures), -1, -1, -1)
    return F.grid_sample(pictures, grid, "bilinear", "reflection", align_corners=False)
