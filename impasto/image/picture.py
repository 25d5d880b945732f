"""A picture in memory: its pixels and its transparency as tensors."""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import OptionError, PictureError
from impasto.image.metadata import Metadata

__all__ = ["Picture", "fit", "fitted", "resize"]


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        pixels: sRGB (encoded, not linear) in [0, 1], float32. Transparent pixels have the
            colour that the file has there.
        alpha: 0 = transparent, 1 = opaque; None for a picture without transparency.
        metadata: what its file said beside the pixels, which `write` passes on.

    Raises:
        PictureError: the two have different sizes.
    """

    pixels: Float[Tensor, "1 3 h w"]
    alpha: Float[Tensor, "1 1 h w"] | None = None
    metadata: Metadata = field(default=Metadata(), repr=False)

    def __post_init__(self) -> None:
        if self.alpha is not None and self.alpha.shape[-2:] != self.pixels.shape[-2:]:
            raise PictureError(
                f"The alpha channel measures {_size(self.alpha)} and the pixels "
                f"{_size(self.pixels)}: resize one to the other."
            )

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.pixels.shape[-1]

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.pixels.shape[-2]


def fit(pixels: Float[Tensor, "b c h w"], long_side: int) -> Float[Tensor, "b c _ _"]:
    """Resize the picture in its proportions to a long side, larger or smaller; each side ≥ 1.

    Raises:
        OptionError: `long_side` is not positive.
    """
    if long_side < 1:
        raise OptionError(f"A long side of {long_side} is not possible: give 1 or more.")
    height, width = pixels.shape[-2:]
    return resize(pixels, *fitted(height, width, long_side))


def fitted(height: int, width: int, long_side: int) -> tuple[int, int]:
    """Return height and width in the same proportions for a long side; each ≥ 1."""
    factor = long_side / max(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def resize(pixels: Float[Tensor, "b c h w"], height: int, width: int) -> Float[Tensor, "b c _ _"]:
    """Resize the picture to exactly this size: bicubic, antialiased, clamped to [0, 1].

    Raises:
        OptionError: a side is not positive.
    """
    if height < 1 or width < 1:
        raise OptionError(f"A picture cannot measure {width}×{height}: give sides of 1 or more.")
    if pixels.shape[-2:] == (height, width):
        return pixels.clamp(0, 1)
    # Bicubic interpolation overshoots at hard edges, hence the clamp.
    resized = F.interpolate(pixels, size=(height, width), mode="bicubic", antialias=True)
    return resized.clamp_(0, 1)


def _size(pixels: Tensor) -> str:
    return f"{pixels.shape[-1]}×{pixels.shape[-2]}"
