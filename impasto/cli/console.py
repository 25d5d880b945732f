"""Where words go: results to standard output, everything else to standard error.

So a pipe carries results only, and `2>errors.txt` every complaint.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from impasto.version import __version__

__all__ = [
    "complain",
    "hush",
    "listening",
    "margin",
    "remark",
    "results",
    "tell_version",
    "visible",
]

_LOG = logging.getLogger("impasto")

_ENDLESS = 10_000  # columns where there is no terminal: lines in a pipe are neither cut nor folded


def results() -> Console:
    """Standard output, for the tables and cards that were asked for."""
    console = Console(highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _ENDLESS
    return console


def margin() -> Console:
    """Standard error, for everything that is no result."""
    return Console(stderr=True, highlight=False, emoji=False)


def complain(message: str) -> None:
    """One error message on standard error, never folded: `impasto: …`."""
    text = Text.assemble(("impasto: ", "bold red"), visible(message))
    margin().print(text, soft_wrap=True)


def remark(message: str) -> None:
    """A line on standard error that is no error."""
    margin().print(Text(visible(message), style="dim"), soft_wrap=True)


def tell_version(then: str, *, quiet: bool = False) -> None:
    """Say that something was made by another version, if it was."""
    if then != __version__ and not quiet:
        remark(f"made by Impasto {then}, this is {__version__}: pixels may differ")


def visible(message: str) -> str:
    """No control character and no half-decoded byte of a file's name reaches the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in message)


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Remark on what the package logs; let no output fail for a character that has no encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    handler, level = _Remarks(), _LOG.level
    _LOG.addHandler(handler)
    try:
        yield
    finally:
        _LOG.removeHandler(handler)
        _LOG.setLevel(level)


def hush(quiet: bool = True) -> None:
    """Let only errors of the package's log through, until `listening` ends."""
    if quiet:
        _LOG.setLevel(logging.ERROR)


class _Remarks(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        remark(record.getMessage())
