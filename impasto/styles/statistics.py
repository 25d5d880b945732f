"""A style: the moments of a painting's features, for any size of picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.extractor import Extractor
from impasto.features.plan import min_side
from impasto.image.masks import pooled
from impasto.image.picture import resize
from impasto.losses.guides import Guide
from impasto.losses.moments import Moments
from impasto.losses.recurrence import modesty, recurrence
from impasto.losses.statistics import lift_of
from impasto.losses.tiled_losses import region_measurement
from impasto.losses.viewer import PictureView, Viewer

__all__ = [
    "LEAST_CELLS",
    "NARROW",
    "FeatureMap",
    "Painting",
    "Style",
    "inside",
    "least_short_side",
]

# A region of fewer cells than 3×3 at a layer says nothing about a style there.
LEAST_CELLS = 9.0

# A painting of more pixels is measured in tiles, of so many bytes of activations.
_LARGE, _TILE_BYTES = 1_500_000, 64 * 2**20

# The least cells of a reduced painting along its shorter side, at the deepest layer.
_CELLS_ACROSS = 2

# Long side, in pixels, of the painting whose places are compared: there a cell of the deepest layer
# sees a face as a whole. In a larger one it sees an eye, and something is always like that.
_WHOLE = 128

# A region with less than this share of its area inside its edge is all edge.
NARROW = 0.2


Cells = Float[Tensor, "_ _"]


@runtime_checkable
class Style(Protocol):
    """Anything that has the moments of a painting's features at any size."""

    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        """Return the moments of layers, for a result whose long side has that many pixels.

        A layer that the style does not cover is left out.
        """
        ...


@dataclass(frozen=True)
class FeatureMap:
    """A layer's activations of a painting.

    Attributes:
        mask: how much of each cell is the style's region; None for all.
        opacity: how much each cell counts; None for 1.
    """

    features: Float[Tensor, "1 c h w"]
    mask: Cells | None
    opacity: Cells | None


@dataclass(frozen=True)
class Painting:
    """A painting, or a part of it, measured at each size.

    Attributes:
        pixels: in [0, 1].
        mask: 1 for the style's region and 0 elsewhere, of any size; None for all of it.
        alpha: how much each pixel counts: its opacity; None for 1.
        recurring: layers at which places count only as far as they recur (`recurrence`).
    """

    pixels: Float[Tensor, "1 3 h w"]
    mask: Float[Tensor, "1 1 mh mw"] | None = None
    alpha: Float[Tensor, "1 1 h w"] | None = None
    recurring: tuple[str, ...] = ()

    @torch.no_grad()
    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        """Return the moments of the painting, reduced to `long_side`; it is never enlarged.

        It stays larger if it would be too small for the deepest of the layers.
        """
        view = _view(self.pixels, long_side, extractor, layers)
        shapes = {name: view.shape(name) for name in layers}
        guides = self._guides(long_side, extractor, shapes)
        if narrowed := guides.keys() & set(self.recurring):
            share = self._recurrence(long_side, extractor)
            guides |= {name: _narrowed(guides[name], share, shapes[name]) for name in narrowed}
        return _moments(view, guides)

    def _recurrence(self, long_side: int, extractor: Extractor) -> Cells:
        """Return how much each place is style, as the deepest of the layers sees it."""
        name = max(self.recurring, key=extractor.names.index)
        side = min(long_side, _WHOLE)
        view = _view(self.pixels, side, extractor, [name])
        features, lift = view.features([name])[name], lift_of(extractor, name)
        guide = self._guides(side, extractor, {name: view.shape(name)}).get(name)
        return recurrence(features, lift) * modesty(
            features, lift, None if guide is None else guide.mask
        )

    @torch.no_grad()
    def features_at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> dict[str, FeatureMap]:
        """Return the activations at a size, with mask and opacity at the size of each layer."""
        features = extractor(_resized(self.pixels, long_side, extractor, layers), layers)
        shapes = {name: (f.shape[-2], f.shape[-1]) for name, f in features.items()}
        masks = self.masks(long_side, extractor, shapes)
        opacities = self.opacities(long_side, extractor, shapes)
        return {n: FeatureMap(f, masks.get(n), opacities.get(n)) for n, f in features.items()}

    def masks(
        self, long_side: int, extractor: Extractor, shapes: Mapping[str, tuple[int, int]]
    ) -> dict[str, Cells]:
        """Return the mask for layers of these shapes; none if it is all of the painting."""
        if self.mask is None:
            return {}
        mask = resize(self.mask, *_size_at(self.pixels, long_side, extractor, list(shapes)))
        mask = mask.to(extractor.device)
        return {name: inside(pooled(mask, *shape)) for name, shape in shapes.items()}

    def opacities(
        self, long_side: int, extractor: Extractor, shapes: Mapping[str, tuple[int, int]]
    ) -> dict[str, Cells]:
        """Return the opacity for layers of these shapes; none if all of the painting is opaque.

        A cell next to transparent ones counts as they do: its features depend on them.
        """
        if self.alpha is None:
            return {}
        alpha = resize(self.alpha, *_size_at(self.pixels, long_side, extractor, list(shapes)))
        alpha = alpha.to(extractor.device)
        return {name: _inner(pooled(alpha, *shape)) for name, shape in shapes.items()}

    def _guides(
        self, long_side: int, extractor: Extractor, shapes: Mapping[str, tuple[int, int]]
    ) -> dict[str, Guide | None]:
        """Return where each layer is measured; a layer with too few cells of the mask is missing.

        The square of a guide is what a cell counts, hence the root of its opacity.
        """
        masks = self.masks(long_side, extractor, shapes)
        masks = {n: mask for n, mask in masks.items() if float(mask.sum()) >= LEAST_CELLS}
        opacities = self.opacities(long_side, extractor, shapes)
        weights = {name: opacity.sqrt() for name, opacity in opacities.items()}
        if self.mask is not None:
            weights = {n: mask * weights[n] if weights else mask for n, mask in masks.items()}
        elif not weights:
            return dict.fromkeys(shapes)
        return {name: Guide(weight) for name, weight in weights.items()}


def _narrowed(guide: Guide | None, share: Cells, shape: tuple[int, int]) -> Guide | None:
    """Return a guide with cells counting by their share; as it was if that leaves next to none.

    Args:
        share: of a grid of any size.
        shape: of the guide's layer.
    """
    size = list(shape)
    share = F.interpolate(share[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    mask = torch.ones_like(share) if guide is None else guide.mask
    narrowed = Guide(mask * share.sqrt())
    least = max(LEAST_CELLS, NARROW * float(mask.square().sum()))
    return narrowed if narrowed.total >= least else guide


def _view(
    pixels: Tensor, long_side: int, extractor: Extractor, layers: Sequence[str]
) -> PictureView:
    """Return the view of a painting at a size, in tiles if it is large."""
    picture = _resized(pixels, long_side, extractor, layers)
    tile = _TILE_BYTES if picture[0, 0].numel() > _LARGE else 0
    return Viewer(extractor, tuple(layers), tile).view(picture)


def _resized(pixels: Tensor, long_side: int, extractor: Extractor, layers: Sequence[str]) -> Tensor:
    size = _size_at(pixels, long_side, extractor, layers)
    return resize(pixels, *size).to(extractor.device)


def _moments(view: PictureView, guides: Mapping[str, Guide | None]) -> dict[str, Moments]:
    values = view.measure([region_measurement(name, [guide]) for name, guide in guides.items()])
    return {name: Moments(*parts) for name, parts in zip(guides, values, strict=True)}


def _size_at(
    pixels: Tensor, long_side: int, extractor: Extractor, layers: Sequence[str]
) -> tuple[int, int]:
    """Return height and width of a painting at a size; see `Painting.at`."""
    height, width = pixels.shape[-2:]
    short, long = sorted((height, width))
    needed = least_short_side(extractor, layers)
    factor = min(long, max(long_side, math.ceil(needed * long / short))) / long
    return max(1, round(height * factor)), max(1, round(width * factor))


def least_short_side(extractor: Extractor, layers: Sequence[str]) -> int:
    """Return the pixels below which the short side of a painting is not reduced."""
    return max(min_side(extractor.plan, layers), _CELLS_ACROSS * extractor.stride(layers))


def inside(mask: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Return the mask without the cells along its edge, whose features depend on what is beyond it.

    With them a sky's style would have the outlines of what is in front of it ("inside guidance" in
    Gatys et al. 2017, section 4). A mask too narrow without them is returned as it is. Of two masks
    that sum to one, nearly no cell is in both: it belongs to the one that has more of it.
    """
    cells = _inner(mask)
    majority = cells * (mask > 0.5)
    return majority if float(majority.sum()) >= LEAST_CELLS else cells


def _inner(mask: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Return the least value around each cell; the mask itself if that leaves too little of it."""
    inner: Tensor = -F.max_pool2d(-mask[None, None], 3, 1, 1)[0, 0]
    narrow = float(inner.sum()) < max(LEAST_CELLS, NARROW * float(mask.sum()))
    return mask if narrow else inner
