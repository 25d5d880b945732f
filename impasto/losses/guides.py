"""Guides: soft masks of regions, at the size of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["Guide", "GuideSet"]


@dataclass(frozen=True, eq=False)
class Guide:
    """Where a region's features are at one layer (Gatys et al. 2017, section 4).

    Attributes:
        mask: the weight g of each position, from 0 to 1.
    """

    mask: Float[Tensor, "h w"]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the layer."""
        height, width = self.mask.shape
        return height, width

    @cached_property
    def total(self) -> float:
        """Σg², or 1 for an empty region, whose moments are then 0."""
        return float(self.mask.float().square().sum()) or 1.0

    @cached_property
    def _sorted(self) -> tuple[Int[Tensor, " n"], int]:
        flat = self._flat
        is_one = (flat - 1).abs() < 1e-6  # averages of ones are rounded
        full, edge = is_one.nonzero()[:, 0], ((flat > 0) & ~is_one).nonzero()[:, 0]
        return torch.cat([full, edge]), len(full)

    @property
    def _flat(self) -> Float[Tensor, " m"]:
        return self.mask.detach().flatten().float()

    @property
    def index(self) -> Int[Tensor, " n"]:
        """The flat positions with a weight above 0, first those with a weight of 1."""
        return self._sorted[0]

    @property
    def full_count(self) -> int:
        """The number of positions with a weight of 1."""
        return self._sorted[1]

    @cached_property
    def squares(self) -> Float[Tensor, " n"]:
        """g² at these positions, in float32."""
        return self._flat[self.index].square()

    @property
    def count(self) -> int:
        """The number of positions with a weight above 0."""
        return len(self.index)

    @property
    def covers_all(self) -> bool:
        """Whether all positions have the weight 1, as without a guide."""
        return self.full_count == self.shape[0] * self.shape[1]


@dataclass(frozen=True, eq=False)
class GuideSet:
    """Several regions of one layer, whose features are gathered and scattered at once.

    Attributes:
        guides: None, or one that covers all positions, stands for the whole layer.
        parts: the guides that do not cover all positions.
        index: the flat positions of all the parts, one after the other.
        inverse: for each position of the layer its place in `index`, or the place after the last;
            None if a position belongs to two parts.
    """

    guides: tuple[Guide | None, ...]
    parts: tuple[Guide, ...]
    index: Int[Tensor, " n"]
    inverse: Int[Tensor, " m"] | None

    @staticmethod
    def of(guides: Sequence[Guide | None]) -> GuideSet:
        """Return the set of one layer's guides, for all pictures of that size."""
        parts = tuple(g for g in guides if g is not None and not g.covers_all)
        none = torch.zeros(0, dtype=torch.long)
        index = torch.cat([guide.index for guide in parts]) if parts else none
        return GuideSet(tuple(guides), parts, index, _inverse(index, parts))


def _inverse(index: Int[Tensor, " n"], parts: Sequence[Guide]) -> Int[Tensor, " m"] | None:
    """Return where each position is in `index`; None if one is in it twice."""
    if not parts or not len(index) or int(torch.bincount(index).max()) > 1:
        return None
    height, width = parts[0].shape
    inverse = torch.full((height * width,), len(index), device=index.device)
    inverse[index] = torch.arange(len(index), device=index.device)
    return inverse
