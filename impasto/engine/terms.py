"""The terms of what is minimised, and how they are balanced against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PhotoConfig, PixelConfig
from impasto.config.specs import layer_weights
from impasto.engine.regions import Region, Situation, seen_by
from impasto.losses import functional as losses
from impasto.losses.moments import Moments
from impasto.losses.objective import Distance, Measurement, Term, Values
from impasto.losses.statistics import lift_of
from impasto.losses.tiled_losses import (
    content_measurement,
    laplacian_distance,
    pixel_measurement,
    region_measurement,
    variation_measurement,
)
from impasto.losses.viewer import PictureView

__all__ = [
    "Comparison",
    "Engine",
    "Reach",
    "content_terms",
    "one_by_one",
    "pixel_terms",
    "side_by_side",
    "style_terms",
    "style_weight",
]

# The share of a painting's own energy under which no distance is taken as a unit: a photograph that
# looks like the painting already would else be pushed by rounding.
FLOOR = 0.05


@dataclass(frozen=True)
class Comparison:
    """How far a picture's regions are from their styles, part by part, in units of its own.

    Attributes:
        speaking: for each part the regions, by number, that it has something to say of.
        readings: what is read of the picture.
        measure: what these found → for each part the distances of these regions.
    """

    speaking: Mapping[str, Sequence[int]]
    readings: tuple[Measurement, ...]
    measure: Callable[[Sequence[Values]], Mapping[str, Float[Tensor, " _"]]]


@dataclass(frozen=True)
class Engine:
    """How a picture is compared with a style: what sets one method apart from another.

    Attributes:
        layers: the layers that the engine reads of the extractor.
        compare: made for all regions at once, which may share their work.
        weight: of the style loss at strength 0.5.
        shares: of the parts in their mean, by name; 1 for those not named.
    """

    layers: tuple[str, ...]
    compare: Callable[[Sequence[Situation]], Comparison]
    weight: float
    shares: Mapping[str, float] = field(default_factory=dict)


def style_weight(strength: float) -> float:
    """The style's weight at a strength, as a multiple of that at 0.5; the content's stays 1.

    The odds themselves: steeper, strong pictures go where only this network sees a gain (LOG.md).
    """
    return 1.0 if strength == 1 else strength / (1 - strength)


def one_by_one(
    distances: Callable[[Situation], Mapping[str, Distance]],
) -> Callable[[Sequence[Situation]], Comparison]:
    """`compare` of an engine whose regions share no work."""

    return lambda situations: side_by_side([distances(situation) for situation in situations])


def side_by_side(each: Sequence[Mapping[str, Distance]]) -> Comparison:
    """One region's parts after another's."""
    names = dict.fromkeys(name for parts in each for name in parts)
    speaking = {n: [i for i, parts in enumerate(each) if n in parts] for n in names}
    distances = [each[i][n] for n in names for i in speaking[n]]

    def measure(found: Sequence[Values]) -> dict[str, Tensor]:
        left = iter(found)
        values = iter([d.value([next(left) for _ in d.measurements]) for d in distances])
        return {n: torch.stack([next(values) for _ in speaking[n]]) for n in names}

    return Comparison(speaking, tuple(r for d in distances for r in d.measurements), measure)


def style_terms(situations: Sequence[Situation], engine: Engine, config: PixelConfig) -> list[Term]:
    """One term: over regions by their area, the mean of the parts' distances.

    Each part counts in units of the photograph's own distance: from 1 it goes down towards 0.
    """
    pulled = [s for s in situations if s.region.strength > 0]
    weights = [style_weight(s.region.strength) * s.share for s in pulled]
    whole = sum(weights)
    if not whole or not config.style_weight:
        return []
    comparison = engine.compare(pulled)
    counts = _counts(pulled, weights, comparison, engine)
    if not counts:  # all regions are too small here
        return []

    def value(found: Sequence[Values]) -> Tensor:
        each = comparison.measure(found)
        return torch.stack([counts[name] @ each[name] for name in counts]).sum() / whole

    weight = whole * engine.weight * config.style_weight
    return [Term("style", weight, Distance(comparison.readings, value))]


@torch.no_grad()
def _counts(
    situations: Sequence[Situation],
    weights: Sequence[float],
    comparison: Comparison,
    engine: Engine,
) -> dict[str, Float[Tensor, " _"]]:
    """What each part of each region counts: its weight, over the photograph's own distance."""
    held = situations[0].content
    view = situations[0].current if held is None else held
    found = comparison.measure(view.measure(comparison.readings))
    shares = {name: engine.shares.get(name, 1.0) for name in comparison.speaking}
    totals = [0.0 for _ in situations]
    for name, numbers in comparison.speaking.items():
        for i in numbers:
            totals[i] += shares[name]
    counts = {}
    for name, numbers in comparison.speaking.items():
        each = found[name].new_tensor([weights[i] * shares[name] / totals[i] for i in numbers])
        # Without a photograph the distances keep their own units.
        counts[name] = each if held is None else each / found[name].clamp(min=FLOOR)
    return counts


def content_terms(situations: Sequence[Situation], config: PhotoConfig) -> list[Term]:
    """One term: the mean over the content layers of their differences from the photograph's.

    Each region counts by its area, in units of the photograph's energy.
    """
    held = [s for s in situations if s.region.strength < 1]
    if not held or not config.content_weight or held[0].content is None:
        return []
    names, photograph = layer_weights(config.content_layers), held[0].content
    total, targets = sum(names.values()), photograph.features(list(names))
    readings = [_content_reading(name, targets[name], held, photograph) for name in names]

    def value(found: Sequence[Values]) -> Tensor:
        each = [
            share / total * parts[0] for share, parts in zip(names.values(), found, strict=True)
        ]
        return torch.stack(each).sum()

    return [Term("content", config.content_weight, Distance(tuple(readings), value))]


@torch.no_grad()
def _content_reading(
    name: str, target: Tensor, held: Sequence[Situation], photograph: PictureView
) -> Measurement:
    lift = lift_of(held[0].extractor, name)
    ((mean, second),) = photograph.measure([region_measurement(name, [None])])
    unit = losses.energy(Moments(mean, second), lift)
    return content_measurement(name, target, lift, unit, _held_at(name, held))


def _held_at(name: str, held: Sequence[Situation]) -> Float[Tensor, "_ _"] | None:
    """How much of each of a layer's cells belongs to these regions; None for all of all cells."""
    masks = [seen_by(situation.region, situation.current.shape(name)) for situation in held]
    parts = [mask for mask in masks if mask is not None]
    return torch.stack(parts).sum(0) if parts else None


@dataclass(frozen=True)
class Reach:
    """Where the terms that need no network count, on the canvas; None for everywhere.

    Attributes:
        smooth: for the total variation, which is there for the grain that painting makes and would
            blur a photograph that stays one: fully from strength 0.5 on, not at all at 0.
        held: for the distances to the photograph: not where only the painting counts.
    """

    smooth: Float[Tensor, "h w"] | None = None
    held: Float[Tensor, "h w"] | None = None

    @staticmethod
    def of(regions: Sequence[Region], like: Float[Tensor, "1 3 h w"]) -> Reach:
        """Of regions whose masks have the canvas's size."""
        painted = [region for region in regions if region.style is not None]
        smooth = _spread(painted, [min(1.0, 2 * r.strength) for r in painted], like)
        held = _spread(painted, [float(r.strength < 1) for r in painted], like)
        return Reach(smooth, held)


def _spread(
    regions: Sequence[Region], values: Sequence[float], like: Float[Tensor, "1 3 h w"]
) -> Float[Tensor, "h w"] | None:
    """Each region's value where it is; None if that is 1 for all of them.

    What is nobody's is kept, and so may count or not.
    """
    if all(value == 1 for value in values):
        return None
    whole = torch.zeros_like(like[0, 0])
    for region, value in zip(regions, values, strict=True):
        whole = whole + (value if region.mask is None else value * region.mask[0, 0])
    return whole


def pixel_terms(
    photograph: Float[Tensor, "1 3 h w"] | None,
    config: PixelConfig,
    *,
    reach: Reach | None = None,
) -> list[Term]:
    """The terms that need no network.

    Args:
        photograph: on the canvas; the distances to it are left out if there is none.
        reach: where they count.
    """
    reach = reach or Reach()
    terms: list[Term] = []
    if config.tv_weight:
        variation = Distance.sum(variation_measurement(config.tv, reach.smooth))
        terms.append(Term("tv", config.tv_weight, variation))
    if photograph is None or not isinstance(config, PhotoConfig):
        return terms
    if config.l2_weight:
        near = Distance.sum(pixel_measurement(photograph, reach.held))
        terms.append(Term("l2", config.l2_weight, near))
    if config.laplacian_weight:
        steered = laplacian_distance(photograph, config.laplacian_pool, reach.held)
        terms.append(Term("laplacian", config.laplacian_weight, steered))
    return terms
