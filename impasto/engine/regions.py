"""What a method paints: a photograph, and regions of it with a style and a strength each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.image.masks import pooled
from impasto.losses.guides import Guide
from impasto.losses.moments import Moments
from impasto.losses.viewer import PictureView
from impasto.styles.blend import recurring as only_recurring
from impasto.styles.statistics import LEAST_CELLS, Style, inside

__all__ = ["Region", "RegionView", "region_views", "region_weight"]


@dataclass(frozen=True)
class Region:
    """A part of the picture, and what is painted there.

    Attributes:
        style: None keeps the photograph's pixels as they are.
        strength: from 0, the photograph, to 1, the painting.
        mask: how much of each pixel is the region's, of any size and the picture's shape; the masks
            of a picture's regions sum to one. None for the whole picture.
        name: what messages call it.
    """

    style: Style | None
    strength: float
    mask: Float[Tensor, "1 1 h w"] | None = None
    name: str = ""

    def masked(self, change: Callable[[Tensor], Tensor]) -> Region:
        """Return the region with its mask, if it has one, changed."""
        return self if self.mask is None else replace(self, mask=change(self.mask))


@dataclass(frozen=True)
class RegionView:
    """One region at one scale: what an engine reads to compare a picture with the style.

    Attributes:
        long_side: that of the painting here: the result's long side times the stroke.
        guides: by layer, where the region's style is measured: inside it, without the cells at its
            edge that see its neighbours as well; None for everywhere. A layer at which the region
            is too small to have a style is missing.
        weights: by layer, how much of each cell is the region's; None for all of all cells.
        content: the photograph as the network sees it; None where there is none.
        current: the picture as the scale begins.
        share: of the picture's area.
    """

    region: Region
    long_side: int
    extractor: Extractor
    guides: Mapping[str, Guide | None]
    weights: Mapping[str, Float[Tensor, "_ _"] | None]
    content: PictureView | None
    current: PictureView
    share: float

    @property
    def style(self) -> Style:
        """The region's style."""
        assert self.region.style is not None
        return self.region.style

    def style_moments(
        self, layers: Sequence[str], recurring: Sequence[str] = ()
    ) -> dict[str, Moments]:
        """Return the style's moments at those layers where the region is large enough for one.

        Args:
            recurring: layers at which only what a painting has in several places counts.
        """
        present = [name for name in layers if name in self.guides]
        style = only_recurring(self.style, recurring) if recurring else self.style
        moments = style.at(self.long_side, self.extractor, present) if present else {}
        return {name: part.to(self.extractor.device) for name, part in moments.items()}


def region_views(
    regions: Sequence[Region],
    long_side: int,
    extractor: Extractor,
    content: PictureView | None,
    current: PictureView,
) -> Iterator[RegionView]:
    """Yield each region that is painted, as one scale sees it.

    Args:
        regions: their masks at the size of the canvas.
        long_side: that of a painting, in pixels.
        extractor: sees the painting.
        content, current: the photograph, if there is one, and the picture, as they are seen.
    """
    for region in regions:
        if region.style is None:
            continue
        layers = current.viewer.layers
        weights = {name: region_weight(region, current.shape(name)) for name in layers}
        weights = {n: w for n, w in weights.items() if w is None or float(w.sum()) >= LEAST_CELLS}
        guides = {name: None if w is None else Guide(inside(w)) for name, w in weights.items()}
        share = 1.0 if region.mask is None else float(region.mask.mean())
        yield RegionView(region, long_side, extractor, guides, weights, content, current, share)


def region_weight(region: Region, shape: tuple[int, int]) -> Tensor | None:
    """Return how much of each cell of a layer of that shape is the region's; None for all."""
    return None if region.mask is None else pooled(region.mask, *shape)
