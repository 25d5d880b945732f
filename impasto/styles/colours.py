"""The colours of a style: the moments of its pixels."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.image.masks import pooled
from impasto.image.picture import fitted, resize
from impasto.losses.gaussians import barycentre
from impasto.losses.guides import Guide
from impasto.losses.moments import Moments, moments
from impasto.losses.statistics import Lift
from impasto.styles.blend import Blend
from impasto.styles.measured import MeasuredStyle
from impasto.styles.statistics import Painting, Style

__all__ = ["colours_of"]


@torch.no_grad()
def colours_of(style: Style, long_side: int) -> Moments | None:
    """Return the moments of a style's red, green and blue; None for a style card, without pixels.

    Args:
        long_side: of the picture to be painted, in pixels; a painting is reduced to it.
    """
    if isinstance(style, MeasuredStyle):
        return colours_of(style.style, long_side)
    if isinstance(style, Painting):
        return _painting_colours(style, long_side)
    return _blended_colours(style, long_side) if isinstance(style, Blend) else None


def _painting_colours(painting: Painting, long_side: int) -> Moments | None:
    height, width = painting.pixels.shape[-2:]
    size = fitted(height, width, min(long_side, max(height, width)))
    weight = _weight(painting, size)
    if weight is not None and not bool(weight.any()):
        return None
    return moments(resize(painting.pixels, *size), None if weight is None else Guide(weight))


def _weight(painting: Painting, size: tuple[int, int]) -> Float[Tensor, "h w"] | None:
    """Return how much each pixel counts; its square is what a guide takes, as for features."""
    parts = [] if painting.mask is None else [pooled(painting.mask.to(painting.pixels), *size)]
    if painting.alpha is not None:
        parts.append(pooled(painting.alpha.to(painting.pixels), *size).sqrt())
    return torch.stack(parts).prod(0) if parts else None


def _blended_colours(blend: Blend, long_side: int) -> Moments | None:
    """Return the barycentre of those styles that give the fine layers, and so the colours."""
    used = [share for share in blend.shares if share.weight > 0 and share.layers != "coarse"]
    measured = [colours_of(share.style, long_side) for share in used]
    known = [part for part in measured if part is not None]
    if not known or len(known) < len(used):
        return None
    return barycentre(
        known, [share.weight for share in used], Lift.identity(3, known[0].mean.device)
    )
