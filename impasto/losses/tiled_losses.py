"""The losses as measurements: what each adds up over the tiles of a picture, and its value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.features.tiles import Tile
from impasto.losses import functional as losses
from impasto.losses.guides import Guide, GuideSet
from impasto.losses.moments import moments_gradient, stacked_moments
from impasto.losses.objective import PIXELS, Distance, Measurement, Values
from impasto.losses.statistics import Lift

__all__ = [
    "content_measurement",
    "laplacian_distance",
    "pixel_measurement",
    "region_measurement",
    "variation_measurement",
]

Mask = Float[Tensor, "h w"]


def region_measurement(layer: str, guides: Sequence[Guide | None]) -> Measurement:
    """Return the measurement of the moments of a layer's regions, along the first axis."""

    @cache  # its tables are large, and of no use to tiles, which have theirs
    def guide_set() -> GuideSet:
        return GuideSet.of(guides)

    def compute(features: Tensor, tile: Tile) -> Values:
        cells = tile.crop(features)
        if tile.is_full:
            moments = stacked_moments(cells, guide_set())
            return moments.mean, moments.second
        parts = [None if guide is None else Guide(tile.select(guide.mask)) for guide in guides]
        moments = stacked_moments(cells, GuideSet.of(parts))
        shares = cells.new_tensor(
            [
                tile.share if guide is None or part is None else part.total / guide.total
                for part, guide in zip(parts, guides, strict=True)
            ],
            dtype=moments.mean.dtype,
        )
        return moments.mean * shares[:, None], moments.second * shares[:, None, None]

    def gradient(cells: Tensor, tile: Tile, slopes: Values) -> Tensor:
        # Autograd would have to run `compute` again to differentiate it.
        each = [_region_gradient(g, i, cells, tile, slopes) for i, g in enumerate(guides)]
        gradients = [one for one in each if one is not None]
        if len(gradients) == 1:
            return gradients[0]
        return torch.stack(gradients).sum(0) if gradients else torch.zeros_like(cells)

    return Measurement(layer, compute, gradient=gradient)


def _region_gradient(
    guide: Guide | None, number: int, cells: Tensor, tile: Tile, slopes: Values
) -> Tensor | None:
    """Return one region's gradient for a tile's activations; None if it is not there."""
    by_mean, by_second = (slope[[number]] for slope in slopes)
    if guide is None:
        return moments_gradient(cells, by_mean, by_second, math.prod(tile.shape))
    weight = tile.select(guide.mask).square()
    if not bool(weight.any()):
        return None
    change = moments_gradient(cells, by_mean, by_second, guide.total)
    return change if bool((weight == 1).all()) else (change.float() * weight).to(change.dtype)


def content_measurement(
    layer: str,
    target: Float[Tensor, "1 c h w"],
    lift: Lift,
    unit: Float[Tensor, ""],
    weight: Mask | None = None,
) -> Measurement:
    """Return the measurement of the content loss of a layer."""

    def compute(features: Tensor, tile: Tile) -> Values:
        loss = losses.content(
            tile.crop(features), tile.select(target), lift, unit, _select(weight, tile)
        )
        return (loss * tile.share,)

    return Measurement(layer, compute)


def variation_measurement(kind: str, weight: Mask | None = None) -> Measurement:
    """Return the measurement of how much neighbouring pixels differ.

    Where opposite edges meet, tiles show them beside each other, and they are neighbours too.

    Args:
        kind: "l1" or "l2".
        weight: what each pixel's differences to the right and below count; none for 1 everywhere.
    """

    def compute(pixels: Tensor, tile: Tile) -> Values:
        padded = tile.crop_around(pixels, 0, 1)
        return (losses.variation(padded, kind, _select(weight, tile)) * tile.share,)

    return Measurement(PIXELS, compute, reach=1)


def pixel_measurement(target: Float[Tensor, "1 3 h w"], weight: Mask | None = None) -> Measurement:
    """Return the measurement of the mean squared difference of pixels."""

    def compute(pixels: Tensor, tile: Tile) -> Values:
        loss = losses.l2(tile.crop(pixels), tile.select(target), _select(weight, tile))
        return (loss * tile.share,)

    return Measurement(PIXELS, compute)


def _select(weight: Mask | None, tile: Tile) -> Float[Tensor, "_ _"] | None:
    return None if weight is None else tile.select(weight)


def laplacian_distance(
    target: Float[Tensor, "1 3 h w"], pool: int, weight: Mask | None = None
) -> Distance:
    """Return the squared difference of two pictures' Laplacians over the energy of the target's.

    Li, Xu, Nie and Liu 2017, "Laplacian-steered neural style transfer": averages over `pool` ×
    `pool` pixels, then a 3×3 Laplacian. It keeps lines and details in place. 0 for a copy; 1 for a
    flat picture, unless the target is all but flat itself. The energy is measured along with the
    difference.

    Args:
        pool: in pixels, ≥ 1. Where it does not divide the size, the last averages are over fewer.
        weight: what each pixel counts; none for 1 everywhere.
    """
    cells = math.prod(-(-side // pool) for side in target.shape[-2:])

    def compute(pixels: Tensor, tile: Tile) -> Values:
        expected = losses.edges(_cut_like(target, pixels, tile), tile, pool)
        squares = (losses.edges(pixels, tile, pool) - expected).square()
        if weight is not None:
            squares = squares * losses.averages(tile.select(weight)[None], pool)[0]
        return squares.sum() / (3 * cells), expected.square().sum().detach() / (3 * cells)

    def value(values: Sequence[Values]) -> Tensor:
        ((difference, energy),) = values
        return difference / energy.detach().clamp(min=losses.FLAT)

    return Distance((Measurement(PIXELS, compute, reach=pool, grid=pool),), value)


def _cut_like(target: Tensor, pixels: Tensor, tile: Tile) -> Tensor:
    """Return the target where the tile's pixels were cut out."""
    top, left = tile.rows[0] - tile.above, tile.columns[0] - tile.left
    return target[..., top : top + pixels.shape[-2], left : left + pixels.shape[-1]]
