"""Write PNG with 16 bits and TIFF with 8 or 16: Pillow does not write 16-bit colour."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8, UInt16

from impasto.errors import PictureError

__all__ = ["Levels", "png16", "tiff"]

Words = UInt16[np.ndarray, "h w c"]
Levels = UInt8[np.ndarray, "h w c"] | Words

_PNG_PIECE = 1 << 20  # bytes of data in a chunk; the format allows 2³¹ - 1
_TIFF_MOST = 2**32 - 1  # offsets have 32 bits

# TIFF 6.0: type → its number, and the bytes of a value.
_TIFF_TYPES = {"byte": (1, 1), "short": (3, 2), "long": (4, 4), "rational": (5, 8), "raw": (7, 1)}


def png16(levels: Words, *, profile: bytes, keyword: str, text: str | None) -> bytes:
    """Return a PNG file of RGB or RGBA, 16 bits each (W3C PNG, third edition).

    Args:
        levels: 0 to 65535; three or four channels.
        profile: ICC profile for the iCCP chunk.
        keyword, text: content of an iTXt chunk; None for no such chunk.
    """
    height, width, channels = levels.shape
    colour_type = {3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))]
    if text is not None:
        chunks.append((b"iTXt", keyword.encode("latin-1") + bytes(5) + text.encode()))
    data = zlib.compress(_png_rows(levels))
    chunks += [(b"IDAT", data[i : i + _PNG_PIECE]) for i in range(0, len(data), _PNG_PIECE)]
    chunks.append((b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*chunk) for chunk in chunks)


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


def tiff(levels: Levels, *, profile: bytes, xmp: bytes | None) -> bytes:
    """Return a TIFF file of RGB or RGBA, 8 or 16 bits each: little-endian, one strip, deflated.

    Args:
        levels: 0 to the maximum of their type; three or four channels.
        profile: ICC profile.
        xmp: an XMP packet, if any.

    Raises:
        PictureError: it would be larger than 4 GB, the limit of offsets.
    """
    height, width, channels = levels.shape
    strip = zlib.compress(_tiff_differences(levels))
    head = 8  # the strip follows the header, then come the tags and values that do not fit in them
    tags: dict[int, tuple[str, tuple[int, ...] | bytes]] = {
        256: ("long", (width,)),
        257: ("long", (height,)),
        258: ("short", (8 * levels.itemsize,) * channels),
        259: ("short", (8,)),  # compression: deflate
        262: ("short", (2,)),  # RGB
        273: ("long", (head,)),
        277: ("short", (channels,)),
        278: ("long", (height,)),  # rows in the strip
        279: ("long", (len(strip),)),
        282: ("rational", (72, 1)),
        283: ("rational", (72, 1)),
        284: ("short", (1,)),  # the channels of a pixel are together
        296: ("short", (2,)),  # dots per inch
        317: ("short", (2,)),  # predictor: differences along the row
        34675: ("raw", profile),
    }
    if channels == 4:
        tags[338] = ("short", (2,))  # alpha, not premultiplied
    if xmp is not None:
        tags[700] = ("byte", xmp)
    strip += bytes(len(strip) % 2)  # the directory begins at an even offset
    start = head + len(strip)
    data = b"II*\0" + struct.pack("<I", start) + strip + _tiff_directory(tags, start)
    if len(data) > _TIFF_MOST:
        raise PictureError(f"A TIFF file holds 4 GB and this needs {len(data):,}: write a PNG.")
    return data


def _tiff_differences(levels: Levels) -> bytes:
    differences = levels.copy()
    differences[:, 1:] -= levels[:, :-1]  # modulo 2⁸ or 2¹⁶, as the format requires
    return differences.astype(differences.dtype.newbyteorder("<")).tobytes()


def _tiff_directory(tags: dict[int, tuple[str, tuple[int, ...] | bytes]], start: int) -> bytes:
    fields = bytearray(struct.pack("<H", len(tags)))
    beyond = bytearray()
    after = start + 2 + 12 * len(tags) + 4
    for number, (kind, values) in sorted(tags.items()):
        code, size = _TIFF_TYPES[kind]
        data = values if isinstance(values, bytes) else b"".join(_tiff_values(kind, values))
        fields += struct.pack("<HHI", number, code, len(data) // size)
        if len(data) > 4:
            fields += struct.pack("<I", after + len(beyond))
            beyond += data + bytes(len(data) % 2)
        else:
            fields += data.ljust(4, b"\0")
    return bytes(fields + bytes(4) + beyond)  # four zeros: no further directory


def _tiff_values(kind: str, values: tuple[int, ...]) -> Iterator[bytes]:
    for value in values:
        yield struct.pack("<H" if kind == "short" else "<I", value)
