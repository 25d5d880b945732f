"""Chunks of a film, painted in this process, one after another."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from impasto.film.carrying import CarriedMaps
from impasto.film.chunk_painting import ChunkPainter
from impasto.film.folder import TRACKS, FilmFolder
from impasto.film.formats import FilmFormat
from impasto.film.frame import Frame
from impasto.film.key_tracks import KeyTracks
from impasto.film.keyframes import KeyframePainter
from impasto.film.painter import FilmPainter
from impasto.film.painters import film_painter
from impasto.film.plan import Chunk
from impasto.film.prepared import Film, edges_of
from impasto.film.progress import Tell
from impasto.film.shots import shots_of
from impasto.film.spec import FilmSpec, PlacedFile, frames_between
from impasto.image.exchange import read
from impasto.image.transparency import on_white
from impasto.painting.inputs import read_map

__all__ = ["chunk_painter_of", "paint_here", "painter_of", "shots_in_part"]


def paint_here(film: Film, folder: FilmFolder, chunks: Sequence[Chunk], tell: Tell) -> None:
    """Paint chunks into their folders.

    Args:
        tell: is told how much of that is done, from 0 to 1; what it raises ends the painting.

    Raises:
        ImpastoError: something cannot be painted or written.
    """
    if not chunks:
        return
    shots = [range(*shot) for shot in dict.fromkeys(chunk.shot for chunk in film.chunks)]
    tracks = folder.path / TRACKS
    painter = chunk_painter_of(film.spec, film.film_format, shots, tracks)
    total, count = sum(len(chunk.frames) for chunk in chunks), 0

    def watch(frame: Frame) -> None:
        nonlocal count
        count += 1
        place = f"frame {frame.index - film.frames.start + 1}/{len(film.frames)}"
        tell(count / total, place, frame)

    for chunk in chunks:
        painter.paint(chunk, folder.chunk(chunk), watch)


def chunk_painter_of(
    spec: FilmSpec, film_format: FilmFormat, shots: Sequence[range] = (), folder: Path | None = None
) -> ChunkPainter:
    """Return what paints a film's chunks.

    Args:
        shots, folder: as `painter_of` takes them.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    painter = painter_of(spec, shots, folder)
    return ChunkPainter(spec.clip, painter, spec.size, film_format, edges_of(film_format))


def painter_of(
    spec: FilmSpec, shots: Sequence[range] = (), folder: Path | None = None
) -> FilmPainter:
    """Return what paints a film's frames.

    Args:
        shots: those that are painted; found where they are needed and none are given.
        folder: where it is kept how pictures of single frames are carried along; by default one
            that is removed in the end.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    carry = partial(_tracks, spec, shots, folder)
    if spec.config is None:
        paintings = {key.frame: on_white(read(key.file)) for key in spec.keys}
        return KeyframePainter(carry(spec.keys, "keys"), paintings)
    labels = None
    if spec.maps:
        drawn = {one.frame: read_map("content-map", one.file).labels for one in spec.maps}
        labels = CarriedMaps(carry(spec.maps, "maps"), drawn)
    start = spec.settings.start
    return film_painter(spec.sources, spec.config, spec.settings, labels=labels, start=start)


def _tracks(
    spec: FilmSpec,
    shots: Sequence[range],
    folder: Path | None,
    placed: Sequence[PlacedFile],
    name: str,
) -> KeyTracks:
    """Return how frames follow from those that pictures were given of."""
    shots = shots or shots_in_part(spec)
    keys = [one.frame for one in placed if any(one.frame in shot for shot in shots)]
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="impasto-film-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tracks = KeyTracks(spec.clip, keys, shots, folder / name)
    tracks.check(range(shots[0].start, shots[-1].stop))
    return tracks


def shots_in_part(spec: FilmSpec) -> list[range]:
    """Return the shots of the part of a film that is painted."""
    frames = frames_between(spec.clip, spec.settings)
    return shots_of(spec.clip, frames.start, frames.stop)
