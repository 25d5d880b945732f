"""Where text goes: results to standard output, everything else to standard error.

So a pipe carries results only, and `2>errors.txt` all messages.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

__all__ = [
    "logging_to_stderr",
    "print_error",
    "print_note",
    "print_path",
    "set_quiet",
    "stderr_console",
    "stdout_console",
    "visible",
]

_LOG = logging.getLogger("impasto")

_ENDLESS = 10_000  # columns where there is no terminal: lines in a pipe are neither cut nor folded


def stdout_console() -> Console:
    """Return the console of standard output, for tables and cards."""
    console = Console(highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _ENDLESS
    return console


def stderr_console() -> Console:
    """Return the console of standard error, for everything that is not a result."""
    return Console(stderr=True, highlight=False, emoji=False)


def print_error(message: str) -> None:
    """Print an error message to standard error, never folded: `impasto: …`."""
    text = Text.assemble(("impasto: ", "bold red"), visible(message))
    stderr_console().print(text, soft_wrap=True)


def print_note(message: str) -> None:
    """Print a line to standard error that is not an error."""
    stderr_console().print(Text(visible(message), style="dim"), soft_wrap=True)


def print_path(path: Path | str) -> None:
    """Print a file's name to standard output: its own bytes, where they are no text."""
    if sys.stdout is None:  # a shell's >&- leaves none
        return
    try:
        str(path).encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(path) + os.linesep.encode())
        sys.stdout.buffer.flush()
    else:
        print(path)


def visible(message: str) -> str:
    """Escape control characters, and bytes of a file's name that are not text."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in message)


@contextlib.contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Print what the package logs; let no output fail for a character that has no encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    handler, level = _Notes(), _LOG.level
    _LOG.addHandler(handler)
    try:
        yield
    finally:
        _LOG.removeHandler(handler)
        _LOG.setLevel(level)


def set_quiet(quiet: bool) -> None:
    """Print only errors of the package's log, if `quiet`, until `logging_to_stderr` ends."""
    if quiet:
        _LOG.setLevel(logging.ERROR)


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print_note(record.getMessage())
