"""How often what takes long writes down where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Pace"]

_GUESS = 1 / 500e6  # seconds a byte, until a state has been written: a disc of no great speed


@dataclass
class Pace:
    """When a state is written.

    Attributes:
        least: seconds before the first and between two.
        share: of all time, that writing may take.
        since: when the run began, or its last state was written, in seconds of any clock.
    """

    least: float
    share: float
    since: float

    def __post_init__(self) -> None:
        self._next = self.since + self.least
        self._rate = _GUESS

    def is_due(self, now: float, size: Callable[[], int]) -> bool:
        """Whether it is time to write.

        Args:
            size: tells the bytes to write; asked only when it may be time.
        """
        if now < self._next:
            return False
        # States grow with every scale, and the first has none before it: foresee what it takes.
        self._next = self.since + self._rest(size() * self._rate)
        return now >= self._next

    def wrote(self, began: float, ended: float, size: int) -> None:
        """A state was written, or could not be, in that time."""
        self._rate = (ended - began) / max(size, 1)
        self.since = ended
        self._next = ended + self._rest(ended - began)

    def _rest(self, seconds: float) -> float:
        return max(self.least, seconds * (1 / self.share - 1))
