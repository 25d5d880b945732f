"""The pictures in folders, to train on. Needs no PyTorch."""

from __future__ import annotations

from pathlib import Path

from impasto.errors import PictureError

__all__ = ["find_pictures"]

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}


def find_pictures(*folders: Path) -> list[Path]:
    """Return the picture files directly in the folders, sorted by name.

    Raises:
        PictureError: a folder without pictures.
    """
    paths: list[Path] = []
    for folder in folders:
        pictures = sorted(p for p in folder.glob("*") if p.suffix.lower() in _SUFFIXES)
        if not pictures:
            raise PictureError(
                f"There are no pictures in {folder}. Give a folder with photographs "
                f"({', '.join(sorted(_SUFFIXES))}); some hundreds do."
            )
        paths += pictures
    return paths
