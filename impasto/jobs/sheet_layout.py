"""The contact sheets of a batch, and what is on each. Needs no PyTorch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from impasto.files.digests import of_bytes
from impasto.jobs.batch import BatchStyle
from impasto.jobs.manifest import Entry
from impasto.jobs.messages import DrawJob, SheetPicture
from impasto.jobs.status import Item

__all__ = ["Planned", "plan_sheets"]

Part = TypeVar("Part", BatchStyle, Path)

_WIDTHS = (320, 256, 200, 160)  # of a picture, in pixels
_WIDEST, _HIGHEST = 2500, 7000  # of a sheet; upright photographs may make it a little higher
_MOST_COLUMNS = 12
_ROOM = 45  # around a picture, in pixels


@dataclass(frozen=True)
class Planned:
    """A contact sheet, and a digest of everything on it."""

    job: DrawJob
    shows: str


def plan_sheets(folder: Path, items: Sequence[Item], entries: Mapping[str, Entry]) -> list[Planned]:
    """Plan as few sheets as hold every item; none where there is no picture at all.

    Args:
        entries: of the items' files, by name.
    """
    if not any(entries[item.output].state == "done" for item in items):
        return []
    styles = list(dict.fromkeys(item.style for item in items))
    photographs = list(dict.fromkeys(item.photograph for item in items))
    outputs = {(item.photograph, item.style): item.output for item in items}
    width = _width_for(min(len(styles), _MOST_COLUMNS), len(photographs))
    names = _names(photographs)
    planned: list[Planned] = []
    for across in _pieces(styles, _MOST_COLUMNS):
        for down in _pieces(photographs, max(1, _HIGHEST // (width + _ROOM))):
            number = len(planned) + 1
            rows = [[entries[outputs[path, style]] for style in across] for path in down]
            job = DrawJob(
                "contact.jpg" if number == 1 else f"contact-{number}.jpg",
                tuple(
                    (SheetPicture(tuple(str(spec.source) for spec in style.specs)), style.label)
                    for style in across
                ),
                tuple(
                    (SheetPicture((str(path),)), names[path], tuple(_cell(folder, e) for e in row))
                    for path, row in zip(down, rows, strict=True)
                ),
                width,
            )
            planned.append(Planned(job, _digest(job, [e for row in rows for e in row])))
    return planned


def _pieces(parts: list[Part], most: int) -> Iterator[list[Part]]:
    """Split a list into pieces of at most `most` parts, as even as possible."""
    count = -(-len(parts) // most)
    size = -(-len(parts) // count)
    for start in range(0, len(parts), size):
        yield parts[start : start + size]


def _width_for(columns: int, rows: int) -> int:
    """Return the largest width with which one sheet is enough, or else the smallest."""
    fitting = (
        width
        for width in _WIDTHS
        if (columns + 1) * (width + _ROOM // 2) <= _WIDEST and rows * (width + _ROOM) <= _HIGHEST
    )
    return next(fitting, _WIDTHS[-1])


def _names(photographs: Sequence[Path]) -> dict[Path, str]:
    """Return each one's name, with its folder where another has the same."""
    counts = Counter(path.name for path in photographs)
    return {
        path: path.name if counts[path.name] == 1 else f"{path.parent.name}/{path.name}"
        for path in photographs
    }


def _cell(folder: Path, entry: Entry) -> SheetPicture:
    if entry.state == "done":
        return SheetPicture((str(folder / entry.output),))
    return SheetPicture((), entry.state)


def _digest(job: DrawJob, entries: Sequence[Entry]) -> str:
    files = [(e.digest, None if e.made_of is None else asdict(e.made_of)) for e in entries]
    return of_bytes(json.dumps([repr(job), files]).encode())
