"""The colours of an AVIF that are not sRGB's: its code points, and its 10 or 12 bits.

Pillow decodes to 8 bits, in which a high dynamic range has steps that can be seen.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from impasto.image.bmff import ColourInformation, colour_information
from impasto.image.cicp import CodePoints, Conversion, to_srgb
from impasto.image.pixel_modes import Words
from impasto.image.samples import levels
from impasto.installation import install_hint

__all__ = ["conversion", "deep"]

_log = logging.getLogger(__name__)


def conversion(path: Path, image: Image.Image, name: str) -> Conversion | None:
    """Return what turns the decoded colours into sRGB; None if they are, or have a profile.

    A profile takes precedence over code points (HEIF, ISO/IEC 23008-12, 6.5.5).

    Args:
        image: the file, opened by Pillow.
        name: of the file, for messages.
    """
    points = _other_points(colour_information(path), image)
    return None if points is None else partial(to_srgb, points=points, name=name)


def deep(path: Path, image: Image.Image, name: str) -> Words | None:
    """Return the colours of a picture of 10 or 12 bits, and its alpha, at 16 bits.

    As the file has them: not upright. None for a picture of 8 bits, for one whose values are sRGB's
    already, and without imagecodecs, which the log says.

    Args:
        image: the file, opened by Pillow, by which the size was checked.
        name: of the file, for messages.
    """
    information = colour_information(path)
    bits = information.bits
    if bits not in (10, 12) or _other_points(information, image) is None:
        return None
    try:
        from imagecodecs import avif_decode
    except ImportError:
        _log.warning(
            "%s has %d bits, of which 8 are read: `%s` reads all.",
            name, bits, install_hint("codecs"),
        )  # fmt: skip
        return None
    try:
        values = np.asarray(avif_decode(path.read_bytes(), index=0))
    except Exception as problem:  # of many kinds; Pillow reads it, or says what is wrong
        _log.info("%s: read at 8 bits (%s).", name, problem)
        return None
    values = values if values.ndim == 3 else values[..., None]
    if values.dtype != np.uint16 or values.shape[:2] != image.size[::-1]:
        return None
    return _widened(values, bits)


def _other_points(information: ColourInformation, image: Image.Image) -> CodePoints | None:
    """Return the code points that count; None for sRGB's, and where a profile counts."""
    points = information.points
    has_profile = information.has_profile or bool(image.info.get("icc_profile"))
    return None if points is None or points.is_srgb or has_profile else points


def _widened(values: np.ndarray, bits: int) -> Words:
    # Grey, perhaps with alpha, becomes RGB.
    channels = {1: [0, 0, 0], 2: [0, 0, 0, 1]}.get(values.shape[-1], slice(None))
    words: Words = levels(values, bits)[..., channels]
    return words
