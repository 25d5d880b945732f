"""Style as the statistics of layers: Gram matrices, or Gaussians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor

from impasto.config.specs import layer_weights
from impasto.engine.comparison import Comparison, Engine
from impasto.engine.regions import RegionView
from impasto.losses import functional as losses
from impasto.losses.gaussians import GaussianTarget, gaussian_each
from impasto.losses.moments import Moments
from impasto.losses.objective import Values
from impasto.losses.statistics import Lift, gram, lift_of
from impasto.losses.tiled_losses import region_measurement

__all__ = ["BALANCED", "statistics_engine"]

BALANCED = {"gram": 5.0, "gaussian": 3.5}
"""The style weights at strength 0.5, chosen by eye and by figures (LOG.md)."""


def statistics_engine(layers: Sequence[str], kind: str, recurring: Sequence[str] = ()) -> Engine:
    """Compare styles by their layers' statistics: `gaussian` or `gram`.

    Args:
        recurring: layers at which only what a painting has in several places is its style.
    """
    names = layer_weights(layers)
    compare = partial(_compare, tuple(names), kind, tuple(recurring))
    return Engine(tuple(names), compare, BALANCED[kind], names)


def _compare(
    names: Sequence[str],
    kind: str,
    recurring: Sequence[str],
    region_views: Sequence[RegionView],
) -> Comparison:
    """Compare each layer that both a region and its style have statistics of.

    The moments of all regions are computed and compared at once, so that five cost little more than
    one.
    """
    styles = [view.style_moments(names, recurring) for view in region_views]
    make = _gram_distances if kind == "gram" else _gaussian_distances
    regions = {n: [i for i, moments in enumerate(styles) if n in moments] for n in names}
    regions = {name: numbers for name, numbers in regions.items() if numbers}
    measurements = [
        region_measurement(n, [region_views[i].guides[n] for i in numbers])
        for n, numbers in regions.items()
    ]
    lifts = {n: lift_of(region_views[0].extractor, n) for n in regions}
    compare = {
        n: make(Moments.stack([styles[i][n] for i in numbers]), lifts[n])
        for n, numbers in regions.items()
    }

    def measure(values: Sequence[Values]) -> dict[str, Tensor]:
        return {n: compare[n](Moments(*parts)) for n, parts in zip(regions, values, strict=True)}

    return Comparison(regions, tuple(measurements), measure)


def _gram_distances(style: Moments, lift: Lift) -> Callable[[Moments], Tensor]:
    target = gram(style, lift)
    return lambda current: losses.gram_distances(gram(current, lift), target)


def _gaussian_distances(style: Moments, lift: Lift) -> Callable[[Moments], Tensor]:
    target = GaussianTarget(style, lift)
    return lambda current: gaussian_each(current, target)
