"""What an index holds of a picture: the lines of all of it and of its subject, and its colours."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from impasto.image.picture import Picture, fit
from impasto.image.reading import read
from impasto.image.transparency import on_white
from impasto.sketch.descriptors import describe, quantised
from impasto.sketch.edges import FRAME, SIDE, framed, photograph_edges
from impasto.sketch.libraries import load_cv2
from impasto.sketch.palettes import palette
from impasto.sketch.subject import rough_subject
from impasto.styles.about import SUFFIX, read_swatch

__all__ = ["BITS", "VIEWS", "Signature", "pack", "read_found", "sign", "sign_file", "unpack"]

VIEWS = 2
"""Rows of each picture: the lines of all of it, and of its subject alone."""

BITS = FRAME * FRAME // 8
"""Bytes of framed lines, with a bit for each pixel."""

_AROUND = 13  # pixels around the subject whose lines are its own
_FEWEST = 60  # pixels of line that a subject has; with fewer, the whole picture counts


@dataclass(frozen=True, eq=False)
class Signature:
    """A row of an index.

    Attributes:
        lines: the descriptor of each view.
        edges: the framed lines of each view, packed into bits.
        colours: its palette.
    """

    lines: UInt8[np.ndarray, "2 1764"]
    edges: UInt8[np.ndarray, "2 2048"]
    colours: UInt8[np.ndarray, "144"]


def read_found(path: Path, short: int | None = None) -> Picture:
    """Read a picture of a library: a file, or the swatch on a built-in style's card.

    Args:
        short: pixels that are enough for the shorter side, as `read` takes them.

    Raises:
        PictureError: it cannot be read.
        StyleError: it is a style card that cannot be read.
    """
    if path.suffix.lower() != SUFFIX:
        return read(path, short=short)
    with Image.open(io.BytesIO(read_swatch(path)), formats=("WEBP",)) as swatch:
        return read(swatch.convert("RGB"))


def sign_file(path: Path) -> Signature:
    """Return the signature of a picture in a file; what is transparent in it counts as white.

    Raises:
        PictureError: it cannot be read.
        StyleError: it is a style card that cannot be read.
        OptionError: the libraries of sketches are not installed.
    """
    pixels = fit(on_white(read_found(path, short=SIDE)), SIDE)
    return sign((pixels[0].permute(1, 2, 0) * 255).round().byte().numpy())


def sign(picture: UInt8[np.ndarray, "h w 3"]) -> Signature:
    """Return the signature of a picture with sRGB levels.

    Raises:
        OptionError: the libraries of sketches are not installed.
    """
    squares = [framed(edges) for edges in _views(picture)]
    lines = np.stack([quantised(describe(square)) for square in squares])
    return Signature(lines, np.stack([pack(square) for square in squares]), palette(picture))


def pack(square: Bool[np.ndarray, "128 128"]) -> UInt8[np.ndarray, "2048"]:
    """Return framed lines in bits."""
    return np.packbits(square.ravel())


def unpack(bits: UInt8[np.ndarray, "2048"]) -> Bool[np.ndarray, "128 128"]:
    """Return framed lines from bits."""
    return np.unpackbits(bits).reshape(FRAME, FRAME).astype(bool)


def _views(picture: UInt8[np.ndarray, "h w 3"]) -> Iterator[Bool[np.ndarray, "_ _"]]:
    """Yield a picture's lines, and those of its subject, or all again if it has no clear one."""
    edges = photograph_edges(picture)
    yield edges
    height, width = edges.shape
    cv2 = load_cv2()
    subject = rough_subject(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
    around = cv2.dilate(subject.astype(np.uint8), np.ones((_AROUND, _AROUND), np.uint8)) > 0
    yield edges & around if (edges & around).sum() >= _FEWEST else edges
