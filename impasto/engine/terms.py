"""The style and content terms of the objective, and how they are balanced against each other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PhotoConfig, PixelConfig
from impasto.config.specs import layer_weights
from impasto.engine.comparison import Comparison, Engine
from impasto.engine.regions import RegionView, region_weight
from impasto.image.masks import pooled
from impasto.losses import functional as losses
from impasto.losses.moments import Moments
from impasto.losses.objective import Distance, Measurement, Term, Values
from impasto.losses.small_structure import small_structure
from impasto.losses.statistics import lift_of
from impasto.losses.tiled_losses import content_measurement, region_measurement
from impasto.losses.viewer import PictureView

__all__ = ["FLOOR", "content_terms", "detail_terms", "style_terms", "style_weight"]

FLOOR = 0.05
"""The share of a painting's own energy under which no distance is taken as a unit: otherwise
rounding would push a photograph that looks like the painting already."""


def style_weight(strength: float) -> float:
    """Return the style's weight at a strength, as a multiple of that at 0.5.

    The content's stays 1. These are the odds: steeper, strong pictures go where only this network
    sees a gain (LOG.md).
    """
    return 1.0 if strength == 1 else strength / (1 - strength)


def style_terms(
    region_views: Sequence[RegionView], engine: Engine, config: PixelConfig
) -> list[Term]:
    """Return one term: over regions by their area, the mean of the parts' distances.

    Each part counts in units of the photograph's own distance: from 1 it goes down towards 0.
    """
    styled = [view for view in region_views if view.region.strength > 0]
    weights = [style_weight(view.region.strength) * view.share for view in styled]
    total = sum(weights)
    if not total or not config.style_weight:
        return []
    comparison = engine.compare(styled)
    factors = _factors(styled, weights, comparison, engine)
    if not factors:  # all regions are too small here
        return []

    def value(values: Sequence[Values]) -> Tensor:
        distances = comparison.measure(values)
        return torch.stack([factors[name] @ distances[name] for name in factors]).sum() / total

    weight = total * engine.weight * config.style_weight
    return [Term("style", weight, Distance(comparison.measurements, value))]


@torch.no_grad()
def _factors(
    region_views: Sequence[RegionView],
    weights: Sequence[float],
    comparison: Comparison,
    engine: Engine,
) -> dict[str, Float[Tensor, " _"]]:
    """Return the factor of each part of each region: its weight over the photograph's distance."""
    content = region_views[0].content
    view = region_views[0].current if content is None else content
    distances = comparison.measure(view.measure(comparison.measurements))
    shares = {name: engine.shares.get(name, 1.0) for name in comparison.regions}
    totals = [0.0 for _ in region_views]
    for name, numbers in comparison.regions.items():
        for i in numbers:
            totals[i] += shares[name]
    factors = {}
    for name, numbers in comparison.regions.items():
        part = distances[name].new_tensor([weights[i] * shares[name] / totals[i] for i in numbers])
        # Without a photograph the distances keep their own units.
        factors[name] = part if content is None else part / distances[name].clamp(min=FLOOR)
    return factors


def content_terms(region_views: Sequence[RegionView], config: PhotoConfig) -> list[Term]:
    """Return one term: the mean over the content layers of the differences from the photograph.

    Each region counts by its area, in units of the photograph's energy.
    """
    constrained = [view for view in region_views if view.region.strength < 1]
    if not constrained or not config.content_weight or constrained[0].content is None:
        return []
    names, photograph = layer_weights(config.content_layers), constrained[0].content
    total, targets = sum(names.values()), photograph.features(list(names))
    view = constrained[0]
    measurements = [
        _content_measurement(
            name, targets[name], _cell_weights(name, constrained), view, photograph
        )
        for name in names
    ]

    def value(values: Sequence[Values]) -> Tensor:
        terms = [
            share / total * parts[0] for share, parts in zip(names.values(), values, strict=True)
        ]
        return torch.stack(terms).sum()

    return [Term("content", config.content_weight, Distance(tuple(measurements), value))]


def detail_terms(
    region_views: Sequence[RegionView], layers: Sequence[str], config: PhotoConfig
) -> list[Term]:
    """Return one term: the difference from the photograph at a finer layer, where that has details.

    Layers that hold the content lose an eye of a few pixels. The term counts where the photograph
    has such small, strong structure (`small_structure`); a picture without any has none.

    Args:
        layers: the finer layer, or none.
    """
    constrained = [view for view in region_views if view.region.strength < 1]
    weight = config.content_weight * config.detail_weight
    if not layers or not constrained or not weight or constrained[0].content is None:
        return []
    (name,), photograph = layers, constrained[0].content
    target = photograph.features([name])[name]
    share = pooled(small_structure(photograph.pixels), *photograph.shape(name))
    region = _cell_weights(name, constrained)
    share = share if region is None else share * region
    if not bool(share.any()):
        return []
    measurement = _content_measurement(name, target, share, constrained[0], photograph)
    return [Term("detail", weight, Distance.sum(measurement))]


@torch.no_grad()
def _content_measurement(
    name: str,
    target: Tensor,
    weights: Float[Tensor, "_ _"] | None,
    view: RegionView,
    photograph: PictureView,
) -> Measurement:
    lift = lift_of(view.extractor, name)
    ((mean, second),) = photograph.measure([region_measurement(name, [None])])
    unit = losses.energy(Moments(mean, second), lift)
    return content_measurement(name, target, lift, unit, weights)


def _cell_weights(name: str, region_views: Sequence[RegionView]) -> Float[Tensor, "_ _"] | None:
    """Return how much of each cell of a layer belongs to these regions; None for all of it."""
    masks = [region_weight(view.region, view.current.shape(name)) for view in region_views]
    parts = [mask for mask in masks if mask is not None]
    return torch.stack(parts).sum(0) if parts else None
