"""Painting with strokes that grow with the picture: a coarse pass, then a finer one over it.

A network's strokes have a size in pixels. So a large photograph is painted at a size at which they
are as large in the picture as the style's are, and that is enlarged with the photograph's detail.
If it is enlarged far, the strokes are blurred by then, and a second pass paints them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.extractor import Extractor
from impasto.image.picture import fitted, resize
from impasto.image.transparency import continued
from impasto.losses.moments import Moments
from impasto.networks.brush import Brush, brush_of, trained_size
from impasto.networks.brush_painting import faded, measured, paint_with
from impasto.networks.enlarging import enlarged
from impasto.networks.tiles import Picture
from impasto.styles.statistics import Style

__all__ = ["COARSE_SIDE", "Brushes", "PassMoments", "paint_sized", "trained_brushes"]

COARSE_SIDE = 768
"""The long side, in pixels, up to which a photograph is painted in one pass at its own size."""

# The second pass has this share of the result's long side: with both passes painting is then no
# slower than with one pass at the result's size.
_FINE_SHARE = 0.6

Mask = Float[Tensor, "1 1 _ _"]


@dataclass(frozen=True)
class Brushes:
    """A style at a strength, for both passes.

    Attributes:
        coarse, fine: of the first pass and of the second.
        side: the long side of the first pass, in pixels; smaller photographs are painted as they
            are.
    """

    coarse: Brush
    fine: Brush
    side: int = COARSE_SIDE

    @staticmethod
    def of(
        encode: Callable[[int], Brush], long_side: int, stroke: float, *, grows: bool = True
    ) -> Brushes:
        """Encode a style for a result's long side, in pixels, and a size of its strokes.

        Args:
            encode: returns a brush for a long side of the painting.
            grows: whether strokes grow with the picture; otherwise one pass paints any size.
        """
        side = round(COARSE_SIDE / min(1.0, stroke)) if grows else long_side
        coarse = encode(round(min(long_side, side) * stroke))
        fine_side = _fine_side(long_side, side)
        return Brushes(
            coarse, encode(round(fine_side * stroke)) if fine_side > side else coarse, side
        )

    def settled_by(self, moments: PassMoments) -> Brushes:
        """Return brushes that paint every picture as one with these moments.

        Frames of a film that are painted each by its own pump: what comes into one changes all of
        it.
        """
        coarse = self.coarse.settled_for(moments.coarse)
        fine = coarse if moments.fine is None else self.fine.settled_for(moments.fine)
        return Brushes(coarse, fine, self.side)


@torch.no_grad()
def paint_sized(
    brushes: Brushes, photograph: Picture, extractor: Extractor, mask: Mask | None = None
) -> Picture:
    """Paint a photograph, with strokes that are as large in the picture at every size.

    Nothing jumps with the size: the second pass begins at 1.7 times the size of the first, where
    it counts for nothing, and counts for all from 2.5 times on.

    Args:
        photograph: at the size of the result.
        mask: the region to paint. Beyond it the photograph is not looked at: its colours are
            continued instead, so that no neighbour shows in the features of the region's edge.
    """
    if max(photograph.shape[-2:]) <= brushes.side:
        return paint_with(brushes.coarse, _seen(photograph, mask), extractor, mask)
    views = _Views.of(photograph, mask, brushes.side)
    painted = _coarse(brushes, views, extractor)
    if views.share > 0:
        again = paint_with(brushes.fine, painted, extractor, views.middle_mask, fades=False)
        painted = torch.lerp(painted, again, views.share)
    return faded(enlarged(painted, views.middle, photograph), photograph, brushes.coarse.strength)


@dataclass(frozen=True)
class PassMoments:
    """The moments that both passes paint a photograph by.

    Attributes:
        fine: None if there is no second pass.
    """

    coarse: Mapping[str, Moments]
    fine: Mapping[str, Moments] | None

    @staticmethod
    @torch.no_grad()
    def of(
        photograph: Picture, brushes: Brushes, extractor: Extractor, mask: Mask | None = None
    ) -> PassMoments:
        """Measure a photograph.

        Args:
            photograph: of the size of the result.
            brushes: paint the first pass, which the second one sees.
            mask: the region to paint.
        """
        if max(photograph.shape[-2:]) <= brushes.side:
            return PassMoments(measured(_seen(photograph, mask), extractor, mask), None)
        views = _Views.of(photograph, mask, brushes.side)
        coarse = measured(views.small, extractor, views.small_mask)
        if views.share == 0:
            return PassMoments(coarse, None)
        painted = _coarse(brushes, views, extractor)
        return PassMoments(coarse, measured(painted, extractor, views.middle_mask))

    def mixed(self, other: PassMoments, share: float) -> PassMoments:
        """Return the moments of two photographs together, `share` of which is the other's."""
        if self.fine is None or other.fine is None:
            return PassMoments(_mixed(self.coarse, other.coarse, share), None)
        coarse = _mixed(self.coarse, other.coarse, share)
        return PassMoments(coarse, _mixed(self.fine, other.fine, share))


@dataclass(frozen=True)
class _Views:
    """A large photograph as the two passes see it.

    Attributes:
        small, small_mask: of the first pass.
        seen, middle, middle_mask: of the second: with the region's neighbours and without them.
        share: how much the second pass counts.
    """

    small: Picture
    small_mask: Mask | None
    seen: Picture
    middle: Picture
    middle_mask: Mask | None
    share: float

    @staticmethod
    def of(photograph: Picture, mask: Mask | None, side: int) -> _Views:
        fine_side = _fine_side(max(photograph.shape[-2:]), side)
        middle = _reduced(photograph, fine_side)
        middle_mask = None if mask is None else _reduced(mask, fine_side)
        seen = _seen(middle, middle_mask)
        small = _reduced(seen, side)
        small_mask = None if mask is None else _reduced(mask, side)
        share = min(1.0, 2 * (fine_side / side - 1))
        return _Views(small, small_mask, seen, middle, middle_mask, share)


def _coarse(brushes: Brushes, views: _Views, extractor: Extractor) -> Picture:
    """Paint the first pass, at the size of the second."""
    painted = paint_with(brushes.coarse, views.small, extractor, views.small_mask, fades=False)
    return enlarged(painted, views.small, views.seen)


def _mixed(
    first: Mapping[str, Moments], second: Mapping[str, Moments], share: float
) -> dict[str, Moments]:
    return {
        name: Moments(
            torch.lerp(first[name].mean, second[name].mean, share),
            torch.lerp(first[name].second, second[name].second, share),
        )
        for name in first
    }


def _seen(photograph: Picture, mask: Mask | None) -> Picture:
    return photograph if mask is None else _region(photograph, mask)


def trained_brushes(style: Style, strength: float, extractor: Extractor) -> Brushes:
    """Return the brush of a style that a network was trained for, for both passes.

    It paints in one pass up to the size at which the training looked at the painting, and more.

    Raises:
        OptionError: as `brush_of`.
    """
    brush = brush_of(style, strength, extractor)
    return Brushes(brush, brush, max(COARSE_SIDE, trained_size(style)))


def _fine_side(long_side: int, side: int) -> int:
    """Return the long side of the second pass; that of the first if there is no second."""
    return max(min(side, long_side), round(_FINE_SHARE * long_side))


def _reduced(pixels: Float[Tensor, "1 c _ _"], long_side: int) -> Float[Tensor, "1 c _ _"]:
    size = fitted(pixels.shape[-2], pixels.shape[-1], long_side)
    return pixels if pixels.shape[-2:] == size else resize(pixels, *size)


def _region(photograph: Picture, mask: Mask) -> Picture:
    """Return a photograph whose other regions continue the colours at this one's edge."""
    weight = (2 * mask - 1).clamp(min=0)  # a feathered edge has half of its neighbour's pixels
    if not bool(weight.any()):
        return photograph
    # The least of 3×3 pixels: of a hard edge the outermost ones are blends with the neighbour.
    return continued(photograph, -F.max_pool2d(-weight, 3, 1, 1))
