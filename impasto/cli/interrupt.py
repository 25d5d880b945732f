"""Ctrl-C and SIGTERM: before the first step they end the command, after it only the painting."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from impasto.run.halt import Halt

__all__ = ["INTERRUPTED", "TERMINATED", "Interruption", "handling_signals"]

INTERRUPTED = 130  # 128 + SIGINT, as shells count
TERMINATED = 143  # 128 + SIGTERM


class Interruption:
    """Whether to stop, and whether there is a step worth keeping.

    Attributes:
        is_requested: the work is to end after the current iteration.
        is_terminated: by SIGTERM, of a system that will not wait for a picture.
        has_progress: there is a step that is worth keeping.
    """

    def __init__(self) -> None:
        self.is_requested = self.is_terminated = self.has_progress = False

    @property
    def status(self) -> int:
        """The status that an interrupted command ends with."""
        return TERMINATED if self.is_terminated else INTERRUPTED

    def halt(self) -> Halt:
        """Return what a run is to do, as its stop flag."""
        if not self.is_requested:
            return Halt.NO
        return Halt.AT_ONCE if self.is_terminated else Halt.WITH_PICTURE

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal. The second one ends the command at once."""
        is_sigterm = number == signal.SIGTERM
        if self.is_requested or not self.has_progress:
            raise SystemExit(TERMINATED) if is_sigterm else KeyboardInterrupt
        self.is_requested, self.is_terminated = True, is_sigterm


@contextlib.contextmanager
def handling_signals() -> Iterator[Interruption]:
    """Let the first Ctrl-C or SIGTERM finish the current iteration, whose result is kept.

    Outside the main thread Python allows no handlers: nothing changes there.
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
