"""Colours that a file describes by other means than an ICC profile, and their depth."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from impasto.image import avif, png_colour
from impasto.image.cicp import Conversion
from impasto.image.pixel_modes import Words
from impasto.image.samples import turned

__all__ = ["conversion", "deep"]

_ORIENTATION = 274  # EXIF's tag


def conversion(path: Path, image: Image.Image) -> Conversion | None:
    """Return what turns the decoded colours into sRGB; None if they are, or have a profile.

    Args:
        image: the file, opened by Pillow; what it says of colours that do not count is removed.
    """
    reader = {"PNG": png_colour, "AVIF": avif}.get(image.format or "")
    return None if reader is None else reader.conversion(path, image)


def deep(path: Path, image: Image.Image) -> Words | None:
    """Return all bits of a picture that Pillow decodes at 8, as 16 and upright; None for others.

    Args:
        image: the file, loaded by Pillow and not yet upright.
    """
    if image.format != "AVIF" or (words := avif.deep(path, image)) is None:
        return None
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged; whoever turns the image itself says so
        return words
    return turned(words, orientation)
