"""How a picture is compared with a style: what sets one method apart from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.engine.regions import RegionView
from impasto.losses.objective import Distance, Measurement, Values

__all__ = ["Comparison", "Engine", "side_by_side"]


@dataclass(frozen=True)
class Comparison:
    """How far a picture's regions are from their styles, part by part, in units of its own.

    Attributes:
        regions: by part, the numbers of the regions that it compares.
        measurements: what is read of the picture.
        measure: the values of the measurements → by part, the distances of these regions.
    """

    regions: Mapping[str, Sequence[int]]
    measurements: tuple[Measurement, ...]
    measure: Callable[[Sequence[Values]], Mapping[str, Float[Tensor, " _"]]]


@dataclass(frozen=True)
class Engine:
    """A way to compare pictures with styles.

    Attributes:
        layers: the layers that the engine reads of the extractor.
        compare: made for all regions at once, which may share their work.
        weight: of the style loss at strength 0.5.
        shares: of the parts in their mean, by name; 1 for those not named.
    """

    layers: tuple[str, ...]
    compare: Callable[[Sequence[RegionView]], Comparison]
    weight: float
    shares: Mapping[str, float] = field(default_factory=dict)


def side_by_side(by_region: Sequence[Mapping[str, Distance]]) -> Comparison:
    """Compare the regions one after another.

    Args:
        by_region: each region's distances, by part.
    """
    names = dict.fromkeys(name for parts in by_region for name in parts)
    regions = {n: [i for i, parts in enumerate(by_region) if n in parts] for n in names}
    distances = [by_region[i][n] for n in names for i in regions[n]]

    def measure(values: Sequence[Values]) -> dict[str, Tensor]:
        remaining = iter(values)
        results = iter([d.value([next(remaining) for _ in d.measurements]) for d in distances])
        return {n: torch.stack([next(results) for _ in regions[n]]) for n in names}

    return Comparison(regions, tuple(r for d in distances for r in d.measurements), measure)
