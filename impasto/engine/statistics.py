"""Style as the statistics of layers: Gram matrices, or Gaussians."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from torch import Tensor

from impasto.config.specs import layer_weights
from impasto.engine.regions import Situation
from impasto.engine.terms import Comparison, Engine
from impasto.losses import functional as losses
from impasto.losses.gaussians import GaussianTarget, gaussian_each
from impasto.losses.moments import Moments
from impasto.losses.objective import Values
from impasto.losses.statistics import Lift, gram, lift_of
from impasto.losses.tiled_losses import region_measurement

__all__ = ["statistics_engine"]


# The style weights at strength 0.5, chosen by eye and by figures (LOG.md).
BALANCED = {"gram": 5.0, "gaussian": 3.5}


def statistics_engine(layers: Sequence[str], kind: str) -> Engine:
    """Styles compared by their layers' statistics: `gaussian` or `gram`."""
    names = layer_weights(layers)
    return Engine(tuple(names), partial(_compare, tuple(names), kind), BALANCED[kind], names)


def _compare(names: Sequence[str], kind: str, situations: Sequence[Situation]) -> Comparison:
    """One part for each layer that both a region and its style have something to say of.

    All regions' moments of a layer are taken and compared at once: so five cost little more than
    one.
    """
    styles = [_wanted(names, situation) for situation in situations]
    make = _gram_distances if kind == "gram" else _gaussian_distances
    speaking = {n: [i for i, held in enumerate(styles) if n in held] for n in names}
    heard = [name for name in names if speaking[name]]
    readings = [
        region_measurement(n, [situations[i].guides[n] for i in speaking[n]]) for n in heard
    ]
    lifts = {n: lift_of(situations[0].extractor, n) for n in heard}
    compare = {n: make(Moments.stack([styles[i][n] for i in speaking[n]]), lifts[n]) for n in heard}

    def measure(found: Sequence[Values]) -> dict[str, Tensor]:
        return {n: compare[n](Moments(*parts)) for n, parts in zip(heard, found, strict=True)}

    return Comparison({n: speaking[n] for n in heard}, tuple(readings), measure)


def _wanted(names: Sequence[str], situation: Situation) -> Mapping[str, Moments]:
    """The style's moments at the layers where the region is large enough to have a style."""
    assert situation.region.style is not None
    present = [name for name in names if name in situation.guides]
    device = next(situation.extractor.parameters()).device
    held = situation.region.style.at(situation.long_side, situation.extractor, present)
    return {name: moments.to(device) for name, moments in held.items()}


def _gram_distances(wanted: Moments, lift: Lift) -> Callable[[Moments], Tensor]:
    target = gram(wanted, lift)
    return lambda got: losses.gram_distances(gram(got, lift), target)


def _gaussian_distances(wanted: Moments, lift: Lift) -> Callable[[Moments], Tensor]:
    target = GaussianTarget(wanted, lift)
    return lambda got: gaussian_each(got, target)
