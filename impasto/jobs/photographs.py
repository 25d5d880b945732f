"""The photographs of a batch: those that are named, and those in folders. Needs no PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import ImpastoError, OptionError, PictureError
from impasto.files.names import resolved
from impasto.image.left_out import LeftOut, is_read
from impasto.jobs.manifest import FILE, Manifest
from impasto.painting.misplaced import check_photograph

__all__ = ["Photographs", "find_photographs"]


@dataclass(frozen=True)
class Photographs:
    """The photographs of a batch.

    Attributes:
        files: in their order, each once.
        left_out: the other files of folders, without hidden ones and what a batch has written.
    """

    files: tuple[Path, ...]
    left_out: LeftOut


def find_photographs(inputs: Sequence[Path], folder: Path, *, deep: bool = False) -> Photographs:
    """Return the pictures that are named, and those in the folders that are named.

    Args:
        folder: where the results go; it is not searched.
        deep: search the folders' own folders, except hidden ones.

    Raises:
        ImpastoError: a file or folder does not exist or is no photograph, or a folder has no
            pictures.
    """
    pictures: dict[Path, Path] = {}
    others: dict[Path, Path] = {}
    for path in inputs:
        files = _files_of(path, resolved(folder), deep)
        for file in files:
            is_photograph = file == path or is_read(file)
            (pictures if is_photograph else others).setdefault(resolved(file), file)
    return Photographs(
        tuple(pictures.values()),
        LeftOut.of(file for place, file in others.items() if place not in pictures),
    )


def _files_of(path: Path, out: Path, deep: bool) -> list[Path]:
    """Return a file, or the files of a folder, with a picture among them."""
    try:
        if not path.is_dir():
            check_photograph(path)
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise PictureError(f"{path} does not exist: check the name and the folder.")
        if resolved(path) == out:
            raise OptionError(
                f"{path} has the photographs and is where the pictures go. Give another folder "
                "with --out."
            )
        files = sorted(_walk(path, out, deep))
    except OSError as problem:
        raise PictureError(f"{path} cannot be read: {problem.strerror or problem}.") from problem
    if not any(map(is_read, files)):
        left_out = LeftOut.of(files)
        has = f" It has {left_out}." if left_out else ""
        more = "" if deep else " Its own folders are not looked into; `impasto batch -r` does that."
        raise PictureError(f"{path} holds no pictures that can be read.{has}{more}")
    return files


def _walk(folder: Path, out: Path, deep: bool) -> Iterator[Path]:
    own = _own_files(folder)
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in own:
            continue
        if path.is_dir():
            # Links to folders may form a circle.
            if deep and not path.is_symlink() and resolved(path) != out:
                yield from _walk(path, out, deep)
        else:
            yield path


def _own_files(folder: Path) -> set[str]:
    """Return the names of a batch's list and sheets in the folder of its pictures."""
    try:
        manifest = Manifest.read(folder) if (folder / FILE).is_file() else None
    except ImpastoError:  # somebody else's
        return set()
    return set() if manifest is None else {FILE, *manifest.sheets}
