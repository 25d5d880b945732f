"""Read pictures from files of the common formats: each kind of file goes to the reader of it.

Anybody may have written a file. Before it is decoded it must be a regular file of a known format,
with bounded metadata (`opening`) and no more pixels than are allowed and fit into memory
(`size_limits`); the decoders of these formats take time in proportion to pixels and bytes.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageFile, ImageOps

from impasto.errors import PictureError
from impasto.image import frames, header_limits, heif, jpeg_xl, metadata, raw, stored_colours, tiff
from impasto.image.kinds import Kind, kind_of
from impasto.image.metadata import Metadata
from impasto.image.opening import PILLOW_FORMATS, decoding, opened
from impasto.image.picture import Picture
from impasto.image.pixel_modes import Levels, Words, from_deep, from_image, planes
from impasto.image.size_limits import MAX_PIXELS, check_memory, check_size

__all__ = ["depth", "read"]

Bytes = UInt8[np.ndarray, "h w c"]
Decoded = tuple[Levels, Levels | None, Metadata]

_log = logging.getLogger(__name__)

# 16-bit colour: Pillow keeps the high byte of each sample. Decoded once more with the bytes of a
# sample taken in the other order, the same file gives the low bytes.
_OTHER_ORDER = {
    f"{bands};16{order}": f"{bands};16{other}"
    for bands in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
}
# Grey and alpha cannot be decoded in the other order, but their four bytes can be as RGBA.
_GREY_ALPHA = "LA;16B"


def read(
    source: str | os.PathLike[str] | Image.Image,
    *,
    max_pixels: int = MAX_PIXELS,
    short: int | None = None,
) -> Picture:
    """Read a picture, upright by its EXIF orientation and converted to sRGB.

    What its file says beside the pixels is in its `metadata`.

    Its colours are what its ICC profile, its code points (PNG's cICP, AVIF's nclx) or its gamma and
    chromaticities (PNG) say. A high dynamic range is mapped to sRGB's, with a warning in the log.

    All that PNG, JPEG, WebP, TIFF, AVIF, JPEG 2000, GIF, BMP, PPM and TGA hold is read: grey,
    palette, CMYK, Lab, 1 to 32 bits and floats. Exceptions are a PPM written as text, a large PPM
    of another depth than 8 or 16 bits, and a large compressed BMP. HEIC, camera RAW, JPEG XL and
    TIFF's rare codecs need an extra, which the message names. Of an animation, or of several
    pictures in a file, the first is read.

    PNG, TIFF, HEIC, RAW, JPEG XL and the grey of PPM and JPEG 2000 keep up to 16 bits. With
    imagecodecs, so do the colours of JPEG 2000, and those of AVIF that are not sRGB's. A Pillow
    image of mode RGB has only 8, and of what it was opened from only the EXIF orientation and the
    profile count, not code points or a gamma.

    Args:
        source: a file, or a Pillow image, which is not changed.
        max_pixels: a picture with more is refused before it is decoded.
        short: pixels that are enough for the shorter side: a JPEG's file is then decoded at a half
            to an eighth of its size, but no smaller than that, which is quick. Others are whole.

    Raises:
        PictureError: the file is missing, not a picture, damaged, cut short, or too large for the
            limit or for the free memory.
    """
    if isinstance(source, Image.Image):
        name = str(getattr(source, "filename", "") or "the picture")
        colours, alpha, about = _from_pillow(source, name, max_pixels)
    else:
        name = str(source)
        colours, alpha, about = _from_file(Path(source), name, max_pixels, short)
    # Only now, with Pillow's own copy gone: the floats are four times what was decoded.
    with decoding(name, max_pixels):
        return _picture(colours, alpha, about)


def depth(path: Path) -> Literal[8, 16]:
    """Return the bits of each channel: 16 where the file has more than 8, or floats.

    Raises:
        PictureError: the file is a TIFF and damaged.
        OSError: it cannot be read.
    """
    kind = kind_of(path)
    if kind is not None and kind.reader == "raw":
        return 16
    with decoding(str(path), None):
        if kind is not None and kind.reader == "tiff":
            return 16 if tiff.is_deep(path) else 8
        if kind is not None and kind.reader == "heif":
            return 16 if heif.is_deep(path, kind.name) else 8
        if kind is not None and kind.reader == "jxl":
            return 16 if jpeg_xl.is_deep(path) else 8
    with path.open("rb") as file:
        head = file.read(25)
    return 16 if head.startswith(b"\x89PNG") and head[24:] == b"\x10" else 8


def _from_pillow(source: Image.Image, name: str, max_pixels: int) -> Decoded:
    check_size(source.size, name, max_pixels)
    with decoding(name, max_pixels):
        source.load()
        about = metadata.of_info(source.info, name)
        return *from_image(_upright(source, name, is_ours=False), name), about


def _from_file(path: Path, name: str, max_pixels: int, short: int | None) -> Decoded:
    with decoding(name, max_pixels):
        header_limits.check(path)
        kind = kind_of(path)
        if kind is not None and (levels := _by_reader(kind, path, name, max_pixels)) is not None:
            return *levels, metadata.of_file(path, name, kind.reader)
    try:
        return _by_pillow(path, name, max_pixels, short)
    except PictureError:
        if kind is None or kind.reader != "tiff":
            raise
        # Pillow knows fewer kinds of headers; but it says best what is damaged.
        with suppress(PictureError), decoding(name, max_pixels):
            levels = tiff.read_whatever_kind(path, name, max_pixels)
            return *levels, metadata.of_file(path, name, "tiff")
        raise


def _by_pillow(path: Path, name: str, max_pixels: int, short: int | None) -> Decoded:
    with opened(path, name) as image:
        check_size(image.size, name, max_pixels)
        if short is not None:
            _draft(image, short)
        _check_effort(image, path, name)
        with decoding(name, max_pixels):
            frames.note(image, path, name)
            is_deep = bool(_other_order(image))  # before loading, which forgets the tiles
            to_srgb = stored_colours.conversion(path, image, name)
            original, image = image, stored_colours.arranged(path, image, name)
            image.load()
            about = metadata.of_image(original, path, name)  # turning it rewrites its EXIF data
            words = stored_colours.deep(path, image, name)
            image = _upright(image, name)
            if is_deep:
                words = _deep(path, image, name)
            whole = from_image(image, name) if words is None else from_deep(words, image, name)
            return whole[0] if to_srgb is None else to_srgb(whole[0]), whole[1], about


def _draft(image: Image.Image, short: int) -> None:
    """Have a JPEG decoded at a fraction of its size; does nothing to other formats."""
    factor = short / min(image.size)
    if factor < 1:
        width, height = (max(1, round(side * factor)) for side in image.size)
        image.draft(None, (width, height))


def _by_reader(
    kind: Kind, path: Path, name: str, max_pixels: int
) -> tuple[Levels, Levels | None] | None:
    """Return what another reader than Pillow makes of a file; None if it is for Pillow."""
    match kind.reader:
        case "tiff":
            return tiff.read(path, name, max_pixels)
        case "heif":
            return heif.read(path, name, kind.name, max_pixels)
        case "raw":
            return raw.read(path, name, kind.name, max_pixels)
        case "jxl":
            return jpeg_xl.read(path, name, kind.name, max_pixels)
    return None


def _picture(colours: Levels, alpha: Levels | None, about: Metadata) -> Picture:
    pixels = torch.from_numpy(planes(colours))[None]
    mask = None if alpha is None else torch.from_numpy(planes(alpha))[None]
    return Picture(pixels, mask, about)


# Decoders written in Python: some millions of pixels a second.
_SLOW = {"bmp_rle", "ppm"}
_MOST_SLOW_PIXELS = 2**22
_MOST_SLOW_BYTES = 2**25

# The most bytes that a pixel takes while it is read: as decoded, as a copy, as floats.
_BYTES, _BYTES_OF_NUMBERS = 24, 64


def _check_effort(image: Image.Image, path: Path, name: str) -> None:
    """Refuse what would take minutes, or more memory than is free."""
    decoders = {tile.codec_name for tile in getattr(image, "tile", [])}
    pixels = image.width * image.height
    if "ppm_plain" in decoders:
        raise PictureError(f"{name} is a PPM written as text, which is not read: save it as PNG.")
    if decoders & _SLOW and (pixels > _MOST_SLOW_PIXELS or path.stat().st_size > _MOST_SLOW_BYTES):
        raise PictureError(
            f"{name} is a {image.format} of a rare kind; at most {_MOST_SLOW_PIXELS:,} pixels of "
            "these are read: save it as PNG."
        )
    check_memory(image.size, _BYTES_OF_NUMBERS if image.mode[0] in "IF" else _BYTES, name)


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


def _deep(path: Path, image: Image.Image, name: str) -> Words | None:
    """Return all 16 bits of a file whose high bytes are in `image`; None if that fails."""
    with Image.open(path, formats=PILLOW_FORMATS) as reopened:
        reopened.tile = tiles = _other_order(reopened)
        is_grey = len(tiles) == 1 and tiles[0].args == ("RGBA",)
        try:
            reopened.load()
        except (OSError, ValueError) as problem:
            _log.info("%s: read at 8 bits (%s).", name, problem)
            return None
        second = np.asarray(_upright(reopened, name))
    if not is_grey:
        return _join(np.asarray(image), second)
    return _join(second[..., 0::2], second[..., 1::2])[..., [0, 0, 0, 1]]


def _join(high: Bytes, low: Bytes) -> Words:
    words: Words = high.astype(np.uint16) * 256 + low
    return words
