"""Read pictures from files of the common formats.

Anybody may have written a file. Before it is decoded it must be a regular file of a known format,
with bounded metadata (`opening`) and no more pixels than are allowed and fit into memory; the
decoders of these formats take time in proportion to pixels and bytes.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageFile, ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from impasto.errors import PictureError
from impasto.image.opening import MAX_PIXELS, PILLOW_FORMATS, check_size, decoding, opened
from impasto.image.picture import Picture
from impasto.image.pixel_modes import Levels, Words, from_deep, from_image, planes
from impasto.runtime import memory_of

__all__ = ["depth", "read"]

Bytes = UInt8[np.ndarray, "h w c"]

_log = logging.getLogger(__name__)
_BITS_PER_SAMPLE = 258  # TIFF's tag

# 16-bit colour: Pillow keeps the high byte of each sample. Decoded once more with the bytes of a
# sample taken in the other order, the same file gives the low bytes.
_OTHER_ORDER = {
    f"{bands};16{order}": f"{bands};16{other}"
    for bands in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
}
# Grey and alpha cannot be decoded in the other order, but their four bytes can be as RGBA.
_GREY_ALPHA = "LA;16B"


def read(source: str | os.PathLike[str] | Image.Image, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture, upright by its EXIF orientation and converted from its ICC profile to sRGB.

    All that PNG, JPEG, WebP, TIFF, AVIF, JPEG 2000, GIF, BMP and PPM hold is read: grey, palette,
    CMYK, Lab, 1 to 16 bits and floats. Exceptions are a PPM written as text, a large PPM of another
    depth than 8 or 16 bits, and a large compressed BMP. Of an animation the first frame is read.
    16-bit RGB keeps its depth in PNG and TIFF files; a Pillow image of mode RGB has only 8 bits.

    Args:
        source: a file, or a Pillow image, which is not changed.
        max_pixels: a picture with more is refused before it is decoded.

    Raises:
        PictureError: the file is missing, not a picture, damaged, cut short, or too large for the
            limit or for the free memory.
    """
    if isinstance(source, Image.Image):
        name = str(getattr(source, "filename", "") or "the picture")
        colours, alpha = _from_pillow(source, name, max_pixels)
    else:
        name = str(source)
        colours, alpha = _from_file(Path(source), name, max_pixels)
    # Only now, with Pillow's own copy gone: the floats are four times what was decoded.
    with decoding(name, max_pixels):
        return _picture(colours, alpha)


def depth(path: Path) -> Literal[8, 16]:
    """Return the bits of each channel: 16 in a deep PNG or TIFF, 8 in everything else."""
    with path.open("rb") as file:
        head = file.read(25)
    if head.startswith(b"\x89PNG"):
        return 16 if head[24] == 16 else 8
    if head[:4] not in (b"II*\0", b"MM\0*"):
        return 8
    with opened(path) as image:
        tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
        return 16 if max(tags.get(_BITS_PER_SAMPLE, (8,))) == 16 else 8


def _from_pillow(source: Image.Image, name: str, max_pixels: int) -> tuple[Levels, Levels | None]:
    check_size(source.size, name, max_pixels)
    with decoding(name, max_pixels):
        source.load()
        return from_image(_upright(source, name, is_ours=False), name)


def _from_file(path: Path, name: str, max_pixels: int) -> tuple[Levels, Levels | None]:
    with opened(path) as image:
        check_size(image.size, name, max_pixels)
        _check_effort(image, name)
        with decoding(name, max_pixels):
            is_deep = bool(_other_order(image))  # before loading, which forgets the tiles
            image.load()
            image = _upright(image, name)
            words = _deep(path, image) if is_deep else None
            if words is None:
                return from_image(image, name)
            return from_deep(words, image, name)


def _picture(colours: Levels, alpha: Levels | None) -> Picture:
    pixels = torch.from_numpy(planes(colours))[None]
    return Picture(pixels, None if alpha is None else torch.from_numpy(planes(alpha))[None])


# Decoders written in Python: some millions of pixels a second.
_SLOW = {"bmp_rle", "ppm"}
_MOST_SLOW_PIXELS = 2**22
_MOST_SLOW_BYTES = 2**25

# The most bytes that a pixel takes while it is read: as decoded, as a copy, as floats.
_BYTES, _BYTES_OF_NUMBERS = 24, 64
_FEW_PIXELS = 2**24  # below it memory is not checked


def _check_effort(image: Image.Image, name: str) -> None:
    """Refuse what would take minutes, or more memory than is free."""
    decoders = {tile.codec_name for tile in getattr(image, "tile", [])}
    pixels = image.width * image.height
    if "ppm_plain" in decoders:
        raise PictureError(f"{name} is a PPM written as text, which is not read: save it as PNG.")
    if decoders & _SLOW and (
        pixels > _MOST_SLOW_PIXELS or Path(name).stat().st_size > _MOST_SLOW_BYTES
    ):
        raise PictureError(
            f"{name} is a {image.format} of a rare kind; at most {_MOST_SLOW_PIXELS:,} pixels of "
            "these are read: save it as PNG."
        )
    if pixels <= _FEW_PIXELS:
        return
    needed = pixels * (_BYTES_OF_NUMBERS if image.mode[0] in "IF" else _BYTES)
    free = memory_of(torch.device("cpu"))
    if needed > free:
        raise PictureError(
            f"{name} measures {image.width}×{image.height}, which takes {needed / 1e9:.1f} GB to "
            f"read, and {free / 1e9:.1f} GB of memory are free. Make it smaller first."
        )


def _upright(image: Image.Image, name: str, *, is_ours: bool = True) -> Image.Image:
    """Turn the image as its EXIF data says: in place if it is ours, else return a copy."""
    try:
        if not is_ours:
            return ImageOps.exif_transpose(image)
        ImageOps.exif_transpose(image, in_place=True)
    except Exception as problem:  # as above; and the picture itself can still be read
        _log.warning("%s: its EXIF data is damaged and ignored (%s).", name, problem)
    return image


def _other_order(image: Image.Image) -> list[ImageFile._Tile]:
    """Return the tiles that decode the low bytes of a 16-bit colour image; empty for others."""
    tiles = []
    for tile in getattr(image, "tile", []):
        first, *further = (tile.args,) if isinstance(tile.args, str) else tile.args or (None,)
        other = "RGBA" if first == _GREY_ALPHA else _OTHER_ORDER.get(str(first))
        if other is None:
            return []
        tiles.append(tile._replace(args=(other, *further)))
    return tiles


def _deep(path: Path, image: Image.Image) -> Words | None:
    """Return all 16 bits of a file whose high bytes are in `image`; None if that fails."""
    with Image.open(path, formats=PILLOW_FORMATS) as reopened:
        reopened.tile = tiles = _other_order(reopened)
        is_grey = len(tiles) == 1 and tiles[0].args == ("RGBA",)
        try:
            reopened.load()
        except (OSError, ValueError) as problem:
            _log.info("%s: read at 8 bits (%s).", path, problem)
            return None
        second = np.asarray(_upright(reopened, str(path)))
    if not is_grey:
        return _join(np.asarray(image), second)
    return _join(second[..., 0::2], second[..., 1::2])[..., [0, 0, 0, 1]]


def _join(high: Bytes, low: Bytes) -> Words:
    words: Words = high.astype(np.uint16) * 256 + low
    return words
