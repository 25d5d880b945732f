"""The colours of a region: the part of its style that the network hardly sees."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from impasto.config.bases import PhotoConfig
from impasto.engine.regions import RegionView, region_weight
from impasto.engine.terms import FLOOR, style_weight
from impasto.losses.gaussians import GaussianTarget, gaussian_each
from impasto.losses.guides import Guide
from impasto.losses.moments import Moments
from impasto.losses.objective import PIXELS, Distance, Term
from impasto.losses.statistics import Lift
from impasto.losses.tiled_losses import region_measurement
from impasto.styles.colours import colours_of

__all__ = ["colour_terms"]

# A single part, beside what is kept or transparent, is painted like a whole picture.
_LEAST_PARTS = 2


def colour_terms(region_views: Sequence[RegionView], config: PhotoConfig) -> list[Term]:
    """Return one term: how far each region's pixels are from the colours of its style.

    Features tell hues and edges well and lightness poorly: a light sky with the statistics of a
    dark red one comes out pink. So pixels are compared as Gaussians too, region by region, by area
    and in units of the photograph's own distance, as the style's layers are. A whole picture has no
    such term. It departs from Gatys et al. 2017, where parts have the layers' statistics alone.
    """
    weight = config.region_color * config.style_weight
    parts = [view for view in region_views if view.region.mask is not None]
    parts = [view for view in parts if view.region.strength > 0 and view.share > 0]
    colours = [colours_of(view.style, view.long_side) for view in parts]
    pairs = [(view, found) for view, found in zip(parts, colours, strict=True) if found is not None]
    if not weight or not pairs or len(region_views) < _LEAST_PARTS:
        return []
    views, known = zip(*pairs, strict=True)
    return [Term("color", weight, _distance(views, known))]


@torch.no_grad()
def _distance(views: Sequence[RegionView], colours: Sequence[Moments]) -> Distance:
    """Return the mean over regions, by their area and the odds of their strength."""
    device = views[0].extractor.device
    target = GaussianTarget(
        Moments.stack([one.to(device) for one in colours]), Lift.identity(3, device)
    )
    size = (views[0].current.pixels.shape[-2], views[0].current.pixels.shape[-1])
    weights = [region_weight(view.region, size) for view in views]
    measurement = region_measurement(PIXELS, [None if w is None else Guide(w) for w in weights])
    shown = views[0].current if views[0].content is None else views[0].content
    begun = gaussian_each(Moments(*shown.measure([measurement])[0]), target)
    factors = begun.new_tensor([style_weight(v.region.strength) * v.share for v in views])
    factors = factors / begun.clamp(min=FLOOR)
    return Distance(
        (measurement,), lambda values: factors @ gaussian_each(Moments(*values[0]), target)
    )
