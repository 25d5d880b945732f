"""The pictures in folders, to train on. Needs no PyTorch."""

from __future__ import annotations

from pathlib import Path

from impasto.errors import PictureError
from impasto.image.formats import READ_SUFFIXES
from impasto.image.left_out import LeftOut, is_read

__all__ = ["find_pictures", "left_out_of"]


def find_pictures(*folders: Path) -> list[Path]:
    """Return the files directly in the folders that can be read as pictures, sorted by name.

    Raises:
        PictureError: a folder without pictures, or one that cannot be read.
    """
    paths: list[Path] = []
    for folder in folders:
        files = _files(folder)
        pictures = [path for path in files if is_read(path)]
        if not pictures:
            left_out = LeftOut.of(files)
            has = f" It has {left_out}." if left_out else ""
            raise PictureError(
                f"There are no pictures in {folder}.{has} Give a folder with photographs "
                f"({', '.join(sorted(READ_SUFFIXES))}); some hundreds do."
            )
        paths += pictures
    return paths


def left_out_of(folder: Path) -> LeftOut:
    """Return the files that `find_pictures` leaves out of a folder.

    Raises:
        PictureError: the folder cannot be read.
    """
    return LeftOut.of(path for path in _files(folder) if not is_read(path))


def _files(folder: Path) -> list[Path]:
    """Return a folder's files, sorted; hidden ones are no photographs of anybody's."""
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.is_file())
    except OSError as problem:
        reason = problem.strerror or problem
        raise PictureError(f"{folder} cannot be read: {reason}.") from problem
