"""Colours as a file describes them besides its ICC profile: encoding, channels, depth."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from impasto.image import avif, jpeg2000, png_colour
from impasto.image.cicp import Conversion
from impasto.image.pixel_modes import Words
from impasto.image.samples import ORIENTATION, turned

__all__ = ["arranged", "conversion", "deep"]


def conversion(path: Path, image: Image.Image, name: str) -> Conversion | None:
    """Return what turns the decoded colours into sRGB; None if they are, or have a profile.

    Args:
        image: the file, opened by Pillow; what it says of colours that do not count is removed.
        name: of the file, for messages.
    """
    reader = {"PNG": png_colour.conversion, "AVIF": avif.conversion}.get(image.format or "")
    return None if reader is None else reader(path, image, name)


def arranged(path: Path, image: Image.Image, name: str) -> Image.Image:
    """Return the picture with its channels as the file defines them.

    Args:
        image: the file, opened by Pillow.
        name: of the file, for messages.
    """
    return jpeg2000.arranged(path, image, name) if image.format == "JPEG2000" else image


def deep(path: Path, image: Image.Image, name: str) -> Words | None:
    """Return all bits of a picture that Pillow decodes at 8, as 16 and upright; None for others.

    Args:
        image: the file, loaded by Pillow and not yet upright.
        name: of the file, for messages.
    """
    reader = {"JPEG2000": jpeg2000.deep, "AVIF": avif.deep}.get(image.format or "")
    if reader is None or (words := reader(path, image, name)) is None:
        return None
    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged; whoever turns the image itself says so
        return words
    upright: Words = turned(words, orientation)
    return upright
