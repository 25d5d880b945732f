"""Painting a photograph with a brush: in one piece, or in parts if it is large."""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.extractor import Extractor
from impasto.losses.moments import Moments
from impasto.networks.brush import Brush
from impasto.networks.decoder import FAINT, MARGIN, Decoder
from impasto.networks.photograph_moments import moments_of, sampled_moments
from impasto.networks.tiles import STEP, Picture, features_of, paint

__all__ = ["LARGEST_AT_ONCE", "faded", "measured", "paint_with"]

# How far, in pixels, the networks see beyond what they paint; a multiple of `STEP`.
HALO = 96

LARGEST_AT_ONCE = 9_500_000
"""Pixels of the largest picture that is painted in one piece."""

# The longest side of a part, in pixels.
_PART = 3072


@torch.no_grad()
def paint_with(
    brush: Brush,
    photograph: Picture,
    extractor: Extractor,
    mask: Float[Tensor, "1 1 _ _"] | None = None,
    *,
    fades: bool = True,
) -> Picture:
    """Paint a photograph with a brush, in parts if it is large, without a seam.

    A part's features are those of the whole picture, as far as any network sees; the photograph's
    moments are measured once for all parts.

    Args:
        photograph: at the size of the result.
        mask: where the photograph's moments are measured; not read by a settled brush.
        fades: to the photograph, at low strengths.
    """
    painted = _painted(brush, photograph, extractor, mask)
    return faded(painted, photograph, brush.strength) if fades else painted


def _painted(
    brush: Brush, photograph: Picture, extractor: Extractor, mask: Tensor | None
) -> Picture:
    height, width = photograph.shape[-2:]
    framed = _framed(photograph, MARGIN)
    if height * width <= LARGEST_AT_ONCE:
        features = features_of(framed, extractor)
        decoder = brush.settled
        if decoder is None:
            decoder = brush.decoder_for(moments_of(features.levels, mask, (height, width)))
        return paint(features, framed, decoder, extractor)[..., :height, :width]
    decoder = brush.settled
    if decoder is None:
        decoder = brush.decoder_for(sampled_moments(photograph, extractor, mask))
    painted = torch.empty_like(photograph)
    for top, bottom in _parts(height):
        for left, right in _parts(width):
            part = _part(framed, (top, bottom), (left, right), decoder, extractor)
            painted[..., top:bottom, left:right] = part
    return painted


@torch.no_grad()
def measured(
    photograph: Picture, extractor: Extractor, mask: Float[Tensor, "1 1 _ _"] | None = None
) -> dict[str, Moments]:
    """Return the moments that a brush which is not settled would paint a photograph by.

    Args:
        mask: where they are measured.
    """
    size = (photograph.shape[-2], photograph.shape[-1])
    if size[0] * size[1] > LARGEST_AT_ONCE:
        return sampled_moments(photograph, extractor, mask)
    return moments_of(features_of(_framed(photograph, MARGIN), extractor).levels, mask, size)


def faded(painted: Picture, photograph: Picture, strength: float) -> Picture:
    """Return the painting, which at low strengths fades to the photograph."""
    if strength >= FAINT:
        return painted
    return torch.lerp(photograph, painted, strength / FAINT)


def _parts(side: int) -> list[tuple[int, int]]:
    """Return where parts of about the same length begin and end along a side."""
    count = -(-side // _PART)
    cuts = [*(side * i // count // STEP * STEP for i in range(count)), side]
    return list(pairwise(cuts))


def _part(
    framed: Picture,
    rows: tuple[int, int],
    columns: tuple[int, int],
    decoder: Decoder,
    extractor: Extractor,
) -> Picture:
    """Paint a part of a picture, with as much around it as the networks see."""
    around, inner = [], []
    for (start, end), side in zip((rows, columns), framed.shape[-2:], strict=True):
        first = max(0, start + MARGIN - HALO)
        around.append(slice(first, min(side, _up(end) + MARGIN + HALO)))
        inner.append(slice(start - first, end - first))
    part = framed[..., around[0], around[1]]
    painted = paint(features_of(part, extractor), part, decoder, extractor)
    return painted[..., inner[0], inner[1]]


def _up(number: int) -> int:
    """Round up to whole steps."""
    return -(-number // STEP) * STEP


def _framed(photograph: Picture, margin: int) -> Picture:
    """Return the picture mirrored into the margin, and up to whole steps."""
    height, width = photograph.shape[-2:]
    below, right = _up(height) - height + margin, _up(width) - width + margin
    mode = "reflect" if min(height, width) > margin + STEP else "replicate"
    return F.pad(photograph, (margin, right, margin, below), mode)
