"""A style as a method reads it: the moments of a painting's features, for any size of picture."""

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

__all__ = ["LEAST_CELLS", "NARROW", "Painting", "Style", "inside", "measure"]

# A region of fewer cells than 3×3 at a layer says nothing about a style there.
LEAST_CELLS = 9.0

# A painting of more pixels is looked at in windows, of so many bytes of activations.
_LARGE, _WINDOW = 1_500_000, 64 * 2**20

# A painting is not brought down to fewer cells than this along its shorter side, at the deepest
# layer that looks.
_CELLS_ACROSS = 2

# A region that keeps less than this share of its area without its edge is all edge.
NARROW = 0.2


@runtime_checkable
class Style(Protocol):
    """Anything that knows what a painting's features look like at a given size."""

    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        """Moments of each layer, for a result whose long side has that many pixels.

        A layer at which the style has nothing to say is left out.
        """
        ...


@dataclass(frozen=True)
class Painting:
    """A painting at hand, or a part of it: measured anew at every size.

    Attributes:
        pixels: in [0, 1].
        mask: 1 where the style is taken from and 0 elsewhere, of any size; None for everywhere.
    """

    pixels: Float[Tensor, "1 3 h w"]
    mask: Float[Tensor, "1 1 mh mw"] | None = None

    @torch.no_grad()
    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        """Moments of the painting, its long side brought down to `long_side`; never enlarged.

        It stays larger where the deepest of the layers would hardly see it any more.
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
        """The activations themselves at a size, and the mask as each layer sees it."""
        features = _look(self.pixels, long_side, extractor, layers)
        if self.mask is None:
            return features, dict.fromkeys(features)
        shapes = {name: (f.shape[-2], f.shape[-1]) for name, f in features.items()}
        return features, dict(self.masks(long_side, extractor, shapes))

    def masks(
        self, long_side: int, extractor: Extractor, shapes: Mapping[str, tuple[int, int]]
    ) -> dict[str, Float[Tensor, "_ _"]]:
        """The mask as layers of these shapes see it."""
        assert self.mask is not None
        height, width = _size_at(self.pixels, long_side, extractor, list(shapes))
        mask = resize(self.mask, height, width).to(next(extractor.parameters()).device)
        return {name: inside(pooled(mask, *shape)) for name, shape in shapes.items()}


@torch.no_grad()
def measure(
    pixels: Float[Tensor, "1 3 h w"], long_side: int, extractor: Extractor, layers: Sequence[str]
) -> dict[str, Moments]:
    """Moments of a painting's features at a size, of its own shape, as `Painting.at` has them."""
    return _moments(_view(pixels, long_side, extractor, layers), dict.fromkeys(layers))


def _view(
    pixels: Tensor, long_side: int, extractor: Extractor, layers: Sequence[str]
) -> PictureView:
    """A painting at a size, in windows if it is large: it may be as large as the poster."""
    height, width = _size_at(pixels, long_side, extractor, layers)
    tile = _WINDOW if height * width > _LARGE else 0
    shown = resize(pixels, height, width).to(next(extractor.parameters()).device)
    return Viewer(extractor, tuple(layers), tile).view(shown)


def _moments(view: PictureView, guides: Mapping[str, Guide | None]) -> dict[str, Moments]:
    found = view.measure([region_measurement(name, [guide]) for name, guide in guides.items()])
    return {name: Moments(*parts) for name, parts in zip(guides, found, strict=True)}


def _look(
    pixels: Tensor, long_side: int, extractor: Extractor, layers: Sequence[str]
) -> dict[str, Tensor]:
    height, width = _size_at(pixels, long_side, extractor, layers)
    device = next(extractor.parameters()).device
    seen: dict[str, Tensor] = extractor(resize(pixels, height, width).to(device), layers)
    return seen


def _size_at(
    pixels: Tensor, long_side: int, extractor: Extractor, layers: Sequence[str]
) -> tuple[int, int]:
    """Height and width of a painting at a size; see `Painting.at`."""
    height, width = pixels.shape[-2:]
    short, long = sorted((height, width))
    needed = max(min_side(extractor.plan, layers), _CELLS_ACROSS * extractor.stride(layers))
    factor = min(long, max(long_side, math.ceil(needed * long / short))) / long
    return max(1, round(height * factor)), max(1, round(width * factor))


def inside(mask: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """The mask without the cells along its edge, which see what lies beyond it as well.

    Taken with them, a sky's style has the outlines of what stands before it ("inside guidance" in
    Gatys et al. 2017, section 4). A mask too narrow to do without them is taken as it is. Of two
    masks that sum to one, hardly a cell is in both: it is the one's that has more of it.
    """
    inner: Tensor = -F.max_pool2d(-mask[None, None], 3, 1, 1)[0, 0]
    narrow = float(inner.sum()) < max(LEAST_CELLS, NARROW * float(mask.sum()))
    kept = mask if narrow else inner
    most = kept * (mask > 0.5)
    return most if float(most.sum()) >= LEAST_CELLS else kept
