"""Names for the files of a batch's pictures."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from impasto.files.names import safe_name
from impasto.jobs.batch import BatchStyle
from impasto.jobs.manifest import MadeOf, Manifest

__all__ = ["picture_names"]

_SHEETS = re.compile(r"contact(-[0-9]+)?\.jpg")  # names of contact sheets, never of a picture


def picture_names(
    pairs: Sequence[tuple[Path, BatchStyle]],
    origins: Sequence[MadeOf | None],
    manifest: Manifest,
    suffix: str,
) -> list[str]:
    """Return a name for each photograph in a style: the one in the manifest, or a free one.

    Args:
        origins: what each is painted from, as far as known: a photograph that was renamed keeps
            its pictures.
    """
    names: list[str] = [""] * len(pairs)
    entries = [e for e in manifest.entries.values() if e.output.endswith(suffix)]
    by_source = {(entry.photograph, entry.style): entry.output for entry in entries}
    for i, (photograph, style) in enumerate(pairs):
        names[i] = by_source.get((str(photograph), style.text), "")
    used = set(names)
    by_origin: dict[MadeOf | None, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.digest is not None and entry.output not in used:
            by_origin[entry.made_of].append(entry.output)
    for i, origin in enumerate(origins):
        if not names[i] and origin is not None and by_origin[origin]:
            names[i] = by_origin[origin].pop(0)
    reserved = {entry.output.casefold() for entry in manifest.entries.values() if entry.digest}
    reserved |= {name.casefold() for name in names}
    for i, (photograph, style) in enumerate(pairs):
        if not names[i]:
            names[i] = _free(f"{photograph.stem}-{style.label}", suffix, reserved)
            reserved.add(names[i].casefold())
    return names


def _free(name: str, suffix: str, reserved: set[str]) -> str:
    """Return `photo-style.png`, or `photo-style-2.png` if that is reserved, and so on."""
    base = safe_name(name)
    number, free = 1, f"{base}{suffix}"
    while free.casefold() in reserved or _SHEETS.fullmatch(free.casefold()):
        number += 1
        free = f"{base}-{number}{suffix}"
    return free
