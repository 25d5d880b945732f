"""Trials of films: a few frames, painted in a warm process of their own, as they may take long."""

from __future__ import annotations

import threading
from typing import Any

from impasto.errors import ImpastoError
from impasto.studio.warm import SupersededError, WarmProcess

__all__ = ["Trials"]

_LONGEST = 1800.0  # seconds of a trial
_OTHER = "Another trial was asked for."
_IDLE = 60.0  # seconds after which its process ends, which holds a network


class Trials:
    """Paints one trial after another; a user's newer one takes the place of the older.

    Attributes:
        process: that paints them.
    """

    def __init__(self) -> None:
        self.process = WarmProcess("trying", _IDLE)
        self._lock, self._painting = threading.Lock(), threading.Lock()
        self._asked: dict[str, object] = {}  # by user, the trial that was asked for last
        self._now = ""  # whose trial is painted

    def paint(self, who: str, film: dict[str, Any]) -> dict[str, Any]:
        """Return a trial.

        Args:
            who: asks; of several at a time only the last is painted.
            film: as `works.asked_film` returns it.

        Raises:
            SupersededError: `who` has asked for a newer one, or has left.
            ImpastoError: it cannot be painted.
        """
        mine = object()
        self.leave(who)
        with self._lock:
            self._asked[who] = mine
        with self._painting:
            self._begin(who, mine)
            try:
                return self.process.ask("try film", _LONGEST, **film)
            except ImpastoError:
                self._check(who, mine)
                raise
            finally:
                with self._lock:
                    self._now = ""
                    if self._asked.get(who) is mine:
                        del self._asked[who]

    def leave(self, who: str) -> None:
        """End the trial of a user, whether it is painted or waits."""
        with self._lock:
            self._asked.pop(who, None)
            if self._now == who:
                self.process.interrupt()

    def _begin(self, who: str, mine: object) -> None:
        with self._lock:
            is_mine = self._asked.get(who) is mine
            self._now = who if is_mine else ""
        if not is_mine:
            raise SupersededError(_OTHER)

    def _check(self, who: str, mine: object) -> None:
        with self._lock:
            if self._asked.get(who) is not mine:
                raise SupersededError(_OTHER) from None
