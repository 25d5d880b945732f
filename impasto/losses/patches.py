"""Patches of features: the most similar of a painting's for each of a picture's, and the loss.

After Li and Wand, "Combining Markov random fields and convolutional neural networks for image
synthesis", 2016: patches are matched by normalised cross-correlation (eq. 3), and their squared
differences are summed (eq. 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from impasto.features.tiles import Tile
from impasto.losses.neighbours import unit_rows, varied
from impasto.losses.objective import Distance, Measurement, Values

__all__ = ["PatchTarget", "centred", "match", "patch_count", "patches", "with_map"]


def patch_count(height: int, width: int, size: int = 3, stride: int = 1) -> tuple[int, int]:
    """Return how many patches a layer has along each side; 0 if it is too small."""
    rows, columns = ((side - size) // stride + 1 for side in (height, width))
    return max(0, rows), max(0, columns)


def patches(
    features: Float[Tensor, "1 c h w"], size: int = 3, stride: int = 1
) -> Float[Tensor, "n d"]:
    """Return each patch of `size`×`size` positions as a row of c·size² numbers, row by row."""
    return F.unfold(features, size, stride=stride)[0].T


def centred(features: Float[Tensor, "1 c h w"]) -> Float[Tensor, "1 c h w"]:
    """Return features about the picture's mean, to be matched, in half precision.

    Departs from the paper in that mean: without it all cosines of a ReLU's features, which are
    never negative, lie close together.
    """
    return (features.float() - features.float().mean((2, 3), keepdim=True)).bfloat16()


def with_map(
    features: Float[Tensor, "1 c h w"], channels: Float[Tensor, "1 k h w"] | None, gamma: float
) -> Float[Tensor, "1 _ h w"]:
    """Return features with a semantic map as further channels, of γ times its values.

    Champandard, "Semantic style transfer and turning two-bit doodles into fine artworks", 2016,
    section 3.1. γ is in units of the features' root mean square, so that it means the same at every
    layer.
    """
    if channels is None:
        return features
    unit = features.float().square().sum(1).mean().sqrt()
    return torch.cat([features, (gamma * unit * channels).to(features.dtype)], 1)


@torch.no_grad()
def match(
    query: Float[Tensor, "1 c h w"],
    candidates: Float[Tensor, "1 c sh sw"],
    size: int = 3,
    stride: int = 1,
    *,
    query_map: Float[Tensor, "1 k h w"] | None = None,
    candidate_map: Float[Tensor, "1 k sh sw"] | None = None,
    gamma: float = 1.0,
    query_index: Int[Tensor, " n"] | None = None,
    candidate_index: Int[Tensor, " m"] | None = None,
    variety: float = 0.0,
) -> tuple[Float[Tensor, " _"], Int[Tensor, " _"]]:
    """Return the most similar candidate of each patch of the query: its cosine, and its number.

    Patches of the query are `stride` apart, those of the candidates one position.

    Args:
        query_map, candidate_map: what is where (one-hot, for example), compared as well.
        gamma: weight of these maps.
        query_index: the patches of the query to match; all if None.
        candidate_index: the patches of the candidates to match them with; all if None.
        variety: see `impasto.losses.neighbours.varied`.
    """
    queries = patches(with_map(query, query_map, gamma), size, stride)
    rows = patches(with_map(candidates, candidate_map, gamma), size)
    queries = queries if query_index is None else queries[query_index]
    rows = rows if candidate_index is None else rows[candidate_index]
    values, index = varied(unit_rows(queries), unit_rows(rows), variety)
    return values, index if candidate_index is None else candidate_index[index]


class PatchTarget:
    """The matched patches, folded into one target for each position.

    Where patches s overlap, Σ‖f − s‖² = n‖f − s̄‖² + (Σ‖s‖² − n‖s̄‖²), with s̄ their mean: the second
    part does not depend on f. So the sum over all patches (eq. 2) and its gradient need only one
    difference for each position, and no patch of the picture is cut out.

    Args:
        sources: paintings' features.
        chosen: for each matched patch, which of `sources` it was taken from.
        index: which patch of it, of all at a stride of 1, row by row.
        where: the picture's patches that were matched.
        weight: what each of these counts; None for 1.
        shape: height and width of the picture's layer.
    """

    def __init__(
        self,
        sources: Sequence[Float[Tensor, "1 c _ _"]],
        chosen: Int[Tensor, " n"],
        index: Int[Tensor, " n"],
        where: Int[Tensor, " n"],
        shape: tuple[int, int],
        *,
        size: int = 3,
        stride: int = 1,
        weight: Float[Tensor, " n"] | None = None,
    ) -> None:
        self.shape = shape
        channels, width = sources[0].shape[1], shape[1]
        weights = torch.ones_like(where, dtype=torch.float32) if weight is None else weight
        total = sources[0].new_zeros(shape[0] * width, channels, dtype=torch.float32)
        self.count = total[:, 0].clone()
        squares = torch.zeros_like(self.count)
        across = patch_count(*shape, size, stride)[1]
        corner = (where // across * width + where % across) * stride
        for down, right in product(range(size), repeat=2):
            rows = _cells(sources, chosen, index, size, down, right)
            position = corner + down * width + right
            total.index_add_(0, position, rows * weights[:, None])
            self.count.index_add_(0, position, weights)
            squares.index_add_(0, position, rows.square().sum(1) * weights)
        self.mean = total / self.count.clamp(min=1e-12)[:, None]
        # How much the matches differ among themselves; next to nothing if all are one flat colour.
        alike = total.sum(0).square().sum() / self.count.sum().clamp(min=1e-12)
        self.unit = (squares.sum() - alike).clamp(min=1e-3 * float(squares.sum()) + 1e-12)
        self.least = (squares.sum() - (self.count * self.mean.square().sum(1)).sum()).clamp(min=0)

    def distance(self, layer: str) -> Distance:
        """Return Σ‖patch − its match‖² over the matches' variance: 0 for a quilt without seams."""
        shape = self.shape

        def compute(features: Tensor, tile: Tile) -> Values:
            rows = tile.crop(features)[0].permute(1, 2, 0)
            mean = self.mean.view(*shape, -1)[slice(*tile.rows), slice(*tile.columns)]
            squares = (rows - mean).square().sum(2)
            return ((tile.select(self.count.view(shape)) * squares).sum() / self.unit,)

        def value(values: Sequence[Values]) -> Tensor:
            return values[0][0] + self.least / self.unit

        return Distance((Measurement(layer, compute),), value)


def _cells(
    sources: Sequence[Float[Tensor, "1 c _ _"]],
    chosen: Int[Tensor, " n"],
    index: Int[Tensor, " n"],
    size: int,
    down: int,
    right: int,
) -> Float[Tensor, "n c"]:
    """Return the features at one position of each matched patch."""
    cells = torch.zeros(len(index), sources[0].shape[1], device=index.device)
    for k, features in enumerate(sources):
        height, width = features.shape[-2:]
        across = patch_count(height, width, size)[1]
        is_from = chosen == k
        patch = index[is_from]
        position = (patch // across + down) * width + patch % across + right
        rows = features[0].permute(1, 2, 0).flatten(0, 1)
        cells[is_from] = rows.index_select(0, position).float()
    return cells
