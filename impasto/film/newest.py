"""A place for the newest thing, between two threads."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ["Newest"]

Item = TypeVar("Item")


class Newest(Generic[Item]):
    """A place for one thing, between two threads: what is put there replaces what was there.

    Attributes:
        dropped: how many things were replaced before anybody took them.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._held: list[Item] = []
        self._is_over = False
        self._error: BaseException | None = None
        self.dropped = 0

    def put(self, item: Item) -> None:
        """Put a thing there, in place of what nobody took."""
        with self._condition:
            self.dropped += len(self._held)
            self._held = [item]
            self._condition.notify_all()

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes; what is there can still be taken."""
        with self._condition:
            self._is_over, self._error = True, self._error or error
            self._condition.notify_all()

    @property
    def is_over(self) -> bool:
        """Whether nothing is there and nothing more comes."""
        with self._condition:
            return self._is_over and not self._held

    def take(self, seconds: float | None = None) -> Item | None:
        """Take what is there, or wait for it; None once nothing more comes, or after that time.

        Raises:
            BaseException: what the other side ended with.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._held or self._is_over, seconds)
            if self._held:
                return self._held.pop()
            if self._error is not None:
                raise self._error
            return None
