"""Events on their way from the threads that see them to the browsers that show them.

A subscriber that is slow, such as a tab in the background, gets the last state of each thing and
not every one before it: its memory does not grow.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Hub", "Subscriber"]


@dataclass(eq=False)
class Subscriber:
    """One browser's events.

    Attributes:
        owner: whose events it gets.
    """

    owner: str
    _loop: asyncio.AbstractEventLoop
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _is_there: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, kind: str, id: str, data: dict[str, Any]) -> None:
        """Keep an event instead of the last of its kind about the same thing; from any thread."""
        with self._lock:
            self._held.pop((kind, id), None)
            self._held[kind, id] = data
        self._loop.call_soon_threadsafe(self._is_there.set)

    async def take(self, seconds: float) -> list[tuple[str, dict[str, Any]]]:
        """Return what came, in its order; nothing if it took longer than that."""
        try:
            await asyncio.wait_for(self._is_there.wait(), seconds)
        except TimeoutError:
            return []
        self._is_there.clear()
        with self._lock:
            held, self._held = self._held, {}
        return [(kind, data) for (kind, _), data in held.items()]


class Hub:
    """All subscribers of a studio."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: set[Subscriber] = set()

    def subscribe(self, owner: str) -> Subscriber:
        """Return a new subscriber, in a coroutine of the loop that it belongs to."""
        subscriber = Subscriber(owner, asyncio.get_running_loop())
        with self._lock:
            self._subscribers.add(subscriber)
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Let a subscriber go."""
        with self._lock:
            self._subscribers.discard(subscriber)

    def publish(self, owner: str, kind: str, id: str, data: dict[str, Any]) -> None:
        """Send an event to everybody of an owner."""
        with self._lock:
            those = [one for one in self._subscribers if one.owner == owner]
        for subscriber in those:
            try:
                subscriber.put(kind, id, data)
            except RuntimeError:  # its loop has ended
                self.leave(subscriber)
