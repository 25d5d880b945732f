"""A style that paints pictures in memory: what other programs, and video, build on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import StyledConfig
from impasto.config.methods import FastConfig, InstantConfig
from impasto.config.validation import checked_config
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.networks.brush import Brush, brush_of
from impasto.networks.brush_painting import paint_with
from impasto.networks.checkpoint import load_version
from impasto.networks.decoder import SMALLEST_SIDE
from impasto.painting.common import network_of
from impasto.painting.regions import blended, read_styles, shares_of
from impasto.painting.sources import Sources
from impasto.runtime import LARGEST_KEPT, keep_freed_memory
from impasto.styles.statistics import Style

__all__ = ["Painter", "Stylizer", "fast", "instant"]


@runtime_checkable
class Stylizer(Protocol):
    """Pictures in, as many pictures of the same size out."""

    def __call__(self, pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Paint pictures of sRGB values in [0, 1]."""
        ...


@dataclass(frozen=True)
class Painter:
    """A style that was encoded once; a `Stylizer`."""

    brush: Brush
    extractor: Extractor

    def __call__(self, pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Paint pictures of sRGB values in [0, 1]; they come back on their own device.

        Raises:
            OptionError: a picture too small for the network, or values that are no picture's.
        """
        _check(pictures)
        device = self.extractor.device
        painted = [
            paint_with(self.brush, picture[None].to(device, torch.float32), self.extractor)
            for picture in pictures
        ]
        return torch.cat(painted).to(pictures)


def instant(
    style: Any, *, strength: float | str = 0.5, size: int | str = 512, **options: Any
) -> Painter:
    """Encode a style, to paint any number of pictures with it.

        paint = impasto.instant("painting.jpg")
        batch = paint(batch)  # (B, 3, H, W) in [0, 1]

    Args:
        style: a painting, as `impasto.read` takes one, a style card, or the name of a built-in one;
            or several of them, with weights: `["a.jpg", "b.jpg:0.3"]`.
        strength: from 0, the photograph, to 1, also as `70%`.
        size: the long side of the pictures to come, in pixels: the painting is looked at as large.
        options: `stroke`, `device` and `precision`, as `impasto.stylize` has them.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    config = checked_config(InstantConfig, {"strength": strength, "size": size, **options})
    blend, extractor = _read(style, config)
    long_side = round(config.size * config.stroke)
    network = load_version(config.network)
    brush = Brush.of(blend, config.strength, long_side, extractor, network)
    return Painter(brush, extractor)


def fast(style: Any, *, strength: float | str = 0.5, **options: Any) -> Painter:
    """Load a style that a network was trained for, to paint any number of pictures with it.

        paint = impasto.fast("my-styles.impasto#b")
        batch = paint(batch)  # (B, 3, H, W) in [0, 1]

    Args:
        style: a trained style; or several of one file, with weights: `["a.impasto#a",
            "a.impasto#b:0.3"]`.
        strength: from 0, the photograph, to 1.
        options: `device` and `precision`, as `impasto.stylize` has them.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    if unknown := sorted(options.keys() - {"device", "precision"}):
        raise OptionError(
            f"A trained style does not have {', '.join(unknown)}; it has device and precision."
        )
    config = checked_config(FastConfig, {"strength": strength, **options})
    blend, extractor = _read(style, config)
    return Painter(brush_of(blend, config.strength, extractor), extractor)


def _read(style: Any, config: StyledConfig) -> tuple[Style, Extractor]:
    """Read a style, or several as one, and load the backbone."""
    # Every picture takes the memory of the one before it. Its few largest buffers are returned:
    # kept, they would cost 3840×2160 a sixth more memory and save next to no time (LOG.md).
    keep_freed_memory(LARGEST_KEPT)
    styles = style if isinstance(style, (list, tuple)) else [style]
    sources = Sources.of(None, *styles)
    if not sources.styles:
        raise OptionError("There is no style: give a painting, a style card or a built-in name.")
    extractor, digest = network_of(config, sources, None)
    return blended(shares_of(read_styles(sources, config, extractor, digest)), config), extractor


def _check(pictures: Any) -> None:
    shape = tuple(pictures.shape) if isinstance(pictures, Tensor) else type(pictures).__name__
    if not isinstance(pictures, Tensor) or pictures.dim() != 4 or pictures.shape[1] != 3:
        raise OptionError(f"Pictures come as a tensor (B, 3, height, width), and not as {shape}.")
    if not pictures.is_floating_point():
        raise OptionError(
            f"Pictures are of floating point, from 0 to 1, and not {pictures.dtype}. Divide bytes "
            "by 255."
        )
    if min(pictures.shape[-2:]) < SMALLEST_SIDE:
        raise OptionError(
            f"A picture of {pictures.shape[-1]}×{pictures.shape[-2]} pixels is too small: each "
            f"side takes {SMALLEST_SIDE} or more."
        )
