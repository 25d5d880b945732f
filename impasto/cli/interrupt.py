"""Ctrl-C: before there is a picture it ends the command, afterwards only the painting."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["INTERRUPTED", "Interruption", "patient"]

INTERRUPTED = 130  # 128 + SIGINT, as shells count


class Interruption:
    """Whether somebody asked to stop, and whether there is a picture worth keeping."""

    def __init__(self) -> None:
        self.asked = False
        self.keeping = False

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """The signal's handler. Asking twice means at once."""
        if self.asked or not self.keeping:
            raise KeyboardInterrupt
        self.asked = True


@contextlib.contextmanager
def patient() -> Iterator[Interruption]:
    """Let the first Ctrl-C finish the iteration in hand, so that what is kept is whole.

    Elsewhere than in the main thread, where Python allows no handlers, nothing changes.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = signal.signal(signal.SIGINT, interruption.handle)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
