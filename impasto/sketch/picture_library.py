"""Libraries of pictures: a folder and its index, which is brought up to date by what is new."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from impasto.errors import ImpastoError, OptionError
from impasto.files.names import resolved
from impasto.image.left_out import LeftOut, is_read
from impasto.sketch.builtin import builtin
from impasto.sketch.index import SUFFIX, Entry, Index, can_be_kept, read_index, write_index
from impasto.sketch.libraries import check_libraries
from impasto.sketch.signature import Signature, sign_file

__all__ = ["Indexing", "index_folder", "open_library"]


@dataclass(frozen=True)
class Indexing:
    """How far the indexing of a folder is.

    Attributes:
        done: pictures that were looked at, of those that are new or changed.
        new: how many those are.
        kept: pictures that were in the index and are the same.
        dropped: pictures that were in it and are no longer in the folder.
        unreadable: those that cannot be read, with the reason.
    """

    done: int
    new: int
    kept: int
    dropped: int
    unreadable: dict[str, str]


def open_library(source: Path | None = None) -> Index:
    """Return the index of a library.

    Args:
        source: a folder of pictures, whose index is kept in the user's cache and brought up to
            date; or an index's file, taken as it is; None for the built-in library.

    Raises:
        OptionError: the source does not exist, has no pictures, or is no index.
    """
    check_libraries()
    if source is None:
        return builtin()
    if not source.is_dir():
        return read_index(source)
    file = _cached(source)
    _drop_unreadable(file)
    for _ in index_folder(source, file):
        pass
    return read_index(file)


def index_folder(folder: Path, target: Path) -> Generator[Indexing, None, None]:
    """Index the pictures in a folder and in its own folders; an index that is there is updated.

    Pictures whose size and time are those in the index are not read again. Whatever ends the
    iteration, what was looked at by then is written. Yields how far it is, at last when all is
    written.

    Raises:
        OptionError: the folder does not exist or has no pictures that can be read, or `target` is
            another kind of file or cannot be written.
    """
    check_libraries()
    entries = _scan(folder)
    old = read_index(target) if target.exists() else None
    before = {} if old is None else {entry: i for i, entry in enumerate(old.entries())}
    if old is not None and resolved(old.folder) != resolved(folder):
        raise OptionError(
            f"{target} is the index of {old.folder}, not of {folder}: give another file with --out."
        )
    kept = [before[entry] for entry in entries if entry in before]
    new = [entry for entry in entries if entry not in before]
    names = {entry.name for entry in entries}
    dropped = sum(entry.name not in names for entry in before)
    rows: list[tuple[Entry, Signature]] = []
    unreadable: dict[str, str] = {}

    def so_far() -> Indexing:
        done = len(rows) + len(unreadable)
        return Indexing(done, len(new), len(kept), dropped, dict(unreadable))

    try:
        for entry in new:
            try:
                rows.append((entry, sign_file(folder / entry.name)))
            except ImpastoError as error:
                unreadable[entry.name] = str(error)
            if len(rows) + len(unreadable) < len(new):
                yield so_far()
    finally:
        if rows or len(kept) != len(before):
            write_index(target, folder, rows, old, kept)
    if not rows and not kept:
        some = next(iter(unreadable.values()), "")
        raise OptionError(f"No picture in {folder} can be read. {some}".rstrip())
    yield so_far()


def _scan(folder: Path) -> list[Entry]:
    """Return the pictures in a folder and in its own folders, by their names.

    Hidden ones are left out, and links to folders, which may form a circle.

    Raises:
        OptionError: there is no such folder, or it has no pictures.
    """
    if not folder.is_dir():
        raise OptionError(f"{folder} is no folder: give one with pictures.")
    entries, others = [], []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(file for file in files if not file.startswith(".")):
            path = Path(where) / name
            text = path.relative_to(folder).as_posix()
            if not is_read(path) or not can_be_kept(text):
                others.append(path)
                continue
            with suppress(OSError):  # removed in this moment, or a link that leads nowhere
                status = path.stat()
                entries.append(Entry(text, status.st_size, status.st_mtime_ns))
    if not entries:
        left_out = LeftOut.of(others)
        has = f" It has {left_out}." if left_out else ""
        raise OptionError(f"{folder} holds no pictures that can be read.{has}")
    return entries


def _drop_unreadable(file: Path) -> None:
    """Remove a damaged index, or one of another version, from the cache: it can be made again."""
    try:
        if file.exists():
            read_index(file)
    except OptionError:
        with suppress(OSError):
            file.unlink()


def _cached(folder: Path) -> Path:
    """Return the file of a folder's index in the user's cache; its own folder is made.

    Raises:
        OptionError: it cannot be made.
    """
    cache = os.environ.get("IMPASTO_CACHE") or platformdirs.user_cache_dir("impasto", False)
    place = os.fsencode(resolved(folder))
    file = Path(cache).expanduser() / "libraries" / f"{hashlib.sha256(place).hexdigest()}{SUFFIX}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OptionError(
            f"The folder {file.parent} cannot be made ({problem.strerror or problem}). Name "
            "another one with the variable IMPASTO_CACHE, or make the index yourself: impasto "
            f"library index {folder} -o FILE{SUFFIX}"
        ) from problem
    return file
