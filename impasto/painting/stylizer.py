"""A style that paints pictures in memory: what other programs, and video, build on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import StyledConfig
from impasto.config.memory import MemoryPlan
from impasto.config.methods import FastConfig, InstantConfig, QuickConfig
from impasto.config.validation import checked_config
from impasto.engine.regions import Region
from impasto.engine.setup import backbone_of, least_side, with_layers
from impasto.engine.snapshots import Execution
from impasto.engine.step import last
from impasto.engine.together import paint_together
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.methods.gatys import engine_of, recurring_layers
from impasto.methods.instant import brushes_of
from impasto.methods.quick import between
from impasto.methods.quick import quick as paint_one
from impasto.networks.brush import Brush
from impasto.networks.brushes import Brushes, paint_sized, trained_brushes
from impasto.networks.checkpoint import load_version
from impasto.networks.decoder import SMALLEST_SIDE
from impasto.painting.common import network_of
from impasto.painting.regions import blended, read_styles, shares_of
from impasto.painting.sources import Sources
from impasto.runtime import LARGEST_KEPT, keep_freed_memory
from impasto.styles.blend import recurring
from impasto.styles.measured import MeasuredStyle
from impasto.styles.statistics import Style

__all__ = ["Painter", "QuickPainter", "Stylizer", "fast", "instant", "instant_brush", "quick"]

# Pixels of the pictures that `quick` paints together; a picture of more is painted in tiles.
_TOGETHER, _TILE = 2**21, 64 * 2**20

# Options of `quick` that have no meaning for tensors.
_WITHOUT_A_BATCH = {"size", "color", "colour", "match", "region", "feather", "init"}


@runtime_checkable
class Stylizer(Protocol):
    """Pictures in, as many pictures of the same size out."""

    def __call__(self, pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Paint pictures of sRGB values in [0, 1]."""
        ...


@dataclass(frozen=True)
class Painter:
    """A style that was encoded once; a `Stylizer`."""

    brushes: Brushes
    extractor: Extractor

    def __call__(self, pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Paint pictures of sRGB values in [0, 1]; they come back on their own device.

        Raises:
            OptionError: a picture too small for the network, or values that are no picture's.
        """
        _check(pictures, SMALLEST_SIDE)
        device = self.extractor.device
        painted = [
            paint_sized(self.brushes, picture[None].to(device, torch.float32), self.extractor)
            for picture in pictures
        ]
        return torch.cat(painted).to(pictures)


@dataclass(frozen=True)
class QuickPainter:
    """A style that `quick` paints with, measured once for each size of picture; a `Stylizer`.

    Attributes:
        style: as the network that paints at once sees it.
        goal: the same, as the loss sees it.
        config: with its layers filled in.
        extractor: of the losses.
        eye: of the network that paints at once.
    """

    style: Style
    goal: Style
    config: QuickConfig
    extractor: Extractor
    eye: Extractor

    def __call__(self, pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Paint pictures of sRGB values in [0, 1]; they come back on their own device.

        Pictures of about two million pixels together descend at once, and each is painted as
        alone, up to rounding.

        Raises:
            OptionError: a picture too small for the network, or values that are no picture's.
            DivergedError: no step was small enough.
        """
        _check(pictures, max(SMALLEST_SIDE, least_side(self.config)))
        height, width = pictures.shape[-2:]
        config = replace(self.config, size=max(height, width))
        count = max(1, _TOGETHER // (height * width))
        parts = torch.split(pictures.to(self.extractor.device, torch.float32), count)
        return torch.cat([self._painted(part, config) for part in parts]).to(pictures)

    def _painted(self, pictures: Tensor, config: QuickConfig) -> Tensor:
        region = Region(self.goal, config.strength)
        brushes = brushes_of(
            self.style, config.strength, config=config, long_side=config.size, extractor=self.eye
        )
        painted = torch.cat(
            [paint_sized(brushes, part, self.eye) for part in torch.split(pictures, 1)]
        )
        if pictures[0, 0].numel() > _TOGETHER:
            steps = paint_one(
                pictures,
                self.goal,
                config,
                extractor=self.extractor,
                start=painted,
                execution=Execution(MemoryPlan(_TILE)),
            )
            return last(steps).image()
        starts = between(pictures, painted, [region])
        return paint_together(pictures, starts, region, engine_of(config), config, self.extractor)


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
    brushes = brushes_of(
        blend, config.strength, config=config, long_side=config.size, extractor=extractor
    )
    return Painter(brushes, extractor)


def instant_brush(style: Any, **options: Any) -> tuple[Brush, Extractor]:
    """Encode a style for one pass over pictures of any size; the arguments are those of `instant`.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    config = checked_config(InstantConfig, options)
    blend, extractor = _read(style, config)
    long_side = round(config.size * config.stroke)
    network = load_version(config.network)
    return Brush.of(blend, config.strength, long_side, extractor, network), extractor


def quick(style: Any, *, strength: float | str = 0.5, **options: Any) -> QuickPainter:
    """Read a style, to paint any number of pictures by a few evaluations of the loss.

        paint = impasto.quick("painting.jpg")
        batch = paint(batch)  # (B, 3, H, W) in [0, 1]

    Pictures are painted at their own size.

    Args:
        style: as `instant` takes one, or several.
        strength: from 0, the photograph, to 1, also as `70%`.
        options: `iterations` and others of `--method quick`, but for its size, colours and regions.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    if unknown := sorted(options.keys() & _WITHOUT_A_BATCH):
        raise OptionError(
            f"A batch of tensors does not take {', '.join(unknown)}: it is painted at its own size "
            "in the painting's colours. Use impasto.stylize(..., method='quick')."
        )
    config = with_layers(checked_config(QuickConfig, {"strength": strength, **options}))
    style, extractor = _read(style, config)
    eye = backbone_of(InstantConfig(device=config.device, precision=config.precision))
    goal = recurring(style, recurring_layers(config))
    return QuickPainter(MeasuredStyle(style), MeasuredStyle(goal), config, extractor, eye)


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
    return Painter(trained_brushes(blend, config.strength, extractor), extractor)


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


def _check(pictures: Any, least: int) -> None:
    shape = tuple(pictures.shape) if isinstance(pictures, Tensor) else type(pictures).__name__
    if not isinstance(pictures, Tensor) or pictures.dim() != 4 or pictures.shape[1] != 3:
        raise OptionError(f"Pictures come as a tensor (B, 3, height, width), and not as {shape}.")
    if not pictures.is_floating_point():
        raise OptionError(
            f"Pictures are of floating point, from 0 to 1, and not {pictures.dtype}. Divide bytes "
            "by 255."
        )
    if min(pictures.shape[-2:]) < least:
        raise OptionError(
            f"A picture of {pictures.shape[-1]}×{pictures.shape[-2]} pixels is too small: each "
            f"side takes {least} or more."
        )
