"""A picture in memory: its pixels as a tensor, and its transparency beside them."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import OptionError, PictureError

__all__ = ["Picture", "fit", "fitted", "resize"]


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        pixels: sRGB (encoded, not linear) in [0, 1], float32. Under transparent places it holds
            whatever colour the file has there.
        alpha: 0 = transparent, 1 = opaque; None for a picture without transparency.

    Raises:
        PictureError: the two differ in size.
    """

    pixels: Float[Tensor, "1 3 h w"]
    alpha: Float[Tensor, "1 1 h w"] | None = None

    def __post_init__(self) -> None:
        if self.alpha is not None and self.alpha.shape[-2:] != self.pixels.shape[-2:]:
            raise PictureError(
                f"The alpha channel measures {_size(self.alpha)} and the pixels "
                f"{_size(self.pixels)}: resize one to the other."
            )

    @property
    def width(self) -> int:
        """Columns."""
        return self.pixels.shape[-1]

    @property
    def height(self) -> int:
        """Rows."""
        return self.pixels.shape[-2]


def fit(pixels: Float[Tensor, "b c h w"], long_side: int) -> Float[Tensor, "b c _ _"]:
    """The picture in the same proportions, its long side as asked, up or down; each side ≥ 1.

    Raises:
        OptionError: `long_side` is not positive.
    """
    if long_side < 1:
        raise OptionError(f"A long side of {long_side} is not possible: give 1 or more.")
    height, width = pixels.shape[-2:]
    return resize(pixels, *fitted(height, width, long_side))


def fitted(height: int, width: int, long_side: int) -> tuple[int, int]:
    """Height and width in the same proportions, the longer of them as asked; each ≥ 1."""
    factor = long_side / max(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def resize(pixels: Float[Tensor, "b c h w"], height: int, width: int) -> Float[Tensor, "b c _ _"]:
    """The picture at exactly this size: bicubic, averaged when it shrinks, clamped to [0, 1].

    Raises:
        OptionError: a side is not positive.
    """
    if height < 1 or width < 1:
        raise OptionError(f"A picture cannot measure {width}×{height}: give sides of 1 or more.")
    if pixels.shape[-2:] == (height, width):
        return pixels.clamp(0, 1)
    # Bicubic overshoots beside hard edges, hence the clamp.
    resized = F.interpolate(pixels, size=(height, width), mode="bicubic", antialias=True)
    return resized.clamp_(0, 1)


def _size(pixels: Tensor) -> str:
    return f"{pixels.shape[-1]}×{pixels.shape[-2]}"
