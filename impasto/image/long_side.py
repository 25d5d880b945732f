"""The long side of a picture, from its file's header: nothing is decoded. Needs no PyTorch."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from impasto.errors import PictureError
from impasto.image import header_limits
from impasto.image.extras import needed
from impasto.image.kinds import kind_of
from impasto.image.opening import decoding, opened

__all__ = ["long_side", "size_in_header"]


def long_side(source: Any) -> int:
    """Return the pixels of a picture's longer side, which turning it upright does not change.

    Args:
        source: a file, or a picture in memory: a Pillow image, an array or a `Picture`.

    Raises:
        PictureError: the file is missing, or not a picture that can be read.
    """
    if not isinstance(source, (str, os.PathLike)):
        return _long_side_in_memory(source)
    size = size_in_header(Path(source))
    if size is None:  # only a reader says what is wrong with the file, or makes sense of it
        from impasto.image.reading import read

        picture = read(source)
        size = picture.width, picture.height
    return max(size)


def _long_side_in_memory(picture: Any) -> int:
    if hasattr(picture, "shape"):  # an array's first axes are rows and columns
        return int(max(picture.shape[:2]))
    return int(max(picture.size if hasattr(picture, "size") else (picture.width, picture.height)))


def size_in_header(path: Path) -> tuple[int, int] | None:
    """Return width and height as they are stored; None where only decoding tells.

    Raises:
        PictureError: the file is missing, or not a picture that can be read.
    """
    with decoding(str(path), None):
        header_limits.check(path)
        kind = kind_of(path)
        if kind is not None and kind.reader in _SIZES:
            try:
                return _SIZES[kind.reader](path, kind.name)
            except PictureError:
                raise
            except Exception:  # damaged headers make libraries raise a dozen kinds of exceptions
                return None  # the reader says what is wrong, or does better
    return _size_by_pillow(path)


def _size_by_pillow(path: Path) -> tuple[int, int]:
    with opened(path) as image:
        return image.size


def _heif_size(path: Path, what: str) -> tuple[int, int]:
    width, height = needed("pillow_heif", "heif", str(path), what).open_heif(path).size
    return int(width), int(height)


def _raw_size(path: Path, what: str) -> tuple[int, int]:
    with needed("rawpy", "raw", str(path), what).imread(str(path)) as raw:
        return int(raw.sizes.width), int(raw.sizes.height)


def _tiff_size(path: Path, _: str) -> tuple[int, int]:
    from impasto.image import tiff

    return tiff.size(path)


def _jpeg_xl_size(path: Path, what: str) -> tuple[int, int]:
    from impasto.image import jpeg_xl

    needed("imagecodecs", "codecs", str(path), what)
    return jpeg_xl.size_in_file(path)


_SIZES: dict[str, Callable[[Path, str], tuple[int, int]]] = {
    "heif": _heif_size,
    "raw": _raw_size,
    "tiff": _tiff_size,
    "jxl": _jpeg_xl_size,
}
