"""The picture of a library that a drawing is coloured from."""

from __future__ import annotations

from pathlib import Path

from impasto.image.exchange import read
from impasto.image.picture import Picture, fit
from impasto.painting.sources import Source
from impasto.sketch.drawing import drawing_of
from impasto.sketch.library import open_library
from impasto.sketch.retrieval import Match, find

__all__ = ["matches_of"]

# Long side in pixels of a drawing that pictures are found for.
_LOOK = 768


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
    picture = read(drawing)
    if max(picture.width, picture.height) > _LOOK:
        alpha = None if picture.alpha is None else fit(picture.alpha, _LOOK)
        picture = Picture(fit(picture.pixels, _LOOK), alpha)
    lines = drawing_of(picture).lines
    return find(lines, open_library(library), count, like)
