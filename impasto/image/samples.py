"""Numbers as decoders return them: scaled by their range, and freed of their alpha."""

from __future__ import annotations

import numpy as np
from jaxtyping import Shaped

from impasto.image.pixel_modes import Levels

__all__ = ["ORIENTATION", "levels", "straight", "turned"]

ORIENTATION = 274
"""The tag of TIFF and EXIF whose value `turned` takes."""

_BAND = 64  # rows that are converted at a time


def levels(values: np.ndarray, bits: int) -> Levels:
    """Return whole numbers of up to 16 bits as all 8 or 16 bits of a level.

    Args:
        values: (height, width, channels), 0 to 2**bits - 1.
        bits: of each; up to 4 and 8 become 8 bits, all others 16.
    """
    if bits in (8, 16):
        return values
    numbers = np.arange(2**bits) / (2**bits - 1)
    # All levels of 1, 2 and 4 bits are levels of 8.
    top, kind = (255, np.uint8) if bits in (1, 2, 4) else (65535, np.uint16)
    table = (numbers * top).round().astype(kind)
    scaled: Levels = table.take(values, mode="clip")
    return scaled


def straight(colours: Levels, alpha: Levels) -> Levels:
    """Return colours that were multiplied by their alpha (premultiplied, associated) without it."""
    top = 1.0 if colours.dtype == np.float32 else float(np.iinfo(colours.dtype).max)
    divided = np.empty(colours.shape, colours.dtype)
    for first in range(0, len(colours), _BAND):
        rows = slice(first, first + _BAND)
        share = alpha[rows].astype(np.float32) / np.float32(top)
        band = colours[rows] / np.where(share > 0, share, 1)
        divided[rows] = band if top == 1 else band.clip(0, top).round()
    return divided.clip(0, 1) if top == 1 else divided


def turned(values: Levels, orientation: int) -> Shaped[np.ndarray, "_ _ _"]:
    """Return a picture upright: TIFF 6.0 and EXIF 2.32, tag 274; other numbers than 2 to 8 are 1.

    Orientation n means that the file's first row and column are shown at these sides: 1 top left,
    2 top right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom,
    8 left bottom.
    """
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values
