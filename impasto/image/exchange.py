"""Pictures between a Python program and the package: files, Pillow images, arrays of NumPy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from impasto.errors import OptionError
from impasto.image import reading, writing
from impasto.image.opening import recipe_in
from impasto.image.picture import Picture
from impasto.image.size_limits import MAX_PIXELS, check_size

__all__ = ["path_of", "read", "write"]

_HIGHEST = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65_535}
_SHAPES = "(height, width), (height, width, 3) or (height, width, 4)"


def read(source: Any, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture from a file, or from memory, as sRGB values in [0, 1].

    A file is turned upright and converted from its profile, or from what else it says of its
    colours, such as a high dynamic range, which is mapped to sRGB's. Of a Pillow image only the
    EXIF orientation and the profile are known: one of 8 bits that Pillow has opened from an AVIF
    in PQ or HLG, or from a PNG with a gamma, has other colours than the file itself, so give the
    file. An array is sRGB already.

    Args:
        source: a file's name or path; a Pillow image, which is not changed; a NumPy array of bytes,
            of 16 bits, or of floating point from 0 to 1, shaped (height, width) for grey, or
            (height, width, 3 or 4); or what this function has returned.
        max_pixels: a picture with more is refused before it is decoded.

    Raises:
        PictureError: the file is missing, not a picture, damaged, cut short, or too large for the
            limit or for the free memory; or the array has no pixels, or too many.
        OptionError: anything else, or an array of another shape or type.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, Image.Image):
        return reading.read(source, max_pixels=max_pixels)
    if isinstance(source, (str, os.PathLike)):
        return reading.read(source, max_pixels=max_pixels)
    raise OptionError(
        f"A picture is given as {type(source).__name__}. It may be a file's name or path, a Pillow "
        "image, a NumPy array, or what `impasto.read` returns."
    )


def write(
    picture: Any,
    path: str | os.PathLike[str],
    *,
    recipe: str | bool | None = True,
    bits: Literal[8, 16] = 8,
    force: bool = False,
    quality: int = 95,
    metadata: str = "keep",
) -> None:
    """Write a picture as PNG, JPEG, WebP, TIFF, AVIF or JPEG XL, by the suffix of `path`.

    The file has an sRGB profile. It is written completely or not at all.

    Args:
        picture: what `impasto.stylize` or `impasto.read` has returned, or anything that the latter
            takes.
        recipe: a text to keep in the metadata. By default that which a Pillow image from this
            package has in `info["impasto"]`, or a file in itself; None leaves it out.
        bits: of each channel; 16 in PNG, TIFF and JPEG XL only.
        force: replace an existing file.
        quality: of JPEG, WebP, AVIF and JPEG XL, 1 to 100; a WebP or JPEG XL of 100 is lossless.
            JPEG has no transparency: the picture is then laid over white.
        metadata: what is kept of the picture's own, as in `impasto.stylize`.

    Raises:
        PictureError: the picture cannot be read, the file cannot be written, or its format cannot
            hold it.
        OptionError: `quality` is out of range, or the picture or the path is something else.
    """
    text = recipe_in(picture) if recipe is True else recipe or None
    writing.write(
        read(picture),
        path_of(path),
        recipe=text,
        bits=bits,
        force=force,
        quality=quality,
        metadata=metadata,
    )


def path_of(path: Any) -> Path:
    """Return a path from a text or a path.

    Raises:
        OptionError: it is something else.
    """
    if isinstance(path, (str, os.PathLike)):
        return Path(path)
    raise OptionError(f"A file is named by {type(path).__name__}. It takes text or a path.")


def _from_array(array: np.ndarray, max_pixels: int) -> Picture:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise OptionError(f"An array has the shape {array.shape}. A picture has {_SHAPES}.")
    check_size((array.shape[1], array.shape[0]), "The array", max_pixels)
    values = torch.from_numpy(_scaled(array if array.ndim == 3 else array[..., None]))
    planes = values.permute(2, 0, 1)[None].contiguous()
    alpha = planes[:, 3:] if planes.shape[1] == 4 else None
    return Picture(planes[:, :3].expand(1, 3, -1, -1).contiguous(), alpha)


def _scaled(array: np.ndarray) -> np.ndarray:
    """Return an array's values in [0, 1], in single precision."""
    if array.dtype in _HIGHEST:
        return array.astype(np.float32) / np.float32(_HIGHEST[array.dtype])
    if not np.issubdtype(array.dtype, np.floating):
        raise OptionError(
            f"An array is of {array.dtype}. A picture is of uint8, of uint16, or of floats from 0 "
            "to 1."
        )
    values = array.astype(np.float32)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 1):  # so also where there are values that are no numbers
        raise OptionError(
            f"An array of {array.dtype} has values from {low:.6g} to {high:.6g}. A picture has "
            "floats from 0 to 1: divide what is from 0 to 255 by 255."
        )
    return values
