"""Where one chunk of a shot becomes the next: what both painted, one faded into the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from impasto.film.clip import open_clip
from impasto.film.frame import Frame
from impasto.film.segments import read_segment

__all__ = ["faded", "painted_frames"]


def painted_frames(segment: Path) -> Iterator[Frame]:
    """Yield the frames of a segment as they were written into it, which was without loss.

    Raises:
        PictureError: it cannot be read.
    """
    times = read_segment(segment).times
    for frame in open_clip(segment).frames():
        yield replace(frame, pts=times[frame.index])


def faded(before: Iterable[Frame], after: Iterable[Frame], count: int) -> Iterator[Frame]:
    """Yield the frames of an overlap, from the painting of one chunk to that of the next.

    None of them is of one painting alone: those are the frames on both sides.

    Args:
        before, after: the same frames, as two chunks painted them, in their order.
        count: of these frames.
    """
    for number, (left, right) in enumerate(zip(before, after, strict=True), start=1):
        yield replace(left, pixels=left.pixels.lerp(right.pixels, number / (count + 1)))
