"""Features of several layers on the grid of one, whole or window by window."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from impasto.features.tiles import Window

__all__ = ["Grid", "on_grid"]


def on_grid(features: Float[Tensor, "1 c _ _"], height: int, width: int) -> Float[Tensor, "n c"]:
    """One row of channels for each cell of a grid: averaged from a finer layer, or interpolated."""
    rows, columns = features.shape[-2:]
    if rows % height == 0 and columns % width == 0:
        features = F.avg_pool2d(features, (rows // height, columns // width))
    elif rows >= height and columns >= width:
        features = F.adaptive_avg_pool2d(features, (height, width))
    else:
        features = F.interpolate(features, (height, width), mode="bilinear", align_corners=False)
    return features[0].permute(1, 2, 0).flatten(0, 1)


@dataclass(frozen=True)
class Grid:
    """A grid of cells, and those of them that are wanted.

    Attributes:
        where: flat positions of the wanted cells, in rising order; None for all.
    """

    height: int
    width: int
    where: Int[Tensor, " n"] | None = None

    @property
    def count(self) -> int:
        """How many cells are wanted."""
        return self.height * self.width if self.where is None else len(self.where)

    def reach(self, shape: tuple[int, int]) -> int:
        """Cells of a layer of that shape that a cell of the grid sees beyond a window's own."""
        both = zip(shape, (self.height, self.width), strict=True)
        return max(1 + -(-cells // wanted) for cells, wanted in both)

    def rows(self, features: Float[Tensor, "1 c _ _"], window: Window) -> Float[Tensor, "n c"]:
        """A window's own of the wanted cells, in the order of `places`."""
        if window.is_whole and features.shape[-2:] == window.shape:
            rows = on_grid(features, self.height, self.width)
            return rows if self.where is None else rows.index_select(0, self.where)
        (_, down), (_, across) = self._spans(window, features)
        mixed = torch.einsum("ih,chw,jw->ijc", down, features[0].float(), across)
        rows = mixed.flatten(0, 1).to(features.dtype)
        if self.where is None:
            return rows
        return rows.index_select(0, self._wanted(window)[0])

    def places(self, window: Window) -> tuple[Int[Tensor, " n"], int]:
        """Where a window's own of the wanted cells are among all; and how many these are."""
        device = None if self.where is None else self.where.device
        if window.is_whole:
            return torch.arange(self.count, device=device), self.count
        if self.where is None:
            return self._flat(window), self.count
        return self._wanted(window)[1], self.count

    def _wanted(self, window: Window) -> tuple[Int[Tensor, " n"], Int[Tensor, " n"]]:
        """Of a window's own cells those that are wanted, and their place among all of these."""
        assert self.where is not None
        flat = self._flat(window).to(self.where.device)
        place = torch.searchsorted(self.where, flat).clamp(max=len(self.where) - 1)
        mine = (self.where[place] == flat).nonzero()[:, 0]
        return mine, place[mine]

    def _flat(self, window: Window) -> Int[Tensor, " n"]:
        rows, columns = (
            _owned(cells, wanted, span)
            for cells, wanted, span in zip(
                window.shape,
                (self.height, self.width),
                (window.rows, window.columns),
                strict=True,
            )
        )
        return (rows[:, None] * self.width + columns).flatten()

    def _spans(
        self, window: Window, features: Tensor
    ) -> list[tuple[Int[Tensor, " n"], Float[Tensor, "n _"]]]:
        """Along each axis the window's own cells of the grid, and what they are made of."""
        found = []
        averaged = window.shape[0] >= self.height and window.shape[1] >= self.width
        each = zip(
            window.shape,
            (self.height, self.width),
            (window.rows, window.columns),
            (window.above, window.left),
            features.shape[-2:],
            strict=True,
        )
        for cells, wanted, span, before, shown in each:
            own = _owned(cells, wanted, span)
            source = torch.arange(shown) + (span[0] - before)
            weights = _averaging if averaged else _between
            found.append((own, weights(own, cells, wanted, source).to(features.device)))
        return found


def _owned(cells: int, wanted: int, span: tuple[int, int]) -> Int[Tensor, " n"]:
    """The cells of a grid, along one axis, that begin in a span of a layer's cells."""
    each = torch.arange(wanted)
    first = each * cells // wanted
    return each[(first >= span[0]) & (first < span[1])]


def _averaging(
    own: Int[Tensor, " n"], cells: int, wanted: int, source: Int[Tensor, " m"]
) -> Float[Tensor, "n m"]:
    """Weights as `adaptive_avg_pool2d` has them."""
    first, end = own * cells // wanted, -(-(own + 1) * cells // wanted)
    inside = (source >= first[:, None]) & (source < end[:, None])
    return inside.float() / (end - first)[:, None]


def _between(
    own: Int[Tensor, " n"], cells: int, wanted: int, source: Int[Tensor, " m"]
) -> Float[Tensor, "n m"]:
    """Weights as bilinear interpolation has them."""
    middle = ((own + 0.5) * (cells / wanted) - 0.5).clamp(min=0)
    low = middle.floor().long().clamp(max=cells - 1)
    share = (middle - low)[:, None]
    high = (low + 1).clamp(max=cells - 1)
    return (source == low[:, None]) * (1 - share) + (source == high[:, None]) * share
