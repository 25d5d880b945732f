"""How often long work writes its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["CheckpointPace"]

_GUESS = 1 / 500e6  # seconds a byte of a slow disc, until a state has been written


@dataclass
class CheckpointPace:
    """Decides when a state is written.

    Attributes:
        least: seconds before the first state, and between two at least.
        share: of all time, that writing may take.
        since: when the run began or its last state was written, in seconds of any clock.
    """

    least: float
    share: float
    since: float

    def __post_init__(self) -> None:
        self._next = self.since + self.least
        self._rate = _GUESS

    def is_due(self, now: float, size: Callable[[], int]) -> bool:
        """Return whether it is time to write.

        Args:
            size: returns the bytes to write; called only when it may be time.
        """
        if now < self._next:
            return False
        # Estimated, as states grow with every scale, and none was written before the first.
        self._next = self.since + self._pause(size() * self._rate)
        return now >= self._next

    def wrote(self, began: float, ended: float, size: int) -> None:
        """Note the time in which a state was written, or could not be."""
        self._rate = (ended - began) / max(size, 1)
        self.since = ended
        self._next = ended + self._pause(ended - began)

    def _pause(self, seconds: float) -> float:
        return max(self.least, seconds * (1 / self.share - 1))
