"""Write PNG with 16 bits, which Pillow does not, and TIFF with 8 or 16 and with metadata."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8, UInt16

from impasto.image import exif
from impasto.image.exif import Directory, Exif

__all__ = ["Chunk", "Levels", "png16", "png_physical", "png_text", "tiff"]

Words = UInt16[np.ndarray, "h w c"]
Levels = UInt8[np.ndarray, "h w c"] | Words
Chunk = tuple[bytes, bytes]

_PNG_PIECE = 1 << 20  # bytes of data in a chunk; the format allows 2³¹ - 1

_TIFF_STRIP = 2**22  # bytes of pixels that are compressed as one
_TIFF_MOST = 2**32 - 2**25  # bytes of pixels; with more, offsets need 64 bits (BigTIFF)
_XMP, _IPTC, _PROFILE = 700, 33723, 34675


def png16(levels: Words, *, profile: bytes, chunks: Sequence[Chunk] = ()) -> bytes:
    """Return a PNG file of RGB or RGBA, 16 bits each (W3C PNG, third edition).

    Args:
        levels: 0 to 65535; three or four channels.
        profile: ICC profile for the iCCP chunk.
        chunks: that stand before the pixels, each a kind and its data.
    """
    height, width, channels = levels.shape
    colour_type = {3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    all_chunks = [(b"IHDR", header), (b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))]
    all_chunks += chunks
    data = zlib.compress(_png_rows(levels))
    all_chunks += [(b"IDAT", data[i : i + _PNG_PIECE]) for i in range(0, len(data), _PNG_PIECE)]
    all_chunks.append((b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*chunk) for chunk in all_chunks)


def png_text(keyword: str, text: str) -> Chunk:
    """Return a text chunk, in UTF-8."""
    return b"iTXt", keyword.encode("latin-1") + bytes(5) + text.encode()


def png_physical(dpi: tuple[float, float]) -> Chunk:
    """Return the chunk that holds the resolution, which PNG counts in pixels per metre."""
    across, down = (round(value / 0.0254) for value in dpi)
    return b"pHYs", struct.pack(">IIB", across, down, 1)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_rows(levels: Words) -> bytes:
    """Return each row minus the one above it, byte by byte (filter 2), which compresses better."""
    height = levels.shape[0]
    rows = levels.astype(">u2").reshape(height, -1).view(np.uint8)
    filtered = np.full((height, rows.shape[1] + 1), 2, dtype=np.uint8)
    filtered[0, 1:] = rows[0]
    filtered[1:, 1:] = rows[1:] - rows[:-1]
    return filtered.tobytes()


def tiff(
    levels: Levels,
    *,
    profile: bytes,
    about: Exif | None = None,
    xmp: bytes | None = None,
    iptc: bytes = b"",
) -> bytes:
    """Return a TIFF file of RGB or RGBA, 8 or 16 bits each, deflated; a BigTIFF beyond 4 GB.

    Args:
        levels: 0 to the maximum of their type; three or four channels.
        profile: ICC profile.
        about: EXIF data, whose first directory becomes part of the file's own.
        xmp: an XMP packet, if any.
        iptc: IPTC's older form of metadata, if any.
    """
    import tifffile  # here, as it imports imagecodecs if that is installed

    is_big = levels.nbytes > _TIFF_MOST
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        levels,
        bigtiff=is_big,
        byteorder="<",
        photometric="rgb",
        extrasamples=["unassalpha"] if levels.shape[2] == 4 else None,
        compression="zlib",
        predictor=True,
        rowsperstrip=max(1, _TIFF_STRIP // levels[0].nbytes),
        metadata=None,
        software=False,
    )
    about = about or Exif()
    fields: Directory = {_PROFILE: exif.undefined(profile)}
    if xmp is not None:
        fields[_XMP] = exif.octets(xmp)
    if iptc:
        fields[_IPTC] = exif.undefined(iptc)
    _set_directory(file, Exif(about.image | fields, about.photo, about.place), is_big)
    return file.getvalue()


# All tags of a TIFF file without metadata.
_LAYOUT = exif.Tags(frozenset(range(254, 340)), longest=2**30)


def _set_directory(file: io.BytesIO, about: Exif, is_big: bool) -> None:
    """Give a little-endian TIFF file another directory: its own fields and those of `about`.

    tifffile writes no EXIF or GPS directories.
    """
    file.seek(0)
    layout = exif.read(file, _LAYOUT).image
    start = file.seek(0, io.SEEK_END)
    file.write(bytes(start % 2))
    start += start % 2
    whole = Exif(layout | about.image, about.photo, about.place)
    file.write(exif.encoded(whole, start, is_big=is_big))
    file.seek(8 if is_big else 4)
    file.write(struct.pack("<Q" if is_big else "<I", start))
