"""What happened to a job: one line of JSON for each event, numbered without a gap.

Only the worker of the last claim writes it. A worker that has lost the job may write once more
before it notices: readers skip events of a claim that is not the last so far, so that order holds.
A kill can cut the last line short: the next worker completes the file before it goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["Journal", "last_event", "read_events"]

_TAIL = 16_384  # bytes at the end in which the last event is looked for


class Journal:
    """Appends events to a job's file.

    Args:
        path: of the file.
        claim: of the worker that writes.
    """

    def __init__(self, path: Path, claim: int) -> None:
        self._path, self._claim = path, claim
        _cut_torn_line(path)
        last = last_event(path)
        self._number = 0 if last is None else int(last.get("number", 0))

    def write(self, event: str, **values: Any) -> None:
        """Append an event. A disc that is full loses it as a whole, and not the job."""
        record = {"number": self._number + 1, "claim": self._claim, "event": event, **values}
        line = json.dumps(record).encode("ascii") + b"\n"
        # Without a buffer, which would be written only after the number had been taken.
        with contextlib.suppress(OSError), self._path.open("ab", 0) as file:
            size = file.seek(0, os.SEEK_END)
            written = 0
            try:
                written = file.write(line)
            finally:
                if written == len(line):
                    self._number += 1
                else:
                    file.truncate(size)


def read_events(path: Path, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the events that were written whole, in their order.

    Args:
        after: the number of the last event that is known already.
    """
    claim = 0
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            event = _event(line)
            if event is None or event["claim"] < claim:
                continue
            claim = event["claim"]
            if event["number"] > after:
                yield event


def last_event(path: Path) -> dict[str, Any] | None:
    """Return the last event that was written whole; it is read from the end of the file."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        events = [_event(line) for line in file.read().splitlines(keepends=True)]
        whole = [event for event in events if event is not None]
        return max(whole, key=lambda event: (event["claim"], event["number"]), default=None)
    return None


def _event(line: bytes) -> dict[str, Any] | None:
    """Return an event; None where a line was cut short, or is none of ours."""
    if not line.endswith(b"\n"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict):
        return None
    is_ours = all(type(event.get(name)) is int for name in ("number", "claim"))
    return event if is_ours and isinstance(event.get("event"), str) else None


def _cut_torn_line(path: Path) -> None:
    """Remove the part of a line that a killed worker has left at the end."""
    with contextlib.suppress(OSError), path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _TAIL)
        file.seek(start)
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.truncate(start + tail.rfind(b"\n") + 1)
