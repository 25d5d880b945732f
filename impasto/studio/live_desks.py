"""The processes that paint live, one for each browser that does so, and a few at most."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from impasto.studio.failures import QuotaError
from impasto.studio.warm import WarmProcess

__all__ = ["LiveDesks", "is_possible"]

_IDLE = 60.0  # seconds: a network is loaded in a few, and holds hundreds of megabytes meanwhile


def is_possible() -> bool:
    """Return whether what live painting takes is installed: the extra `film`."""
    return all(find_spec(name) is not None for name in ("av", "cv2"))


class LiveDesks:
    """Processes that paint live.

    Args:
        most: at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._free: list[WarmProcess] = []
        self._taken: dict[WarmProcess, str] = {}
        self._is_closed = False

    @contextmanager
    def desk(self, owner: str) -> Iterator[WarmProcess]:
        """Have a process for oneself.

        Raises:
            QuotaError: all are taken, or this user has one.
        """
        process = self._take(owner)
        try:
            yield process
        finally:
            self._give_back(process)

    def rest(self) -> None:
        """End those that nobody uses."""
        with self._lock:
            free = list(self._free)
        for process in free:
            process.rest()

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            self._is_closed = True
            every = [*self._free, *self._taken]
        for process in every:
            process.close()

    def _take(self, owner: str) -> WarmProcess:
        with self._lock:
            if self._is_closed:
                raise QuotaError("The studio is ending.", 503)
            if owner and owner in self._taken.values():
                raise QuotaError("You paint live in another window already: end that one.", 429)
            if len(self._taken) >= self._most:
                raise QuotaError(
                    f"{self._most} cameras are painted live by now, which is the most at once: try "
                    "again later, or end one in another window.",
                    429,
                )
            process = self._free.pop() if self._free else WarmProcess("live", _IDLE)
            self._taken[process] = owner
            return process

    def _give_back(self, process: WarmProcess) -> None:
        with self._lock:
            del self._taken[process]
            self._free.append(process)
