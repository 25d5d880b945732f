"""The picture of a library that a drawing is coloured from."""

from __future__ import annotations

from pathlib import Path

from impasto.image.exchange import read
from impasto.painting.sources import Source
from impasto.sketch.drawing import LOOK, drawing_of, reduced
from impasto.sketch.picture_library import open_library
from impasto.sketch.retrieval import Match, find

__all__ = ["matches_of"]


def matches_of(
    drawing: Source, library: Path | None = None, *, count: int = 12, like: Path | None = None
) -> list[Match]:
    """Return the pictures of a library whose lines are most like a drawing's, the best first.

    Args:
        drawing: a file, a Pillow image or an array.
        library: a folder of pictures or its index; None for the built-in pictures.
        like: a picture whose colours they should have, too.

    Raises:
        ImpastoError: the drawing is none, or the library has no pictures.
    """
    lines = drawing_of(reduced(read(drawing), LOOK)).lines
    return find(lines, open_library(library), count, like)
