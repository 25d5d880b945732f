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
from impasto.losses.objective import Features
from impasto.losses.tiled_losses import region_measurement
from impasto.losses.viewer import PictureView, Viewer

__all__ = ["LEAST_CELLS", "NARROW", "Painting", "Style", "inside", "least_short_side", "measure"]

# A region of fewer cells than 3×3 at a layer says nothing about a style there.
LEAST_CELLS = 9.0

# A painting of more pixels is measured in tiles, of so many bytes of activations.
_LARGE, _TILE_BYTES = 1_500_000, 64 * 2**20

# The least cells of a reduced painting along its shorter side, at the deepest layer.
_CELLS_ACROSS = 2

# A region with less than this share of its area inside its edge is all edge.
NARROW = 0.2


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
class Painting:
    """A painting, or a part of it, measured at each size.

    Attributes:
        pixels: in [0, 1].
        mask: 1 for the style's region and 0 elsewhere, of any size; None for all of it.
    """

    pixels: Float[Tensor, "1 3 h w"]
    mask: Float[Tensor, "1 1 mh mw"] | None = None

    @torch.no_grad()
    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        """Return the moments of the painting, reduced to `long_side`; it is never enlarged.

        It stays larger if it would be too small for the deepest of the layers.
        """
        if self.mask is None:
            return measure(self.pixels, long_side, extractor, layers)
        view = _view(self.pixels, long_side, extractor, layers)
        masks = self.masks(long_side, extractor, {name: view.shape(name) for name in layers})
        guides = {n: Guide(mask) for n, mask in masks.items() if float(mask.sum()) >= LEAST_CELLS}
        return _moments(view, guides)

    @torch.no_grad()
    def features_at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> tuple[Features, Mapping[str, Float[Tensor, "_ _"] | None]]:
        """Return the activations at a size, and the mask at the size of each layer."""
        features = extractor(_resized(self.pixels, long_side, extractor, layers), layers)
        if self.mask is None:
            return features, dict.fromkeys(features)
        shapes = {name: (f.shape[-2], f.shape[-1]) for name, f in features.items()}
        return features, dict(self.masks(long_side, extractor, shapes))

    def masks(
        self, long_side: int, extractor: Extractor, shapes: Mapping[str, tuple[int, int]]
    ) -> dict[str, Float[Tensor, "_ _"]]:
        """Return the mask for layers of these shapes."""
        assert self.mask is not None
        height, width = _size_at(self.pixels, long_side, extractor, list(shapes))
        mask = resize(self.mask, height, width).to(extractor.device)
        return {name: inside(pooled(mask, *shape)) for name, shape in shapes.items()}


@torch.no_grad()
def measure(
    pixels: Float[Tensor, "1 3 h w"], long_side: int, extractor: Extractor, layers: Sequence[str]
) -> dict[str, Moments]:
    """Return the moments of a painting's features at a size, as `Painting.at`."""
    return _moments(_view(pixels, long_side, extractor, layers), dict.fromkeys(layers))


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
    inner: Tensor = -F.max_pool2d(-mask[None, None], 3, 1, 1)[0, 0]
    narrow = float(inner.sum()) < max(LEAST_CELLS, NARROW * float(mask.sum()))
    cells = mask if narrow else inner
    majority = cells * (mask > 0.5)
    return majority if float(majority.sum()) >= LEAST_CELLS else cells
