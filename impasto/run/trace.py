"""A run's trace: one line of JSON for every step. Needs no PyTorch."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from impasto.errors import ImpastoError, OptionError
from impasto.files import atomic

if TYPE_CHECKING:
    from impasto.run.events import Stepped

__all__ = ["check", "finite", "tracing"]

Writer = Callable[["Stepped"], None]

_FIELDS = ("scale", "scales", "width", "height", "iteration", "iterations", "done", "note")


def check(path: Path, *, force: bool = False, append: bool = False) -> None:
    """Check before the work that a trace can be written. Devices and pipes may exist already.

    Args:
        append: continue an existing trace.

    Raises:
        OptionError: a file that exists, without `force`, or that cannot be written; or one to
            continue that is not a trace.
    """
    if not path.exists():
        atomic.check_target(path, error=OptionError)
    elif path.is_dir():
        raise OptionError(f"{path} is a folder: give a file name.")
    elif path.is_file() and append:
        _check_trace(path)
        _check_open(path)
    elif path.is_file() and not force:
        raise OptionError(f"{path} exists already: give another name, or --force.")
    elif path.is_file():
        _check_open(path)


@contextlib.contextmanager
def tracing(path: Path | None, *, force: bool = False, append: bool = False) -> Iterator[Writer]:
    """Yield a function that writes a step to a file, which can be read while it grows.

    Without a first step no file is made or emptied.

    Args:
        append: continue an existing trace. The steps between a run's last state and its end are in
            it twice.

    Raises:
        ImpastoError: the file can no longer be written to.
    """
    if path is None:
        yield lambda _: None
        return
    began = time.monotonic()
    special = path.exists() and not path.is_file()
    with contextlib.ExitStack() as stack:

        @functools.cache
        def file() -> TextIO:
            # It is read while it grows: no temporary file that is renamed at the end.
            mode: Literal["a", "w", "x"] = "a" if append else "w" if force or special else "x"
            opened = path.open(mode, encoding="utf-8")
            stack.callback(_close, opened)
            return opened

        def report(step: Stepped) -> None:
            try:
                _write(file(), step, time.monotonic() - began)
            except OSError as problem:
                reason = problem.strerror or problem
                raise ImpastoError(f"The trace {path} cannot be written: {reason}.") from problem

        if special:
            file()  # a pipe waits here for its reader, before the work, where Ctrl-C ends it
        yield report


def finite(losses: dict[str, float]) -> dict[str, float | None]:
    """Return losses as JSON has them: null for NaN and infinity."""
    return {name: value if math.isfinite(value) else None for name, value in losses.items()}


def _check_trace(path: Path) -> None:
    """Refuse a file that neither is empty nor begins as traces do."""
    begins = f'{{"{_FIELDS[0]}": '
    with contextlib.suppress(OSError), path.open("rb") as file:  # `_check_open` reports it
        if file.read(len(begins)) not in (b"", begins.encode()):
            raise OptionError(f"{path} is not a trace that can be continued: give another name.")


def _check_open(path: Path) -> None:
    try:
        path.open("ab").close()  # changes nothing; permissions alone do not say
    except OSError as problem:
        reason = problem.strerror or problem
        raise OptionError(f"{path} cannot be written: {reason}. Give another name.") from problem


def _write(file: TextIO, step: Stepped, seconds: float) -> None:
    record: dict[str, Any] = {name: getattr(step, name) for name in _FIELDS}
    record |= {"seconds": round(seconds, 3), "losses": finite(step.losses)}
    file.write(json.dumps(record) + "\n")
    file.flush()


def _close(file: TextIO) -> None:
    # Each line was flushed: an error here was reported already.
    with contextlib.suppress(OSError):
        file.close()
