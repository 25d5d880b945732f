"""Read JPEG XL by imagecodecs, within the limits on a picture's size, and write it."""

from __future__ import annotations

import io
from io import BufferedIOBase
from pathlib import Path
from types import ModuleType

import numpy as np
from jaxtyping import UInt8, UInt16

from impasto.errors import PictureError
from impasto.image import boxes
from impasto.image.extras import needed, optional
from impasto.image.pixel_modes import Levels, unit
from impasto.image.size_limits import check_memory, check_size
from impasto.installation import install_hint

__all__ = ["encoded", "is_deep", "read", "size_in_file", "size_of", "writer"]

_START = 32  # bytes of a codestream, within which the fields end that are looked at
_BYTES = 40  # a pixel while it is read: decoded as floats, converted, as floats


def read(path: Path, name: str, what: str, max_pixels: int) -> tuple[Levels, Levels | None]:
    """Return sRGB and alpha of the file's first frame, upright.

    imagecodecs does not return the colour profile: colours are taken as sRGB.

    Args:
        name: of the file, for messages.
        what: the file is, for the message if imagecodecs is missing.

    Raises:
        PictureError: imagecodecs is not installed, or the picture is too large.
        Exception: the file is damaged.
    """
    codecs = needed("imagecodecs", "codecs", name, what)
    size = size_in_file(path)
    check_size(size, name, max_pixels)
    check_memory(size, _BYTES, name)
    values = codecs.jpegxl_decode(path.read_bytes(), index=0, numthreads=1)
    values = values if values.ndim == 3 else values[..., None]
    if values.ndim != 3 or values.shape[-1] > 4:
        raise PictureError(f"{name} has {values.shape[-1]} channels: save it as RGB first.")
    if values.dtype not in (np.uint8, np.uint16):
        values = unit(values, (1,), name)
    has_alpha = values.shape[-1] in (2, 4)
    colours = values[..., :-1] if has_alpha else values
    alpha = values[..., -1:] if has_alpha else None
    return np.broadcast_to(colours, (*colours.shape[:2], 3)), alpha


def is_deep(path: Path) -> bool:
    """Return whether the file has more than 8 bits of a channel.

    Raises:
        ValueError: it is cut short.
    """
    with path.open("rb") as file:
        return _Header(file).bits > 8


def size_of(data: bytes) -> tuple[int, int]:
    """Return width and height by a JPEG XL's header.

    Raises:
        ValueError: it is cut short.
    """
    header = _Header(io.BytesIO(data))
    return header.width, header.height


def size_in_file(path: Path) -> tuple[int, int]:
    """Return width and height by a file's header, without reading the rest of it.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is cut short.
    """
    with path.open("rb") as file:
        header = _Header(file)
    return header.width, header.height


def encoded(
    values: UInt8[np.ndarray, "h w c"] | UInt16[np.ndarray, "h w c"],
    *,
    quality: int,
    exif: bytes,
    xmp: bytes | None,
) -> bytes:
    """Return a JPEG XL file of sRGB, with its metadata in boxes (ISO/IEC 18181-2).

    Args:
        values: RGB or RGBA.
        quality: 1 to 100, which is lossless.
        exif: EXIF data, perhaps empty.
        xmp: an XMP packet, if any.

    Raises:
        PictureError: imagecodecs is not installed.
    """
    codecs = writer()
    # libjxl's own scale of distances, on which 90 looks like the original (JxlEncoderDistance…).
    distance = (
        0.1 + (100 - quality) * 0.09
        if quality >= 30
        else 53 / 3000 * quality**2 - 23 / 20 * quality + 25
    )
    options = {"lossless": True} if quality == 100 else {"distance": distance}
    data = codecs.jpegxl_encode(values, photometric="rgb", usecontainer=True, **options)
    parts = [boxes.box(b"Exif", bytes(4) + exif)] if exif else []
    parts += [] if xmp is None else [boxes.box(b"xml ", xmp)]
    return bytes(data) + b"".join(parts)


def writer() -> ModuleType:
    """Return the library that writes JPEG XL.

    Raises:
        PictureError: it is not installed, or without this codec.
    """
    codecs = optional("imagecodecs")
    if codecs is None or not codecs.JPEGXL.available:
        raise PictureError(
            f"JPEG XL is written by imagecodecs: `{install_hint('codecs')}` installs it."
        )
    return codecs


class _Header:
    """The beginning of a codestream (ISO/IEC 18181-1, SizeHeader and ImageMetadata).

    Attributes:
        width, height: of the picture.
        bits: of each channel.
    """

    def __init__(self, file: BufferedIOBase) -> None:
        bits = _Bits(_codestream(file)[2:])
        self.width, self.height = _size(bits)
        self.bits = 8 if bits.take(1) else _depth(bits)


def _size(bits: _Bits) -> tuple[int, int]:
    is_small = bits.take(1)

    def side() -> int:
        if is_small:
            return 8 * (bits.take(5) + 1)
        return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1

    height = side()
    if (ratio := bits.take(3)) == 0:
        return side(), height
    numerator, denominator = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
    return height * numerator // denominator, height


def _depth(bits: _Bits) -> int:
    if bits.take(1):  # further fields of which the orientation is the first
        bits.take(3)
        if bits.take(1):  # the intrinsic size
            _size(bits)
        if bits.take(1) or bits.take(1):
            return 16  # a preview or an animation: its fields are not worth following
    if bits.take(1):
        return 32  # floats
    return (8, 10, 12)[chosen] if (chosen := bits.take(2)) < 3 else bits.take(6) + 1


class _Bits:
    """Numbers in a codestream: the lowest bit of a byte comes first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("cut short")
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return value


def _codestream(file: BufferedIOBase) -> bytes:
    """Return the beginning of the codestream, which a container holds in a box of its own."""
    start = file.read(_START)
    if start[:2] == b"\xff\x0a":
        return start
    file.seek(0)
    kind, data = boxes.first(file, b"jxlc", b"jxlp", most=_START + 4, whole=False)
    if not data:
        raise ValueError("it has no codestream")
    return data[4:] if kind == b"jxlp" else data  # a part has its number first
