"""Which size keeps a wanted rate: it starts from measured pictures, and does not hunt."""

from __future__ import annotations

import math
from collections import deque
from statistics import median

from impasto.config.live import LARGEST

__all__ = ["SIZES", "SizeController"]

SIZES = (128, 160, 192, 224, 256, 288, 320, 384, 448, 512, 640, 768, 896, 1024, LARGEST)
"""Long sides that are stepped through, in pixels; less than the first shows no strokes."""

_FIRST = 224  # is measured first
_FEW, _SEVERAL = 5, 15  # pictures whose median counts: at first, and later
_LATE, _EARLY = (
    1.1,
    0.85,
)  # shares of the time there is: beyond the one smaller, below the other larger
_PATIENCE, _LONGEST = 2, 64  # windows of pictures before a larger size is tried


class SizeController:
    """Steps through sizes by how long pictures take.

    A picture's time grows with its pixels. A size that is too slow is left at once, for the one
    that its time promises; a larger one is tried one step at a time, only if there is room to
    spare. One that had to be left again soon is tried ever more rarely.

    Args:
        rate: pictures a second that are wanted.
        most: the source's long side, in pixels: no picture is enlarged.
        fixed: a size that stays; 0 for none.
    """

    def __init__(self, rate: float, most: int = LARGEST, fixed: int = 0) -> None:
        self._budget = 1 / rate
        self._sizes = [size for size in SIZES if size <= most] or [most]
        self._is_fixed = fixed > 0
        self.size = min(fixed, most) or self._nearest(_FIRST)
        self._seconds: deque[float] = deque(maxlen=_SEVERAL)
        self._is_first = True
        self._windows = 0  # with room to spare, one after the other
        self._patience = _PATIENCE
        self._since_growth = math.inf  # windows at this size since it was the next larger

    def note(self, seconds: float) -> int:
        """Take in how long a picture of the current size took; return the size of the next.

        The first picture after a change, for which much is made ready, is not to be noted.
        """
        if self._is_fixed:
            return self.size
        self._seconds.append(seconds)
        if len(self._seconds) < (_FEW if self._is_first else _SEVERAL):
            return self.size
        self._judge(median(self._seconds))
        self._seconds.clear()
        return self.size

    def _judge(self, seconds: float) -> None:
        self._since_growth += 1
        if self._is_first:
            self._is_first = False
            self._go(self._promised(seconds))
        elif seconds > _LATE * self._budget:
            self._shrink(seconds)
        elif self._has_room(seconds):
            self._windows += 1
            if self._windows >= self._patience:
                self._go(self._next)
                self._since_growth = 0
        else:
            self._windows = 0

    def _shrink(self, seconds: float) -> None:
        if self._since_growth <= 2 * self._patience:  # it was a mistake to grow
            self._patience = min(2 * self._patience, _LONGEST)
        self._since_growth = math.inf
        self._go(min(self._promised(seconds), self._previous))

    def _has_room(self, seconds: float) -> bool:
        growth = (self._next / self.size) ** 2
        return self._next > self.size and seconds * growth < _EARLY * self._budget

    def _promised(self, seconds: float) -> int:
        """Return the largest size that keeps the rate if time goes with pixels."""
        return self._nearest(self.size * math.sqrt(self._budget / max(seconds, 1e-6)))

    def _go(self, size: int) -> None:
        self.size, self._windows = size, 0

    def _nearest(self, size: float) -> int:
        return max((one for one in self._sizes if one <= size), default=self._sizes[0])

    @property
    def _next(self) -> int:
        return next((one for one in self._sizes if one > self.size), self.size)

    @property
    def _previous(self) -> int:
        return self._nearest(self.size - 1)
