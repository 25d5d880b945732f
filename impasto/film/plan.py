"""A film in chunks: parts that are painted by themselves, by anybody, in any order.

A shot begins afresh, so a chunk never goes beyond one. A long shot is several chunks that overlap:
the frames of an overlap are painted by both, and one painting is faded into the other (`joints`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Chunk", "planned"]


@dataclass(frozen=True)
class Chunk:
    """A part of a film. Frames are counted from the film's first, and a stop is not in it.

    Attributes:
        number: its place among the film's chunks, from 0.
        start, stop: the frames that it paints.
        head: frames at its beginning that the chunk before it paints as well; 0 where a shot
            begins.
        tail: frames at its end that the chunk after it paints as well; 0 where a shot ends.
        shot: start and stop of the shot that it belongs to, whose statistics it is painted with.
    """

    number: int
    start: int
    stop: int
    head: int
    tail: int
    shot: tuple[int, int]

    @property
    def body(self) -> range:
        """The frames that it alone paints."""
        return range(self.start + self.head, self.stop - self.tail)

    @property
    def frames(self) -> range:
        """All frames that it paints."""
        return range(self.start, self.stop)


def planned(shots: Sequence[range], length: int, overlap: int) -> tuple[Chunk, ...]:
    """Return the chunks of a film: the same for the same shots, whoever paints them.

    Args:
        shots: the frames of each, in their order.
        length: frames of a chunk, at most, with its overlaps; more than two overlaps.
        overlap: frames that two chunks of a shot share.
    """
    chunks: list[Chunk] = []
    for shot in shots:
        for start, stop in _parts(shot, length, overlap):
            chunks.append(
                Chunk(
                    number=len(chunks),
                    start=start,
                    stop=stop,
                    head=overlap if start > shot.start else 0,
                    tail=overlap if stop < shot.stop else 0,
                    shot=(shot.start, shot.stop),
                )
            )
    return tuple(chunks)


def _parts(shot: range, length: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Yield start and stop of a shot's chunks, which are equally long, but for a frame."""
    count = max(1, -(-(len(shot) - overlap) // (length - overlap)))
    own = len(shot) - overlap  # frames without the overlap at the end of each chunk
    for i in range(count):
        start = shot.start + own * i // count
        yield start, shot.start + own * (i + 1) // count + overlap
