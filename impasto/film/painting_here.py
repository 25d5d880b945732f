"""Chunks of a film, painted in this process, one after another."""

from __future__ import annotations

from collections.abc import Sequence

from impasto.film.chunk_painting import ChunkPainter
from impasto.film.folder import FilmFolder
from impasto.film.formats import FilmFormat
from impasto.film.frame import Frame
from impasto.film.painter import FilmPainter
from impasto.film.painters import film_painter
from impasto.film.plan import Chunk
from impasto.film.prepared import Film, edges_of
from impasto.film.progress import Tell
from impasto.film.spec import FilmSpec

__all__ = ["chunk_painter_of", "paint_here", "painter_of"]


def paint_here(film: Film, folder: FilmFolder, chunks: Sequence[Chunk], tell: Tell) -> None:
    """Paint chunks into their folders.

    Args:
        tell: is told how much of that is done, from 0 to 1; what it raises ends the painting.

    Raises:
        ImpastoError: something cannot be painted or written.
    """
    if not chunks:
        return
    painter = chunk_painter_of(film.spec, film.film_format)
    total, count = sum(len(chunk.frames) for chunk in chunks), 0

    def watch(frame: Frame) -> None:
        nonlocal count
        count += 1
        place = f"frame {frame.index - film.frames.start + 1}/{len(film.frames)}"
        tell(count / total, place, frame)

    for chunk in chunks:
        painter.paint(chunk, folder.chunk(chunk), watch)


def chunk_painter_of(spec: FilmSpec, film_format: FilmFormat) -> ChunkPainter:
    """Return what paints a film's chunks.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    return ChunkPainter(spec.clip, painter_of(spec), spec.size, film_format, edges_of(film_format))


def painter_of(spec: FilmSpec) -> FilmPainter:
    """Return what paints a film's frames.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    assert spec.config is not None
    return film_painter(spec.sources, spec.config, spec.settings, start=spec.settings.start)
