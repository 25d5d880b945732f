"""Features of several layers on the grid of one, at once or tile by tile."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from impasto.features.tiles import Tile

__all__ = ["Grid", "on_grid"]


def on_grid(features: Float[Tensor, "1 c _ _"], height: int, width: int) -> Float[Tensor, "n c"]:
    """Return a row of channels for each cell of a grid, averaged or interpolated from a layer."""
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
    """A grid of cells, or some of its cells.

    Attributes:
        where: flat positions of the selected cells, in rising order; None for all.
    """

    height: int
    width: int
    where: Int[Tensor, " n"] | None = None

    @property
    def count(self) -> int:
        """The number of selected cells."""
        return self.height * self.width if self.where is None else len(self.where)

    def reach(self, shape: tuple[int, int]) -> int:
        """Return how many of a layer's cells a cell of the grid needs beyond a tile's own."""
        sides = zip(shape, (self.height, self.width), strict=True)
        return max(1 + -(-layer_cells // cells) for layer_cells, cells in sides)

    def rows(self, features: Float[Tensor, "1 c _ _"], tile: Tile) -> Float[Tensor, "n c"]:
        """Return the rows of a tile's selected cells, in the order of `positions`."""
        if tile.is_full and features.shape[-2:] == tile.shape:
            rows = on_grid(features, self.height, self.width)
            return rows if self.where is None else rows.index_select(0, self.where)
        (_, down), (_, across) = self._spans(tile, features)
        mixed = torch.einsum("ih,chw,jw->ijc", down, features[0].float(), across)
        rows = mixed.flatten(0, 1).to(features.dtype)
        if self.where is None:
            return rows
        return rows.index_select(0, self._selected(tile)[0])

    def positions(self, tile: Tile) -> tuple[Int[Tensor, " n"], int]:
        """Return where a tile's selected cells are among all selected, and how many these are."""
        device = None if self.where is None else self.where.device
        if tile.is_full:
            return torch.arange(self.count, device=device), self.count
        if self.where is None:
            return self._flat(tile), self.count
        return self._selected(tile)[1], self.count

    def _selected(self, tile: Tile) -> tuple[Int[Tensor, " n"], Int[Tensor, " n"]]:
        """Return the selected ones of a tile's cells, and their positions among all selected."""
        assert self.where is not None
        flat = self._flat(tile).to(self.where.device)
        position = torch.searchsorted(self.where, flat).clamp(max=len(self.where) - 1)
        selected = (self.where[position] == flat).nonzero()[:, 0]
        return selected, position[selected]

    def _flat(self, tile: Tile) -> Int[Tensor, " n"]:
        rows, columns = (
            _cells_in(span, layer_cells, cells)
            for layer_cells, cells, span in zip(
                tile.shape, (self.height, self.width), (tile.rows, tile.columns), strict=True
            )
        )
        return (rows[:, None] * self.width + columns).flatten()

    def _spans(
        self, tile: Tile, features: Tensor
    ) -> list[tuple[Int[Tensor, " n"], Float[Tensor, "n _"]]]:
        """Return along each axis the tile's cells of the grid, and the weights of its rows."""
        spans = []
        is_averaged = tile.shape[0] >= self.height and tile.shape[1] >= self.width
        each = zip(
            tile.shape,
            (self.height, self.width),
            (tile.rows, tile.columns),
            (tile.above, tile.left),
            features.shape[-2:],
            strict=True,
        )
        for layer_cells, cells, span, before, cut_cells in each:
            index = _cells_in(span, layer_cells, cells)
            source = torch.arange(cut_cells) + (span[0] - before)
            weights = _averaging if is_averaged else _interpolating
            spans.append((index, weights(index, layer_cells, cells, source).to(features.device)))
        return spans


def _cells_in(span: tuple[int, int], layer_cells: int, cells: int) -> Int[Tensor, " n"]:
    """Return the cells of a grid, along one axis, that begin in a span of a layer's cells."""
    each = torch.arange(cells)
    first = each * layer_cells // cells
    return each[(first >= span[0]) & (first < span[1])]


def _averaging(
    index: Int[Tensor, " n"], layer_cells: int, cells: int, source: Int[Tensor, " m"]
) -> Float[Tensor, "n m"]:
    """Return the weights of `adaptive_avg_pool2d`."""
    first, end = index * layer_cells // cells, -(-(index + 1) * layer_cells // cells)
    inside = (source >= first[:, None]) & (source < end[:, None])
    return inside.float() / (end - first)[:, None]


def _interpolating(
    index: Int[Tensor, " n"], layer_cells: int, cells: int, source: Int[Tensor, " m"]
) -> Float[Tensor, "n m"]:
    """Return the weights of bilinear interpolation."""
    middle = ((index + 0.5) * (layer_cells / cells) - 0.5).clamp(min=0)
    low = middle.floor().long().clamp(max=layer_cells - 1)
    share = (middle - low)[:, None]
    high = (low + 1).clamp(max=layer_cells - 1)
    return (source == low[:, None]) * (1 - share) + (source == high[:, None]) * share
