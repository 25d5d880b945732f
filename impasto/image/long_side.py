"""The long side of a picture, from its header alone. Needs no PyTorch for the usual formats."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from impasto.errors import PictureError
from impasto.image import header_limits
from impasto.image.formats import FORMATS

__all__ = ["long_side"]

_PILLOW = [row.pillow for row in FORMATS if row.pillow]
_OTHERS = {suffix for row in FORMATS if not row.pillow for suffix in row.suffixes}


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
    if size is None:  # as for `read`, which also says what is wrong with a file
        from impasto.image.reading import read

        picture = read(source)
        size = picture.width, picture.height
    return max(size)


def _size_in_header(path: Path) -> tuple[int, int] | None:
    """Return width and height as they are stored; None where Pillow cannot tell."""
    from PIL import Image

    if path.suffix.lower() in _OTHERS:  # a camera's RAW file looks like a TIFF of its thumbnail
        return None
    try:
        header_limits.check(path)
        # A picture beyond Pillow's limit is refused, if it is, when it is read.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_PILLOW) as image:
                return image.size
    except PictureError:
        raise
    except Exception:  # damaged headers make decoders raise a dozen kinds of exceptions
        return None
