"""A film's shots: where one picture is cut to another, which has nothing to do with it.

A cut is found by what the flow cannot explain: small frames are warped onto the next ones, and what
differs then is small in a pan and in a fade, and large at a cut and in a flash. After a flash the
picture comes back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Protocol, runtime_checkable

import numpy as np

from impasto.film.frame import Frame
from impasto.film.libraries import load_cv2
from impasto.film.search import Bytes, in_bytes, moved, one_way, size_for

__all__ = ["Readable", "shots_in", "shots_of"]

_SIDE = 160  # the long side of the frames that are compared

_LEAST = 0.2  # in standard deviations of the frame: the least difference of a cut, along the flow
_FLAT = 0.04  # of the values' range: the least deviation counted, as a flat frame is mostly noise
_TIMES = 2.5  # how often it is that of its neighbours, at least: fast motion has such neighbours
_NEIGHBOURS = 4  # differences on each side
_APART = 3  # frames from one cut to the next, at least
_FLASH = 5  # frames within which the picture comes back after a flash


@runtime_checkable
class Readable(Protocol):
    """What frames can be read from, such as a `Clip`."""

    def frames(
        self, start: int = 0, stop: int | None = None, size: int | None = None
    ) -> Iterator[Frame]:
        """Yield the frames from `start` to before `stop`, at a long side of `size`."""
        ...


def shots_of(clip: Readable, start: int = 0, stop: int | None = None) -> list[range]:
    """Find the shots of a clip, or of its frames from `start` to before `stop`."""
    return shots_in(clip.frames(start, stop, size=_SIDE))


def shots_in(frames: Iterable[Frame]) -> list[range]:
    """Find the shots of frames in a row: the indices of each one's frames, from first to last.

    Frames are looked at once and not kept, so the memory is that of a few small ones.

    Raises:
        OptionError: OpenCV is not installed.
    """
    indices, unlike, flashes = _differences(frames)
    if not indices:
        return []
    cuts = [indices[i] for i in _cuts(unlike) if i not in flashes]
    bounds = [indices[0], *cuts, indices[-1] + 1]
    return [range(first, after) for first, after in pairwise(bounds)]


def _differences(frames: Iterable[Frame]) -> tuple[list[int], list[float], set[int]]:
    """Return the frames' indices, each one's difference from that before it, and the flashes.

    The first frame differs by 0. Flashes are given by their frames' places in the list.
    """
    indices: list[int] = []
    unlike: list[float] = []
    flashes: set[int] = set()
    doubtful: deque[tuple[int, Bytes]] = deque()  # places of leaps, and the frames before them
    previous = None
    for place, frame in enumerate(frames):
        small = _small(frame)
        difference = 0.0 if previous is None else _difference(small, previous)
        while doubtful and place - doubtful[0][0] > _FLASH:
            doubtful.popleft()
        for leap, before in doubtful:
            if difference >= _LEAST and _difference(small, before) < unlike[leap] / 2:
                flashes |= {leap, place}
        if difference >= _LEAST and previous is not None:
            doubtful.append((place, previous))
        indices.append(frame.index)
        unlike.append(difference)
        previous = small
    return indices, unlike, flashes


def _cuts(unlike: Sequence[float]) -> list[int]:
    """Return the places whose difference stands out from those around them.

    Of several close to each other, as where a camera is swung round, the largest is taken.
    """
    cuts: list[int] = []
    for place in range(1, len(unlike)):
        if not _stands_out(unlike, place):
            continue
        if cuts and place - cuts[-1] < _APART:
            place = max(place, cuts.pop(), key=unlike.__getitem__)
        cuts.append(place)
    return cuts


def _stands_out(unlike: Sequence[float], place: int) -> bool:
    before = unlike[max(1, place - _NEIGHBOURS) : place]
    after = unlike[place + 1 : place + 1 + _NEIGHBOURS]
    # The busier side's: a fade ends with its largest step, and black is after it.
    usual = max(median(side) if side else 0.0 for side in (before, after))
    return unlike[place] >= max(_LEAST, _TIMES * usual)


def _small(frame: Frame) -> Bytes:
    height, width = frame.pixels.shape[-2:]
    return in_bytes(frame.pixels, size_for(height, width, _SIDE))


def _difference(frame: Bytes, other: Bytes) -> float:
    """Return the mean difference along the flow, in standard deviations of the frame."""
    cv2 = load_cv2()
    warped = moved(other, one_way(frame, other, quick=True))
    deviation = max(float(frame.std()), float(other.std())) / 255
    return float(np.mean(cv2.absdiff(frame, warped))) / 255 / max(deviation, _FLAT)
