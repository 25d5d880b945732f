"""What a warm process does for a camera: a JPEG file in, the same painted out."""

from __future__ import annotations

import base64
import io
import time
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from impasto.config.fields import from_dict
from impasto.config.live import LiveSettings
from impasto.config.specs import StyleSpec
from impasto.errors import PictureError
from impasto.film.live_painter import LivePainter, Look, look_of
from impasto.film.live_size import SizeController
from impasto.film.live_sources import Rgb

__all__ = ["painted"]

_LONGEST = 2048  # pixels of a side: pages send the size that they are told
_QUALITY = 85


class _Sitting:
    """What one browser's camera is painted by.

    Attributes:
        wanted: what the browser asked for.
    """

    def __init__(self, name: str) -> None:
        self.name, self.wanted = name, ()
        self.painter = LivePainter()
        self.look: Look
        self.sizes: SizeController
        self._kept: tuple[Any, ...] = ()

    def want(self, styles: list[list[Any]], options: dict[str, Any], long_side: int) -> None:
        """Take up how the next pictures are painted; the size goes on if nothing is said of it."""
        settings = from_dict(LiveSettings, options)
        specs = tuple(StyleSpec(source, weight, layers) for source, weight, layers in styles)
        self.look = look_of(specs, settings)
        kept = (settings.size, settings.rate, long_side)
        if kept != self._kept:
            self.sizes = SizeController(settings.rate, long_side, settings.size)
            self._kept = kept


_sitting = _Sitting("")


def painted(
    sitting: str, styles: list[list[Any]], options: dict[str, Any], long_side: int, jpeg: str
) -> dict[str, Any]:
    """Return a painted picture, the size of the next, and the seconds that it took.

    Args:
        sitting: another one begins anew.
        styles: source, weight and layers of each.
        options: of `LiveSettings`.
        long_side: of the camera's own pictures.
        jpeg: the picture's file, in base64.

    Raises:
        ImpastoError: it is no picture, or cannot be painted in these styles.
    """
    global _sitting
    began = time.perf_counter()
    if _sitting.name != sitting:
        _sitting = _Sitting(sitting)
    _sitting.want(styles, options, long_side)
    sizes, painter = _sitting.sizes, _sitting.painter
    size = sizes.size
    painting = painter.paint(_read(base64.b64decode(jpeg)), _sitting.look, size)
    answer = {"jpeg": _written(painting), "width": painting.shape[1], "height": painting.shape[0]}
    seconds = time.perf_counter() - began
    if not painter.is_anew and max(painting.shape) == size:
        sizes.note(seconds)
    return {**answer, "size": sizes.size, "seconds": round(seconds, 4)}


def _read(file: bytes) -> Rgb:
    try:
        with Image.open(io.BytesIO(file), formats=["JPEG"]) as image:
            if max(image.size) > _LONGEST:
                raise PictureError(f"A live picture has at most {_LONGEST} pixels a side.")
            return np.array(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, ValueError) as problem:
        raise PictureError(f"A live picture is a JPEG file, and this is none: {problem}.") from None


def _written(painting: Rgb) -> str:
    file = io.BytesIO()
    Image.fromarray(painting).save(file, "JPEG", quality=_QUALITY)
    return base64.b64encode(file.getvalue()).decode("ascii")
