"""Chunks of a film, painted in this process, one after another."""

from __future__ import annotations

from collections.abc import Sequence

from impasto.film.chunk_painting import ChunkPainter
from impasto.film.folder import FilmFolder
from impasto.film.formats import lossless
from impasto.film.frame import Frame
from impasto.film.plan import Chunk
from impasto.film.prepared import Film
from impasto.film.progress import Tell

__all__ = ["chunk_painter_of", "paint_here"]


def paint_here(film: Film, folder: FilmFolder, chunks: Sequence[Chunk], tell: Tell) -> None:
    """Paint chunks into their folders.

    Args:
        tell: is told how much of that is done, from 0 to 1; what it raises ends the painting.

    Raises:
        ImpastoError: something cannot be painted or written.
    """
    if not chunks:
        return
    painter = chunk_painter_of(film)
    total, count = sum(len(chunk.frames) for chunk in chunks), 0

    def watch(frame: Frame) -> None:
        nonlocal count
        count += 1
        place = f"frame {frame.index - film.frames.start + 1}/{len(film.frames)}"
        tell(count / total, place, frame)

    for chunk in chunks:
        painter.paint(chunk, folder.chunk(chunk), watch)
