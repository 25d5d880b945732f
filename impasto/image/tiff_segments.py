"""Decode the strips and tiles of a TIFF: tifffile lays them out, within bounds on what they hold.

A strip of a few bytes may unpack to gigabytes, or hold a picture that does. So what is unpacked
here ends at the size that the strip has by the file's tags, and what a codec unpacks whole says its
size first.
"""

from __future__ import annotations

import copy
import io
import lzma
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped
from PIL import Image

from impasto.errors import PictureError
from impasto.image import header_limits, jpeg_xl
from impasto.image.extras import optional
from impasto.installation import install_hint

if TYPE_CHECKING:
    from tifffile import TiffPage

__all__ = ["check", "decode"]

_MOST_SEGMENTS = 2**18  # each takes some microseconds, whatever its size
_MOST_SAMPLES = 64
_MOST_PADDING = 2**22  # pixels of a tile beyond those of the picture
_MOST_PADDED = 2**26  # numbers of all tiles beyond a multiple of the picture's

# Codes of compression. Those in `_ALONE` tifffile, or Python, decodes without imagecodecs.
_DEFLATE, _LZMA = {8, 32946, 50013}, {34925}
_ALONE = {1} | _DEFLATE | _LZMA
_JPEG, _JPEG_2000 = {6, 7, 33007, 34892}, {33003, 33004, 33005, 34712}
_WEBP, _JPEG_XL, _PNG, _LERC = {34927, 50001}, {50002, 52546}, {34933}, {34887}
_NAMES = {
    2: "CCITT", 3: "CCITT", 4: "CCITT", 5: "LZW", 32773: "PackBits", 34887: "LERC", 34933: "PNG",
    34926: "Zstandard", 50000: "Zstandard", **dict.fromkeys(_JPEG, "JPEG"),
    **dict.fromkeys(_JPEG_2000, "JPEG 2000"), **dict.fromkeys(_WEBP, "WebP"),
    **dict.fromkeys(_JPEG_XL, "JPEG XL"),
}  # fmt: skip
_WHOLE_PICTURES = _JPEG | _JPEG_2000 | _WEBP | _JPEG_XL | _PNG
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3  # predictors


def check(page: TiffPage, name: str) -> None:
    """Check that a picture can be decoded, in reasonable time, with what is installed.

    Raises:
        PictureError: it cannot; the message names imagecodecs' extra where that would help.
    """
    if page.imagedepth != 1 or page.tiledepth not in (0, 1):
        raise PictureError(
            f"{name} is a volume of {page.imagedepth} slices: save the one that you want as PNG or "
            "TIFF first."
        )
    if page.dtype is None or page.dtype.kind not in "buif":
        raise PictureError(
            f"{name} is a TIFF of a rare kind ({_numbers(page)}): save it as 8 or 16 bits first."
        )
    if page.samplesperpixel > _MOST_SAMPLES:
        raise PictureError(
            f"{name} has {page.samplesperpixel} channels: save those that you want as RGB first."
        )
    if page.is_subsampled and page.compression not in _JPEG:
        raise PictureError(
            f"{name} is a TIFF of a rare kind (colours of fewer pixels than its greys): save it as "
            "RGB first."
        )
    if page.compression not in _ALONE | _NAMES.keys():
        raise PictureError(
            f"{name} is a TIFF of a rare compression (number {int(page.compression)}): save it "
            "uncompressed or deflated first."
        )
    if (codec := _missing_codec(page)) is not None and optional("imagecodecs") is None:
        raise PictureError(
            f"{name} is a TIFF that needs a codec for {codec}: `{install_hint('codecs')}` reads it."
        )
    _check_layout(page, name)


def _numbers(page: TiffPage) -> str:
    formats = {1: "whole", 2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}
    kind = formats.get(page.sampleformat, "undefined")
    bits = page.bitspersample
    each = "/".join(map(str, bits)) if isinstance(bits, tuple) else str(bits)
    return f"{kind} numbers of {each} bits"


def _missing_codec(page: TiffPage) -> str | None:
    """Return what tifffile cannot decode alone, as a message calls it."""
    if page.compression not in _ALONE:
        return _NAMES[page.compression]
    if page.predictor not in (1, _DIFFERENCES):
        return "floating-point differences" if page.predictor == _FLOAT_DIFFERENCES else "them"
    bits = page.bitspersample
    if isinstance(bits, int) and bits > 16 and bits not in (32, 64):
        return _numbers(page)
    return None


def _check_layout(page: TiffPage, name: str) -> None:
    pixels = page.imagewidth * page.imagelength
    if page.is_tiled:
        tile = page.tilewidth * page.tilelength
        if tile < 1 or tile > pixels + _MOST_PADDING:
            raise ValueError(f"tiles of {page.tilewidth}×{page.tilelength}")
        across = -(-page.imagewidth // page.tilewidth)
        number = across * -(-page.imagelength // page.tilelength)
        # All of them may be the same few bytes, each of which is unpacked.
        if (number * tile - 4 * pixels) * page.samplesperpixel > _MOST_PADDED:
            raise ValueError("its tiles are larger than its pixels")
    else:
        number = -(-page.imagelength // max(1, page.rowsperstrip))
    if page.planarconfig != 1:
        number *= page.samplesperpixel
    if number > _MOST_SEGMENTS:
        raise PictureError(
            f"{name} is cut into {number:,} pieces; at most {_MOST_SEGMENTS:,} are read. Save it "
            "again first."
        )
    counts = page.databytecounts[:number]
    # No encoder doubles a picture; strips that claim the same bytes again and again would.
    if sum(counts) > 2 * page.nbytes + number * 65536:
        raise ValueError("its pieces are larger than its pixels")
    if min(len(counts), len(page.dataoffsets)) < number:
        raise ValueError("pieces are missing")


def decode(page: TiffPage) -> Shaped[np.ndarray, "h w c"]:
    """Return a picture's numbers as the file has them.

    Raises:
        Exception: a strip or tile is damaged, or larger than the tags say.
    """
    planes, _, height, width, channels = page.shaped
    values = np.zeros((planes, height, width, channels), page.dtype)
    unpack = _Unpacking(page)
    number, missing = len(page.dataoffsets), 0
    for data, index in page.parent.filehandle.read_segments(
        page.dataoffsets, page.databytecounts[:number]
    ):
        if data is None:  # sparse files leave empty tiles out
            missing += 1
            continue
        assert isinstance(data, bytes)
        assert isinstance(index, int)
        segment, (plane, _, top, left, _), _ = unpack.simple.decode(
            unpack(data), index, jpegtables=page.jpegtables, jpegheader=page.jpegheader
        )
        assert segment is not None
        if unpack.mask is not None:
            segment = segment & segment.dtype.type(unpack.mask)
        piece = segment[0, : height - top, : width - left]
        values[plane, top : top + piece.shape[0], left : left + piece.shape[1]] = piece
    if missing == number:
        raise ValueError("its pixels are missing")
    return values[0] if planes == 1 else np.moveaxis(values[..., 0], 0, -1)


class _Unpacking:
    """Unpacks strips and tiles, as far as it takes to bound them.

    Attributes:
        simple: the picture's tags after that; tifffile does the rest by them.
        mask: of the bits of packed numbers, once their differences are summed up.
    """

    def __init__(self, page: TiffPage) -> None:
        self.simple = copy.copy(page)
        self._compression = page.compression
        self._page = page
        width = page.tilewidth if page.is_tiled else page.imagewidth
        height = page.tilelength if page.is_tiled else page.rowsperstrip
        self._samples = page.samplesperpixel if page.planarconfig == 1 else 1
        self._pixels = width * height
        bits = page.bitspersample
        self._bits = sum(bits) if isinstance(bits, tuple) else bits * self._samples
        self._row = -(-width * self._bits // 8)
        self._width = width
        self._limit = self._row * height
        self._is_reversed = page.fillorder == 2 and page.compression not in _WHOLE_PICTURES
        if self._compression in _DEFLATE | _LZMA:
            self.simple.compression = 1
            self.simple.fillorder = 1
        assert page.dtype is not None
        self._is_packed = (
            isinstance(bits, int)
            and bits < 16
            and bits not in (1, 8)
            and self.simple.compression == 1
            and page.dtype.kind == "u"
        )
        self.mask = 2**bits - 1 if self._is_packed and isinstance(bits, int) else None
        if self._is_packed:
            self.simple.fillorder = 1
            self.simple.bitspersample = 8 * page.dtype.itemsize

    def __call__(self, data: bytes) -> bytes:
        if self._is_reversed and self.simple.fillorder == 1:
            data = data.translate(_REVERSED)
        if self._compression in _DEFLATE:
            data = zlib.decompressobj().decompress(data, self._limit)
        elif self._compression in _LZMA:
            data = lzma.LZMADecompressor(memlimit=_LZMA_MEMORY).decompress(data, self._limit)
        elif self._compression in _LERC:
            data = self._lerc(data)
        elif self._compression in _WHOLE_PICTURES:
            self._check_claim(_picture_size(data, self._compression))
        return self._unpacked(data) if self._is_packed else data

    def _check_claim(self, size: tuple[int, int]) -> None:
        """Check the size that a strip's own picture has: its decoder would make room for that."""
        if size[0] * size[1] > 2 * self._pixels + 2**16:
            raise ValueError(
                f"a picture of {size[0]}×{size[1]} in a piece of {self._pixels} pixels"
            )

    def _lerc(self, data: bytes) -> bytes:
        """Return LERC data that is not compressed further."""
        parameters = self._page.tags.valueof(_LERC_PARAMETERS, (0, 0))
        limit = 2 * self._limit + 2**16
        if parameters[1] == 1:
            data = zlib.decompressobj().decompress(data, limit)
        elif parameters[1] == 2:
            codecs = optional("imagecodecs")
            assert codecs is not None
            data = codecs.zstd_decode(data, out=limit)
        width, height, channels = _lerc_size(data)
        self._check_claim((width, height))
        if channels > self._samples:
            raise ValueError("it has more channels than its tags say")
        return data

    def _unpacked(self, data: bytes) -> bytes:
        """Return packed numbers of 2 to 15 bits as bytes or words."""
        assert self._page.dtype is not None
        assert isinstance(self._page.bitspersample, int)
        bits, count = self._page.bitspersample, self._width * self._samples
        rows = np.frombuffer(data, np.uint8)[: len(data) // self._row * self._row]
        kind = self._page.dtype.newbyteorder(self._page.parent.byteorder)
        values = np.empty((len(rows) // self._row, count), kind)
        for at, row in enumerate(rows.reshape(-1, self._row)):
            places = np.unpackbits(row)[: count * bits].reshape(count, bits)
            values[at] = places @ (1 << np.arange(bits)[::-1])
        return values.tobytes()


_LZMA_MEMORY = 2**28
_LERC_PARAMETERS = 50674
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _picture_size(data: bytes, compression: int) -> tuple[int, int]:
    if compression in _JPEG:
        return _jpeg_size(data)
    if compression in _JPEG_XL:
        return jpeg_xl.size_of(data)
    names = {**dict.fromkeys(_JPEG_2000, "JPEG2000"), **dict.fromkeys(_WEBP, "WEBP")}
    with Image.open(io.BytesIO(data), formats=[names.get(compression, "PNG")]) as image:
        return image.size


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG of any number of bits (ITU-T T.81, B.2)."""
    if data.count(b"\xff\xda") > header_limits.MAX_SCANS:
        raise ValueError("it has too many scans")
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", data, at + 2)[0]
    raise ValueError("it has no size")


def _lerc_size(data: bytes) -> tuple[int, int, int]:
    """Return width, height and channels (github.com/Esri/lerc, doc/lerc_2_4_spec)."""
    if data[:10] == b"CntZImage ":
        height, width = struct.unpack_from("<ii", data, 18)
        return width, height, 1
    if data[:6] != b"Lerc2 ":
        raise ValueError("it is not LERC")
    (version,) = struct.unpack_from("<i", data, 6)
    at = 10 if version < 3 else 14
    height, width = struct.unpack_from("<ii", data, at)
    channels = struct.unpack_from("<i", data, at + 8)[0] if version >= 4 else 1
    return width, height, channels
