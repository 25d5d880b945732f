"""What paints live pictures: a film's painter, made anew when style, strength or size change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import StyledConfig
from impasto.config.film import FilmSettings
from impasto.config.live import LARGEST, LiveSettings
from impasto.config.methods import FastConfig, InstantConfig
from impasto.config.specs import StyleSpec
from impasto.engine.setup import backbone_of
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.film.frame import Frame
from impasto.film.libraries import load_cv2
from impasto.film.live_sources import Rgb
from impasto.film.painter import FilmPainter
from impasto.film.painters import film_painter
from impasto.image.exchange import read
from impasto.image.picture import Picture, fitted, resize
from impasto.networks.trained_metadata import is_trained
from impasto.painting.kinds import kind_of
from impasto.painting.sources import Sources

__all__ = ["LivePainter", "Look", "look_of"]

_CHANGED = 0.35  # share of the colours by which a scene has become another
_CELLS, _SIDE = 4, 64  # bins of a colour's channel; pixels of what colours are counted on
_WAIT = 10  # pictures for which a scene that has just begun is left alone


@dataclass(frozen=True)
class Look:
    """How live pictures are painted.

    Attributes:
        styles: blended.
        config: of `instant`, or of `fast` for trained styles; its size is not read.
        steady: how firmly a picture keeps to the one before, from 0 to 1.
    """

    styles: tuple[StyleSpec, ...]
    config: StyledConfig
    steady: float = 1.0


def look_of(styles: tuple[StyleSpec, ...], settings: LiveSettings) -> Look:
    """Return a look in some styles, by the method that paints them at once.

    Raises:
        OptionError: there is no style, or trained ones are mixed with others.
    """
    if not styles:
        raise OptionError("There is no style: give a painting, a style card or a built-in name.")
    trained = [is_trained(spec.source) for spec in styles]
    if any(trained) and not all(trained):
        raise OptionError("A trained style is blended with trained ones alone.")
    shared = {name: getattr(settings, name) for name in ("strength", "precision", "device")}
    config: StyledConfig = (
        FastConfig(**shared) if all(trained) else InstantConfig(**shared, stroke=settings.stroke)
    )
    return Look(styles, config, settings.steady)


class LivePainter:
    """Paints pictures one after the other, each by the look and at the size that hold then.

    Args:
        make: returns what paints the frames of a size by a look.

    Attributes:
        is_anew: whether the last picture was the first of a painter, or of a scene: then much was
            made ready, and its time tells nothing of the next.
    """

    def __init__(self, make: Callable[[Look, int], FilmPainter] | None = None) -> None:
        self._make = make or _film_painter
        self._painter: FilmPainter | None = None
        self._key: tuple[Look, tuple[int, int]] | None = None
        self._scene = _Scene()
        self._count = 0
        self.is_anew = True

    def prepare(self, look: Look, size: int) -> None:
        """Load what the first picture needs.

        Raises:
            ImpastoError: the look cannot be painted by.
        """
        load_cv2()  # not from two threads at once, when it is half there for one of them
        self.paint(np.full((size * 9 // 16, size, 3), 128, np.uint8), look, size)
        self._painter = None

    def paint(self, picture: Rgb, look: Look, size: int) -> Rgb:
        """Paint a picture.

        Args:
            size: long side of the painting, in pixels; a smaller picture is not enlarged.

        Raises:
            ImpastoError: the look cannot be painted by.
        """
        height, width = picture.shape[:2]
        sides = fitted(height, width, min(size, max(height, width)))
        small = _reduced(picture, sides)
        frame = Frame(self._count, self._count, 0.0, _pixels(small))
        self._count += 1
        has_changed = self._scene.has_changed(small)
        self.is_anew = self._painter is None or self._key != (look, sides) or has_changed
        if self._painter is None or self._key != (look, sides):
            self._painter = self._make(look, max(sides))
            self._key = look, sides
        if self.is_anew:
            self._painter.begin([frame])
            self._scene.begin(small)
        return _levels(self._painter.paint(frame))


def _film_painter(look: Look, size: int) -> FilmPainter:
    """Return what paints frames of a size by a look."""
    specs = tuple(replace(spec, source=_kept(str(spec.source))) for spec in look.styles)
    config = replace(look.config, size=size)
    return film_painter(
        Sources(styles=specs),
        config,
        FilmSettings(steady=look.steady),
        extractor=_backbone(config.device, config.precision),
    )


@lru_cache(maxsize=2)
def _backbone(device: str, precision: str) -> Extractor:
    return backbone_of(InstantConfig(device=device, precision=precision))


@lru_cache(maxsize=32)
def _kept(source: str) -> str | Picture:
    """Return a painting that is read once, no larger than it is looked at; a card's name as is."""
    if is_trained(source) or kind_of(source, InstantConfig()) != "picture":
        return source
    picture = read(source)
    if picture.alpha is not None or max(picture.width, picture.height) <= LARGEST:
        return picture
    return Picture(resize(picture.pixels, *fitted(picture.height, picture.width, LARGEST)))


class _Scene:
    """Whether what a camera sees has become another scene, by the share of its colours.

    A film painter measures a shot once, so that nothing pumps; a camera that was turned, or a cut,
    begins another.
    """

    def __init__(self) -> None:
        self._colours: np.ndarray | None = None
        self._age = 0

    def begin(self, picture: Rgb) -> None:
        self._colours, self._age = _colours(picture), 0

    def has_changed(self, picture: Rgb) -> bool:
        self._age += 1
        if self._colours is None or self._age < _WAIT:
            return False
        return float(np.abs(_colours(picture) - self._colours).sum()) / 2 > _CHANGED


def _colours(picture: Rgb) -> np.ndarray:
    """Return the share of each colour, coarsely."""
    step = max(1, max(picture.shape[:2]) // _SIDE)
    few = picture[::step, ::step].astype(np.int64) * _CELLS // 256
    index = (few[..., 0] * _CELLS + few[..., 1]) * _CELLS + few[..., 2]
    counts = np.bincount(index.ravel(), minlength=_CELLS**3)
    return np.asarray(counts / index.size)


def _reduced(picture: Rgb, sides: tuple[int, int]) -> Rgb:
    if picture.shape[:2] == sides:
        return picture
    cv2 = load_cv2()
    return np.asarray(cv2.resize(picture, sides[::-1], interpolation=cv2.INTER_AREA))


def _pixels(picture: Rgb) -> Float[Tensor, "1 3 h w"]:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float().div(255)


def _levels(pixels: Float[Tensor, "1 3 h w"]) -> Rgb:
    levels = pixels[0].detach().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)
    return np.ascontiguousarray(levels.cpu().numpy())
