"""Turns: so many requests of one user at once, so that nobody keeps all threads to himself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

__all__ = ["Turns"]


@dataclass
class _Line:
    free: asyncio.Semaphore
    count: int = field(default=0)  # who has a turn or waits for one


class Turns:
    """Lets the requests of each user wait for each other, without a thread; in one event loop.

    Args:
        most: turns of a user at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends."""
        line = self._lines.setdefault(user, _Line(asyncio.Semaphore(self._most)))
        line.count += 1
        try:
            async with line.free:
                yield
        finally:
            line.count -= 1
            if not line.count:
                del self._lines[user]
