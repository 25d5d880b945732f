"""What of a batch is painted already, what is to be, and what stands in the way."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from impasto.errors import ImpastoError, OptionError, PictureError
from impasto.files.digests import of_file
from impasto.jobs.batch import Batch, Look
from impasto.jobs.manifest import Entry, MadeOf, Manifest

__all__ = ["SHEETS", "STAGING", "Item", "check_clear", "survey"]

STAGING = ".impasto-batch"
"""Where pictures are written before the manifest names them, in the batch's folder."""

State = Literal["paint", "kept", "outdated", "foreign", "unreadable"]

SHEETS = re.compile(r"contact(-[0-9]+)?\.jpg")
"""Names of contact sheets, which are no picture's."""

_LONGEST = 200  # bytes of a name before its number and suffix
_TOLD = 5  # of many files that stand in the way


@dataclass(frozen=True)
class Item:
    """A photograph in a look.

    Attributes:
        output: the name of its file in the batch's folder.
        made_of: what it is painted from; None if that cannot be read.
        state: `paint` if there is no picture of it; `kept` if there is, as it should be;
            `outdated` if that was painted otherwise; `foreign` if the file is not the batch's;
            `unreadable` if it cannot be painted.
        staged: whether the finished file still waits where it was written.
        message: what is in the way.
    """

    photograph: Path
    look: Look
    output: str
    made_of: MadeOf | None
    state: State
    staged: bool = False
    message: str = ""

    def entry(self) -> Entry:
        """Its entry in the manifest before it is painted."""
        return Entry(str(self.photograph), self.look.text, self.output, made_of=self.made_of)


def survey(batch: Batch, manifest: Manifest | None = None) -> list[Item]:
    """Look at every item of a batch; nothing is changed.

    Args:
        manifest: of the folder; by default as it is there.

    Raises:
        ImpastoError: the manifest, a style or another file that all items need cannot be read.
    """
    manifest = Manifest.read(batch.folder) if manifest is None else manifest
    settings = batch.settings()
    styles = [look.digest() for look in batch.looks]
    pairs, made, faults = [], [], []
    for photograph in batch.photographs:
        digest, fault = _digest(photograph)
        for look, style in zip(batch.looks, styles, strict=True):
            pairs.append((photograph, look))
            made.append(None if digest is None else MadeOf(digest, style, settings))
            faults.append(fault)
    names = _named(pairs, made, manifest, f".{batch.format}")
    return [
        Item(*pair, name, made_of, "unreadable", message=fault)
        if made_of is None
        else _judged(batch, manifest, pair, name, made_of)
        for pair, name, made_of, fault in zip(pairs, names, made, faults, strict=True)
    ]


def check_clear(items: Sequence[Item], folder: Path, *, force: bool) -> None:
    """Refuse to touch what was painted otherwise, or what is not the batch's.

    Raises:
        OptionError: without `force` either of them; with it a folder in the place of a file.
    """
    wrong = [item for item in items if item.state in ("outdated", "foreign")]
    if force:
        wrong = [item for item in wrong if (folder / item.output).is_dir()]
    if not wrong:
        return
    told = "; ".join(f"{item.output}: {item.message}" for item in wrong[:_TOLD])
    more = f"; and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else ""
    advice = "" if force else ", or replace these, and only these, with --force"
    raise OptionError(
        f"{folder} has pictures that this batch would replace ({told}{more}). Give another folder "
        f"with --out{advice}."
    )


def _digest(photograph: Path) -> tuple[str | None, str]:
    """A photograph's digest, or why there is none: that is the fault of its own items only."""
    try:
        return of_file(photograph, PictureError), ""
    except ImpastoError as error:
        return None, str(error)


def _judged(
    batch: Batch, manifest: Manifest, pair: tuple[Path, Look], name: str, made_of: MadeOf
) -> Item:
    final, entry = batch.folder / name, manifest.entries.get(name)
    is_there = os.path.lexists(final)
    known = entry is not None and entry.digest is not None
    if known and entry is not None and entry.made_of == made_of:
        if is_there and _is(final, entry.digest):
            return Item(*pair, name, made_of, "kept")
        if (batch.force or not is_there) and _is(batch.folder / STAGING / name, entry.digest):
            return Item(*pair, name, made_of, "kept", staged=True)
    if not is_there:
        return Item(*pair, name, made_of, "paint")
    if known and entry is not None and entry.made_of is not None and _is(final, entry.digest):
        changed = f"it was painted with {entry.made_of.changes(made_of)}"
        return Item(*pair, name, made_of, "outdated", message=changed)
    told = "it is not as the batch wrote it" if known else "it exists already"
    return Item(*pair, name, made_of, "foreign", message=told)


def _is(path: Path, digest: str | None) -> bool:
    """Whether there is a file, and no link, with that digest."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        return of_file(path, PictureError) == digest
    except ImpastoError:
        return False


def _named(
    pairs: Sequence[tuple[Path, Look]],
    made: Sequence[MadeOf | None],
    manifest: Manifest,
    suffix: str,
) -> list[str]:
    """A name for each: the one that it has in the manifest, or a free one.

    So a photograph that comes later takes no other's name.
    """
    names: list[str] = [""] * len(pairs)
    entries = [e for e in manifest.entries.values() if e.output.endswith(suffix)]
    by_source = {(entry.photograph, entry.style): entry.output for entry in entries}
    for i, (photograph, look) in enumerate(pairs):
        names[i] = by_source.get((str(photograph), look.text), "")
    used = set(names)
    by_making: dict[MadeOf | None, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.digest is not None and entry.output not in used:
            by_making[entry.made_of].append(entry.output)
    for i, what in enumerate(made):
        if not names[i] and what is not None and by_making[what]:
            names[i] = by_making[what].pop(0)
    taken = {entry.output.casefold() for entry in manifest.entries.values() if entry.digest}
    taken |= {name.casefold() for name in names}
    for i, (photograph, look) in enumerate(pairs):
        if not names[i]:
            names[i] = _free(f"{photograph.stem}-{look.label}", suffix, taken)
            taken.add(names[i].casefold())
    return names


def _free(wanted: str, suffix: str, taken: set[str]) -> str:
    """`photo-style.png`, or `photo-style-2.png` if that is taken, and so on."""
    base = _safe(wanted)
    number, name = 1, f"{base}{suffix}"
    while name.casefold() in taken or SHEETS.fullmatch(name.casefold()):
        number += 1
        name = f"{base}-{number}{suffix}"
    return name


def _safe(name: str) -> str:
    """The name without what some system allows in none, and not too long."""
    clean = "".join("_" if c < " " or c in '\x7f<>:"/\\|?*' else c for c in name).lstrip(".")
    while len(clean.encode("utf-8", "surrogatepass")) > _LONGEST:
        clean = clean[:-1]
    return clean or "picture"
