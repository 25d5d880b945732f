"""The long side of a picture, from its file's header: nothing is decoded. Needs no PyTorch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from impasto.errors import PictureError
from impasto.image import header_limits
from impasto.image.extras import needed
from impasto.image.formats import FORMATS
from impasto.image.kinds import Kind, kind_of

__all__ = ["long_side"]

_PILLOW = [row.pillow for row in FORMATS if row.pillow]


def long_side(source: Any) -> int:
    """Return the pixels of a picture's longer side, which turning it upright does not change.

    Args:
        source: a file, or a picture in memory that has a `size`.

    Raises:
        PictureError: the file is missing, or not a picture that can be read.
    """
    if not isinstance(source, (str, Path)):
        return int(max(source.size))
    size = _size_in_header(Path(source))
    if size is None:  # only a reader says what is wrong with the file, or makes sense of it
        from impasto.image.reading import read

        picture = read(source)
        size = picture.width, picture.height
    return max(size)


def _size_in_header(path: Path) -> tuple[int, int] | None:
    """Return width and height as they are stored; None where the header does not tell."""
    try:
        header_limits.check(path)
        kind = kind_of(path)
        # A picture that is too large is refused, if it is, when it is read.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _size(path, kind)
    except PictureError:
        raise
    except Exception:  # damaged headers make libraries raise a dozen kinds of exceptions
        return None


def _size(path: Path, kind: Kind | None) -> tuple[int, int] | None:
    """Return the size that the library says which reads such files."""
    name = str(path)
    match None if kind is None else kind.reader:
        case "heif":
            assert kind is not None
            image = needed("pillow_heif", "heif", name, kind.name).open_heif(path)
            return int(image.size[0]), int(image.size[1])
        case "raw":
            assert kind is not None
            with needed("rawpy", "raw", name, kind.name).imread(name) as raw:
                return int(raw.sizes.width), int(raw.sizes.height)
        case "tiff":
            import tifffile

            with tifffile.TiffFile(path) as file:
                page = file.pages.first
                return page.imagewidth, page.imagelength
        case "jxl":
            return None
    from PIL import Image

    with Image.open(path, formats=_PILLOW) as image:
        return image.size
