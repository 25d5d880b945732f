"""A chunk of a film, painted into its files: by this process, or by that of a job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from impasto.film.clip import Clip
from impasto.film.folder import PARTS, ChunkFolder
from impasto.film.formats import FilmFormat
from impasto.film.frame import Frame
from impasto.film.painter import FilmPainter
from impasto.film.plan import Chunk
from impasto.film.segments import write_segment

__all__ = ["ChunkPainter", "sample_of"]

_SAMPLE = 4  # frames of a shot that its statistics are of

Watch = Callable[[Frame], None]


def sample_of(clip: Clip, shot: tuple[int, int], size: int) -> list[Frame]:
    """Return a few frames from all over a shot.

    Args:
        size: long side of the frames, in pixels.
    """
    start, stop = shot
    count = min(_SAMPLE, stop - start)
    places = [start + (stop - start) * (2 * i + 1) // (2 * count) for i in range(count)]
    return [frame for place in places for frame in clip.frames(place, place + 1, size)]


@dataclass
class ChunkPainter:
    """Paints chunks, one after another.

    Attributes:
        clip: what is painted.
        painter: is begun anew for each chunk.
        size: long side of what is painted, in pixels.
        film_format: of the frames that a chunk alone paints.
        edges: of those that two chunks paint: without loss.
    """

    clip: Clip
    painter: FilmPainter
    size: int
    film_format: FilmFormat
    edges: FilmFormat
    _shot: tuple[int, int] | None = None
    _sample: Sequence[Frame] = ()

    def paint(self, chunk: Chunk, folder: ChunkFolder, watch: Watch) -> None:
        """Paint a chunk into its folder, which is emptied first.

        Args:
            watch: is called with each painted frame; what it raises ends the painting.

        Raises:
            ImpastoError: a frame cannot be painted, or a file not be written.
        """
        began = time.monotonic()
        folder.clear()
        if chunk.shot != self._shot:
            self._sample, self._shot = sample_of(self.clip, chunk.shot, self.size), chunk.shot
        self.painter.begin(self._sample)
        frames = _Parted(self._painted(chunk, watch))
        stops = (chunk.body.start, chunk.body.stop, chunk.stop)
        written = [
            part
            for part, stop in zip(PARTS, stops, strict=True)
            if self._write(folder, part, frames.before(stop))
        ]
        missing = sorted(set(chunk.frames) - frames.taken)
        folder.finish(written, missing, seconds=round(time.monotonic() - began, 3))

    def _painted(self, chunk: Chunk, watch: Watch) -> Iterator[Frame]:
        for frame in self.clip.frames(chunk.start, chunk.stop, self.size):
            painted = replace(frame, pixels=self.painter.paint(frame))
            watch(painted)
            yield painted

    def _write(self, folder: ChunkFolder, part: str, frames: Iterator[Frame]) -> bool:
        """Write a part, if there are frames of it; return whether there are."""
        first = next(frames, None)
        if first is None:
            return False
        film_format = self.film_format if part == "body" else self.edges
        write_segment(folder.segment(part), _chained(first, frames), self.clip.info, film_format)
        return True


def _chained(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    del first
    yield from rest


class _Parted:
    """Frames in their order, taken up to one after another."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self._frames = frames
        self._next: Frame | None = None
        self.taken: set[int] = set()

    def before(self, stop: int) -> Iterator[Frame]:
        """Yield those frames that are left and come before one."""
        while True:
            frame = next(self._frames, None) if self._next is None else self._next
            self._next = None
            if frame is None:
                return
            if frame.index >= stop:
                self._next = frame
                return
            self.taken.add(frame.index)
            yield frame
