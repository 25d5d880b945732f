"""The terms of what is minimised, and how they are balanced against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.losses import functional as losses
from impasto.losses.objective import Features, Term
from impasto.losses.statistics import lift_of
from impasto.methods.choices import layer_weights
from impasto.methods.configs import PhotoConfig, PixelConfig
from impasto.methods.scene import Region, Situation, seen_by

__all__ = [
    "Comparison",
    "Distance",
    "Engine",
    "content_terms",
    "one_by_one",
    "pixel_terms",
    "smoothing",
    "style_terms",
    "style_weight",
]

Distance = Callable[[Features], Tensor]

# Activations of the picture → for each region, the distance of each of an engine's parts.
Comparison = Callable[[Features], list[dict[str, Tensor]]]

# The share of a painting's own energy under which no distance is taken as a unit: a photograph that
# looks like the painting already would else be pushed by rounding.
FLOOR = 0.05


@dataclass(frozen=True)
class Engine:
    """How a picture is compared with a style: what sets one method apart from another.

    Attributes:
        layers: the layers that the engine reads of the extractor.
        compare: made for all regions at once, which may share their work: how far a picture is
            from the style, part by part, in units of its own.
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


def one_by_one(distances: Callable[[Situation], Mapping[str, Distance]]) -> Any:
    """`compare` of an engine whose regions share no work."""

    def compare(situations: Sequence[Situation]) -> Comparison:
        each = [distances(situation) for situation in situations]
        return lambda features: [{n: d(features) for n, d in parts.items()} for parts in each]

    return compare


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
    if not any(counts):  # all regions are too small here
        return []

    def fn(_: Tensor, features: Features) -> Tensor:
        found = comparison(features)
        each = [counts[i][n] * d for i, parts in enumerate(found) for n, d in parts.items()]
        return torch.stack(each).sum() / whole

    return [Term("style", whole * engine.weight * config.style_weight, fn)]


@torch.no_grad()
def _counts(
    situations: Sequence[Situation],
    weights: Sequence[float],
    comparison: Comparison,
    engine: Engine,
) -> list[dict[str, float]]:
    """What each part of each region counts: its weight, over the photograph's own distance."""
    seen = situations[0].current if situations[0].content is None else situations[0].content
    found = comparison(seen)
    counts = []
    for situation, weight, parts in zip(situations, weights, found, strict=True):
        shares = {name: engine.shares.get(name, 1.0) for name in parts}
        unit = {
            n: 1.0 if situation.content is None else max(float(d), FLOOR) for n, d in parts.items()
        }
        counts.append({n: weight * shares[n] / sum(shares.values()) / unit[n] for n in parts})
    return counts


def content_terms(situations: Sequence[Situation], config: PhotoConfig) -> list[Term]:
    """One term: the mean over the content layers of their differences from the photograph's.

    Each region counts by its area, in units of the photograph's energy.
    """
    held = [s for s in situations if s.region.strength < 1]
    if not held or not config.content_weight or held[0].content is None:
        return []
    names = layer_weights(config.content_layers)
    targets = {name: held[0].content[name] for name in names}
    extractor = held[0].extractor
    lifts = {name: lift_of(extractor, name) for name in names}
    units = [_units(s, names) for s in held]
    maps = {name: _weight_map(name, held, units) for name in names}
    total, one = sum(names.values()), torch.ones((), device=maps[next(iter(names))].device)

    def fn(_: Tensor, features: Features) -> Tensor:
        each = [
            share / total * losses.content(features[n], targets[n], lifts[n], one, maps[n])
            for n, share in names.items()
        ]
        return torch.stack(each).sum()

    return [Term("content", config.content_weight, fn)]


def _weight_map(
    name: str, held: Sequence[Situation], units: Sequence[Mapping[str, Tensor]]
) -> Tensor:
    """What a squared difference counts at each position: the regions' shares over their units."""
    parts = []
    for situation, unit in zip(held, units, strict=True):
        mask = seen_by(situation.region, situation.current[name])
        whole = torch.ones(situation.current[name].shape[-2:], device=unit[name].device)
        parts.append((whole if mask is None else mask) / unit[name])
    return torch.stack(parts).sum(0)


def _units(situation: Situation, names: Mapping[str, float]) -> dict[str, Tensor]:
    """Each content layer's unit in a region: the content's own energy."""
    assert situation.content is not None
    return {
        name: losses.energy(situation.content[name], lift_of(situation.extractor, name))
        for name in names
    }


def smoothing(regions: Sequence[Region]) -> float:
    """How much of the total variation counts: all of it from strength 0.5 on, none at 0.

    It is there for the grain that painting makes, and would blur a photograph that stays one.
    """
    shares = [1.0 if region.mask is None else float(region.mask.mean()) for region in regions]
    each = zip(regions, shares, strict=True)
    return sum(share * min(1.0, 2 * region.strength) for region, share in each)


def pixel_terms(
    photograph: Float[Tensor, "1 3 h w"] | None,
    config: PixelConfig,
    *,
    smooth: float = 1.0,
    wrap: bool = False,
) -> list[Term]:
    """The terms that need no network.

    Args:
        photograph: on the canvas; the distances to it are left out if there is none.
        smooth: how much of the total variation's weight counts.
        wrap: opposite edges of the picture are neighbours.
    """
    terms: list[Term] = []
    if config.tv_weight and smooth:
        kind = config.tv
        variation = lambda x, _: losses.total_variation(x, kind, wrap)  # noqa: E731
        terms.append(Term("tv", smooth * config.tv_weight, variation))
    if photograph is None or not isinstance(config, PhotoConfig):
        return terms
    if config.l2_weight:
        terms.append(Term("l2", config.l2_weight, lambda x, _: losses.l2(x, photograph)))
    if config.laplacian_weight:
        pool = config.laplacian_pool
        steered = lambda x, _: losses.laplacian(x, photograph, pool)  # noqa: E731
        terms.append(Term("laplacian", config.laplacian_weight, steered))
    return terms
