"""A run's trace: one line of JSON for every step. Imports PyTorch: commands import it late."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TextIO

from impasto.errors import ImpastoError, OptionError
from impasto.files import atomic
from impasto.run.events import Stepped

__all__ = ["check", "finite", "tracing"]

Writer = Callable[[Stepped], None]

_FIELDS = ("scale", "scales", "width", "height", "iteration", "iterations", "done", "note")


def check(path: Path, *, force: bool = False, append: bool = False) -> None:
    """Fail before the work rather than in it. Devices and pipes may be there already.

    Args:
        append: go on with a trace that is there.

    Raises:
        OptionError: a file that is there already, without `force`, or that cannot be written; or
            one to go on with that is no trace.
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
    """Write each reported step to a file at once, so that it can be read while it grows.

    Without a first step no file is made, and none that was there is emptied.

    Args:
        append: go on with a trace that is there. The steps between a run's last state and its end
            are in it twice.

    Raises:
        ImpastoError: the file cannot be written to any longer.
    """
    if path is None:
        yield lambda _: None
        return
    began = time.monotonic()
    special = path.exists() and not path.is_file()
    with contextlib.ExitStack() as stack:

        @functools.cache
        def file() -> TextIO:
            # It grows before its reader's eyes: no temporary file that is renamed at the end.
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
            file()  # a pipe waits here for its reader: before the work, while Ctrl-C still ends it
        yield report


def finite(losses: dict[str, float]) -> dict[str, float | None]:
    """JSON knows neither NaN nor infinity: null stands for both."""
    return {name: value if math.isfinite(value) else None for name, value in losses.items()}


def _check_trace(path: Path) -> None:
    """A file that is empty or begins as traces do."""
    begins = f'{{"{_FIELDS[0]}": '
    with contextlib.suppress(OSError), path.open("rb") as file:  # `_check_open` says what is wrong
        if file.read(len(begins)) not in (b"", begins.encode()):
            raise OptionError(f"{path} is there and no trace to go on with: give another name.")


def _check_open(path: Path) -> None:
    try:
        path.open("ab").close()  # changes nothing, and permissions alone do not tell
    except OSError as problem:
        reason = problem.strerror or problem
        raise OptionError(f"{path} cannot be written: {reason}. Give another name.") from problem


def _write(file: TextIO, step: Stepped, seconds: float) -> None:
    record: dict[str, Any] = {name: getattr(step, name) for name in _FIELDS}
    record |= {"seconds": round(seconds, 3), "losses": finite(step.losses)}
    file.write(json.dumps(record) + "\n")
    file.flush()


def _close(file: TextIO) -> None:
    # Each line was flushed: what still fails here has been told already.
    with contextlib.suppress(OSError):
        file.close()
