"""Live painting: what a camera or a clip shows now is painted, and what comes too late is dropped.

A source runs in a thread of its own and hands over its newest picture. Whoever draws from
`paint_live` gets that one painted, and never one that has waited behind others.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from impasto.film.libraries import check_libraries
from impasto.film.live_painter import LivePainter, Look
from impasto.film.live_size import SizeController
from impasto.film.live_sources import LiveSource, Rgb
from impasto.film.newest import Newest

__all__ = ["LivePicture", "paint_live"]

_ENDS = 2.0  # seconds that a source's thread has for its end
_SHOWN = 12  # pictures over which the rate is measured


@dataclass(frozen=True)
class LivePicture:
    """A picture that was painted live.

    Attributes:
        photograph: as it came.
        painted: the same painted, smaller as a rule.
        look: that it was painted by.
        size: the long side that it was painted at, in pixels.
        seconds: that painting took.
        rate: pictures a second, over the last few.
        dropped: pictures of the source that were not painted, so far.
    """

    photograph: Rgb = field(repr=False)
    painted: Rgb = field(repr=False)
    look: Look
    size: int
    seconds: float
    rate: float
    dropped: int


def paint_live(
    source: LiveSource,
    look: Callable[[], Look],
    sizes: SizeController,
    painter: LivePainter | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[LivePicture]:
    """Paint the newest picture of a source, again and again, until the source ends.

    The source runs from the first picture that is asked for until the iterator is closed.

    Args:
        look: is asked before each picture, so that it may change while this runs.
        sizes: chooses how large the pictures are.

    Raises:
        ImpastoError: the source fails, or a look cannot be painted by.
    """
    check_libraries()
    painter, newest = painter or LivePainter(), Newest[Rgb]()
    painter.prepare(look(), sizes.size)  # or what the source shows meanwhile would be lost
    is_over = threading.Event()
    capture = threading.Thread(
        target=_captured, args=(source, newest, is_over), name="capture", daemon=True
    )
    capture.start()
    ends = deque[float](maxlen=_SHOWN)
    try:
        while (photograph := newest.take()) is not None:
            began, now, size = clock(), look(), sizes.size
            painted = painter.paint(photograph, now, size)
            ends.append(clock())
            seconds = ends[-1] - began
            if not painter.is_anew:
                sizes.note(seconds)
            rate = (len(ends) - 1) / max(ends[-1] - ends[0], 1e-6)
            yield LivePicture(photograph, painted, now, size, seconds, rate, newest.dropped)
    finally:
        is_over.set()
        capture.join(_ENDS)


def _captured(source: LiveSource, newest: Newest[Rgb], is_over: threading.Event) -> None:
    try:
        with source:
            for picture in source.pictures():
                newest.put(picture)
                if is_over.is_set():
                    break
    except Exception as error:  # is raised where the pictures are painted
        newest.end(error)
    else:
        newest.end()
