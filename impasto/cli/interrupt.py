"""Ctrl-C, SIGTERM, SIGHUP: before the first step they end the command, after it the painting."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import threading
from collections.abc import Iterator
from types import FrameType

from impasto.run.halt import Halt

__all__ = ["INTERRUPTED", "Interruption", "handling_signals"]

INTERRUPTED = 130  # 128 + SIGINT, as shells count

# SIGHUP is what a terminal that is closed sends; Windows has none.
_HANGUP = getattr(signal, "SIGHUP", None)


class Interruption:
    """Whether to stop, and whether there is a step worth keeping.

    Attributes:
        signal: that ends the work after the current iteration, or 0.
        has_progress: there is a step that is worth keeping.
    """

    def __init__(self) -> None:
        self.signal = 0
        self.has_progress = False

    @property
    def is_requested(self) -> bool:
        """Whether the work is to end after the current iteration."""
        return self.signal != 0

    @property
    def status(self) -> int:
        """The status that an interrupted command ends with: 128 and the signal, as shells count."""
        return 128 + (self.signal or signal.SIGINT)

    def halt(self) -> Halt:
        """Return what a run is to do, as its stop flag."""
        if not self.is_requested:
            return Halt.NO
        # Who sends another signal than Ctrl-C does not wait for a picture.
        return Halt.WITH_PICTURE if self.signal == signal.SIGINT else Halt.AT_ONCE

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal. The second one ends the command at once."""
        if number == _HANGUP:
            _leave_terminal()
            if self.signal == _HANGUP:  # the system sends one, and the shell another
                return
        if self.is_requested or not self.has_progress:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
        self.signal = number


@contextlib.contextmanager
def handling_signals() -> Iterator[Interruption]:
    """Let the first Ctrl-C, SIGTERM or SIGHUP finish the current iteration, whose result is kept.

    A SIGHUP that is ignored, as under `nohup`, stays so. Outside the main thread Python allows no
    handlers: nothing changes there.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    if _HANGUP is not None and signal.getsignal(_HANGUP) != signal.SIG_IGN:
        numbers.append(_HANGUP)
    before = {number: signal.signal(number, interruption.handle) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_terminal() -> None:
    """Send to nowhere what would be written to a terminal that is no more: it would fail."""
    for number in (1, 2):
        with contextlib.suppress(OSError):
            if stat.S_ISCHR(os.fstat(number).st_mode) and not os.isatty(number):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
