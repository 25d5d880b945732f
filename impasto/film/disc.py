"""How much room a film takes while it is painted."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from impasto.errors import PictureError
from impasto.film.plan import Chunk

__all__ = ["bytes_needed", "check_room", "in_words"]

# Bytes a pixel, of painted frames, which compress worse than photographed ones.
_CODED, _LOSSLESS = 0.4, 2.5


def bytes_needed(chunks: Sequence[Chunk], pixels: int, *, is_lossless: bool) -> int:
    """Return how much room a film takes at most: its chunks, and all of it joined.

    Args:
        pixels: of a frame.
        is_lossless: whether its chunks are kept without loss, as for pictures or a GIF.
    """
    own = sum(len(chunk.body) + chunk.tail for chunk in chunks)
    shared = sum(chunk.head + chunk.tail for chunk in chunks)
    each = _LOSSLESS if is_lossless else _CODED
    return round(pixels * (2 * each * own + _LOSSLESS * shared))


def check_room(needed: int, folder: Path) -> None:
    """Check that a disc has room for a film.

    Args:
        needed: in bytes.
        folder: that it goes into, which need not exist yet.

    Raises:
        PictureError: it does not.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise PictureError(
            f"The film may take {in_words(needed)} while it is painted, and {there} has "
            f"{in_words(free)} free. Make room, choose another folder with --out, or a smaller "
            "--size."
        )


def in_words(size: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
