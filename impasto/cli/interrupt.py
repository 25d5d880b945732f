"""Ctrl-C and SIGTERM: before there is a step they end the command, afterwards only the painting."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from impasto.run.halt import Halt

__all__ = ["INTERRUPTED", "TERMINATED", "Interruption", "patient"]

INTERRUPTED = 130  # 128 + SIGINT, as shells count
TERMINATED = 143  # 128 + SIGTERM


class Interruption:
    """Whether somebody asked to stop, and whether there is a step worth keeping.

    Attributes:
        asked: the painting is to end after the iteration in hand.
        hurried: at that by SIGTERM, of a system that will not wait for a picture.
    """

    def __init__(self) -> None:
        self.asked = False
        self.hurried = False
        self.keeping = False

    def halt(self) -> Halt:
        """Return what a run is to do, as its stop flag."""
        if not self.asked:
            return Halt.NO
        return Halt.AT_ONCE if self.hurried else Halt.WITH_PICTURE

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """The signals' handler. Asking twice means at once."""
        hurried = number == signal.SIGTERM
        if self.asked or not self.keeping:
            raise SystemExit(TERMINATED) if hurried else KeyboardInterrupt
        self.asked, self.hurried = True, hurried


@contextlib.contextmanager
def patient() -> Iterator[Interruption]:
    """Let the first Ctrl-C or SIGTERM finish the iteration in hand, so that what is kept is whole.

    Elsewhere than in the main thread, where Python allows no handlers, nothing changes.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {n: signal.signal(n, interruption.handle) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
