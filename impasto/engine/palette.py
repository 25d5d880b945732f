"""The palette: the finest layers' statistics, which hold the colours that matching leaves free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from impasto.config.methods import MatchingConfig, method_of
from impasto.config.specs import layer_weights
from impasto.engine.comparison import Comparison, Engine, side_by_side
from impasto.engine.paintings import Source, paintings_of, sources_by_layers
from impasto.engine.regions import RegionView
from impasto.features.backbones import BACKBONES
from impasto.losses.gaussians import GaussianTarget, gaussian
from impasto.losses.moments import Moments
from impasto.losses.objective import Distance
from impasto.losses.statistics import lift_of
from impasto.losses.tiled_losses import region_measurement

__all__ = ["matching_engine", "palette_distances", "palette_shares"]


def matching_engine(
    config: MatchingConfig,
    match: Callable[[Sequence[Source], Sequence[str], RegionView], Mapping[str, Distance]],
    weight: float,
    shares: Mapping[str, float],
) -> Engine:
    """Return an engine that matches layers, and compares the palette.

    Args:
        match: paintings, the layers that they cover and a region → distances, by part.
        weight: of the style loss at strength 0.5.
        shares: of the parts that are matched; 1 for those not named.
    """
    weights, method = layer_weights(config.style_layers), method_of(config).name
    fine, palette = palette_shares(config.backbone, config.palette)

    def distances(view: RegionView) -> dict[str, Distance]:
        parts: dict[str, Distance] = {}
        ordered = sorted(weights, key=view.extractor.names.index)
        for sources, names in sources_by_layers(paintings_of(view.style, method), ordered):
            parts |= match(sources, names, view)
        return parts | palette_distances(fine, view)

    def compare(views: Sequence[RegionView]) -> Comparison:
        return side_by_side([distances(view) for view in views])

    return Engine(tuple(dict.fromkeys([*weights, *fine])), compare, weight, {**shares, **palette})


def palette_shares(backbone: str, palette: float) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return the two finest of the backbone's own layers, and each part's share of the weight."""
    fine = BACKBONES[backbone].style[:2] if palette else ()
    return fine, {f"palette {name}": palette / len(fine) for name in fine}


def palette_distances(layers: Sequence[str], view: RegionView) -> dict[str, Distance]:
    """Compare the finest layers' statistics, as Gaussians."""
    moments = view.style_moments(layers)
    return {f"palette {name}": _gaussian(name, part, view) for name, part in moments.items()}


def _gaussian(name: str, moments: Moments, view: RegionView) -> Distance:
    target = GaussianTarget(moments, lift_of(view.extractor, name))
    measurement = region_measurement(name, [view.guides[name]])
    return Distance((measurement,), lambda values: gaussian(Moments(*values[0]), target))
