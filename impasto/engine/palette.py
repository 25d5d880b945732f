"""The palette: the finest layers' statistics, which hold the colours that matching leaves free."""

from __future__ import annotations

from collections.abc import Sequence

from impasto.engine.regions import RegionView
from impasto.features.backbones import BACKBONES
from impasto.losses.gaussians import GaussianTarget, gaussian
from impasto.losses.moments import Moments
from impasto.losses.objective import Distance
from impasto.losses.statistics import lift_of
from impasto.losses.tiled_losses import region_measurement
from impasto.styles.statistics import Style

__all__ = ["palette_distances", "palette_layers", "palette_shares"]


def palette_layers(backbone: str) -> tuple[str, ...]:
    """Return the two finest of the backbone's own layers, which hold colours and grain."""
    return BACKBONES[backbone].style[:2]


def palette_shares(backbone: str, palette: float) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return the palette's layers, and each part's share of the weight `palette`."""
    fine = palette_layers(backbone) if palette else ()
    return fine, {f"palette {name}": palette / len(fine) for name in fine}


def palette_distances(
    style: Style, fine: Sequence[str], region_view: RegionView
) -> dict[str, Distance]:
    """Compare the finest layers' statistics, as Gaussians."""
    present = [name for name in fine if name in region_view.guides]
    if not present:
        return {}
    targets = style.at(region_view.long_side, region_view.extractor, present)
    return {f"palette {name}": _gaussian(name, m, region_view) for name, m in targets.items()}


def _gaussian(name: str, moments: Moments, region_view: RegionView) -> Distance:
    device = next(region_view.extractor.parameters()).device
    target = GaussianTarget(moments.to(device), lift_of(region_view.extractor, name))
    measurement = region_measurement(name, [region_view.guides[name]])
    return Distance((measurement,), lambda values: gaussian(Moments(*values[0]), target))
