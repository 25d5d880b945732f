"""The state of each picture of a batch: painted, missing, or not to be replaced."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from impasto.errors import ImpastoError, OptionError, PictureError
from impasto.files.digests import of_file
from impasto.jobs.batch import Batch, BatchStyle
from impasto.jobs.manifest import Entry, MadeOf, Manifest
from impasto.jobs.names import picture_names

__all__ = ["Item", "batch_status", "check_clear"]

State = Literal["paint", "kept", "outdated", "foreign", "unreadable"]

_MOST_NAMED = 5  # files in a message


@dataclass(frozen=True)
class Item:
    """A photograph in a style.

    Attributes:
        output: the name of its file in the batch's folder.
        made_of: what it is painted from; None if that cannot be read.
        state: `paint` if there is no picture; `kept` if it is as it should be; `outdated` if it was
            painted otherwise; `foreign` if the file is not the batch's; `unreadable` if the
            photograph cannot be read.
        staged: whether the finished file is still in the staging folder.
        message: why it cannot be painted.
    """

    photograph: Path
    style: BatchStyle
    output: str
    made_of: MadeOf | None
    state: State
    staged: bool = False
    message: str = ""

    def entry(self) -> Entry:
        """Return its entry in the manifest before it is painted."""
        return Entry(str(self.photograph), self.style.text, self.output, made_of=self.made_of)


def batch_status(batch: Batch, manifest: Manifest | None = None) -> list[Item]:
    """Return every item of a batch with its state; nothing is changed.

    Args:
        manifest: of the folder; by default it is read.

    Raises:
        ImpastoError: the manifest, a style or another file that all items need cannot be read.
    """
    manifest = Manifest.read(batch.folder) if manifest is None else manifest
    usual = batch.options_digest()
    digests = [style.digest() for style in batch.styles]
    pairs, origins, faults = [], [], []
    for photograph in batch.photographs:
        digest, settings, fault = _origin(batch, photograph, usual)
        for style, style_digest in zip(batch.styles, digests, strict=True):
            pairs.append((photograph, style))
            origins.append(None if digest is None else MadeOf(digest, style_digest, settings))
            faults.append(fault)
    names = picture_names(pairs, origins, manifest, f".{batch.format}")
    return [
        Item(*pair, name, made_of, "unreadable", message=fault)
        if made_of is None
        else _item(batch, manifest, pair, name, made_of)
        for pair, name, made_of, fault in zip(pairs, names, origins, faults, strict=True)
    ]


def check_clear(items: Sequence[Item], folder: Path, *, force: bool) -> None:
    """Refuse to replace what was painted otherwise, or is not the batch's.

    Raises:
        OptionError: there are such files, without `force`; or folders of those names.
    """
    blocked = [item for item in items if item.state in ("outdated", "foreign")]
    if force:
        blocked = [item for item in blocked if (folder / item.output).is_dir()]
    if not blocked:
        return
    named = "; ".join(f"{item.output}: {item.message}" for item in blocked[:_MOST_NAMED])
    more = f"; and {len(blocked) - _MOST_NAMED} more" if len(blocked) > _MOST_NAMED else ""
    advice = "" if force else ", or replace these, and only these, with --force"
    raise OptionError(
        f"{folder} has pictures that this batch would replace ({named}{more}). Give another folder "
        f"with --out{advice}."
    )


def _origin(batch: Batch, photograph: Path, usual: str) -> tuple[str | None, str, str]:
    """Return a photograph's digest, that of its options, and why it cannot be painted.

    Args:
        usual: the digest of the options that are the same for all photographs.
    """
    try:
        digest = of_file(photograph, PictureError)
        if batch.size is None:
            return digest, usual, ""
        return digest, batch.options_digest(batch.config_of(photograph)), ""
    except ImpastoError as error:
        return None, usual, str(error)


def _item(
    batch: Batch, manifest: Manifest, pair: tuple[Path, BatchStyle], name: str, made_of: MadeOf
) -> Item:
    final, entry = batch.folder / name, manifest.entries.get(name)
    exists = os.path.lexists(final)
    if entry is None or entry.digest is None:
        state: State = "foreign" if exists else "paint"
        return Item(*pair, name, made_of, state, message="it exists already" if exists else "")
    if entry.made_of == made_of:
        if exists and _has_digest(final, entry.digest):
            return Item(*pair, name, made_of, "kept")
        if (batch.force or not exists) and _has_digest(batch.staging / name, entry.digest):
            return Item(*pair, name, made_of, "kept", staged=True)
    if not exists:
        return Item(*pair, name, made_of, "paint")
    if entry.made_of is not None and _has_digest(final, entry.digest):
        message = f"it was painted with {entry.made_of.changes(made_of)}"
        return Item(*pair, name, made_of, "outdated", message=message)
    return Item(*pair, name, made_of, "foreign", message="it is not as the batch wrote it")


def _has_digest(path: Path, digest: str) -> bool:
    """Return whether there is a file, not a link, with that digest."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        return of_file(path, PictureError) == digest
    except ImpastoError:
        return False
