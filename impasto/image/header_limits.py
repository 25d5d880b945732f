"""Limits on the sizes that a picture file's headers name, checked before it is decoded.

Decoders read headers and metadata piece by piece in Python, store all of it, and decode all scans.
So a small file can take hours or all memory. These walks follow only lengths; the decoder reports
damage better.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Callable, Generator, Iterator
from io import BufferedReader
from pathlib import Path

from impasto.errors import PictureError
from impasto.files import limits
from impasto.image import boxes

__all__ = ["MAX_BYTES", "MAX_DIRECTORIES", "MAX_METADATA", "MAX_PIECES", "MAX_SCANS", "check"]

MAX_BYTES = 2**32
"""The largest file that is read, in bytes: the limit of TIFF."""

MAX_METADATA = 64 * 2**20
"""The most bytes besides the pixels: profiles, EXIF, XMP, thumbnails, comments."""

MAX_PIECES = 1_000_000
"""The most chunks, segments, boxes or blocks."""

MAX_DIRECTORIES = 8
"""The most directories of a TIFF that are looked at for its picture, besides those within them."""

MAX_SCANS = 100
"""The most scans of a progressive JPEG: encoders write about ten, each takes a full decoding."""

Walk = Callable[[BufferedReader], Iterator[int]]

# Files that are read into memory before their headers: AVIF and HEIF, WebP, JPEG XL.
_WHOLE = re.compile(rb"....ftyp|RIFF....WEBP|\xff\x0a|\0\0\0\x0cJXL ", re.DOTALL)
_READ_WHOLE = 2**29  # bytes of such a file
_HEADER = 4096  # bytes within which a PPM's must end


def check(path: Path) -> None:
    """Check a file's size and those in its headers; reads lengths, not contents.

    Raises:
        PictureError: they are too large, or it is not a regular file.
    """
    limits.check(path, sys.maxsize, PictureError)  # opening a pipe would wait for ever
    with path.open("rb") as file:
        head = file.read(_HEADER)
        limits.check(path, _READ_WHOLE if _WHOLE.match(head) else MAX_BYTES, PictureError)
        for magic, walk in _WALKS.items():
            if re.match(magic, head, re.DOTALL):
                file.seek(0)
                _count(path, walk(file))


def _count(path: Path, pieces: Iterator[int]) -> None:
    total = 0
    for number, size in enumerate(pieces, 1):
        total += size
        if total > MAX_METADATA or number > MAX_PIECES:
            raise PictureError(
                f"{path} has more beside its pixels than a picture should: at most "
                f"{MAX_METADATA:,} bytes in {MAX_PIECES:,} pieces are read. Save it without "
                "metadata and layers first."
            )


def _png(file: BufferedReader) -> Iterator[int]:
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        yield 0 if kind in (b"IDAT", b"fdAT") else length
        if kind == b"IEND":
            return
        file.seek(length + 4, 1)


# In coded data 0xFF is followed by 0, by a restart or by itself; anything else is a marker.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
_ENDLESS = {0x01, 0xD8}  # markers without a segment
_SCAN, _END = 0xDA, 0xD9


def _jpeg(file: BufferedReader) -> Iterator[int]:
    scans = 0
    while (marker := _marker(file)) is not None and marker != _END:
        if marker in _ENDLESS:
            yield 0
            continue
        if len(head := file.read(2)) < 2:
            return
        (length,) = struct.unpack(">H", head)
        scans += marker == _SCAN
        if scans > MAX_SCANS:
            raise PictureError(
                f"{file.name} is a JPEG of more than {MAX_SCANS} scans, which no picture needs. "
                "Save it again first."
            )
        yield length
        file.seek(max(0, length - 2), 1)


def _marker(file: BufferedReader) -> int | None:
    """Return the next marker, with the file's position behind it."""
    while len(block := file.read(1 << 16)) > 1:
        if match := _MARKER.search(block):
            file.seek(match.end() - len(block), 1)
            return match[1][0]
        file.seek(-1, 1)  # its last byte may begin one
    return None


def _gif(file: BufferedReader) -> Iterator[int]:
    """Yield the lengths up to the first image, the only one that is read."""
    head = file.read(13)
    if len(head) == 13 and head[10] & 0x80:
        file.seek(3 << ((head[10] & 7) + 1), 1)  # the colours
    while (kind := file.read(1)) not in (b"", b",", b";"):
        if kind != b"!":
            yield 1
            continue
        file.seek(1, 1)
        while (length := file.read(1)) not in (b"", b"\0"):
            yield length[0]
            file.seek(length[0], 1)


def _tiff(file: BufferedReader) -> Iterator[int]:
    """Yield the lengths in the first directories, those that are looked at, and within them."""
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    is_big = head[2:4] in (b"+\0", b"\0+")
    kind = "Q" if is_big else "I"
    if len(head) < 16:
        return
    (at,) = struct.unpack_from(order + kind, head, 8 if is_big else 4)
    visited: set[int] = set()
    while at and at not in visited and len(visited) < MAX_DIRECTORIES:
        visited.add(at)
        at = yield from _directory(file, at, order, is_big, depth=0)


_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_INNER = {330, 34665, 34853, 40965}  # tags that point to further directories
# Offsets and lengths of strips and tiles, and tags of MetaMorph, whose values are multiplied.
_MOST_VALUES = {**dict.fromkeys((273, 279, 324, 325), MAX_PIECES), 33628: 256, 33629: 10_000}


def _directory(
    file: BufferedReader, at: int, order: str, is_big: bool, depth: int
) -> Generator[int, None, int]:
    """Yield the lengths in a directory; return the offset of the next, 0 for none."""
    if at >= MAX_BYTES or depth > 2:
        return 0
    file.seek(at)
    counts, entry, pointer = ("Q", "HHQQ", "Q") if is_big else ("H", "HHII", "I")
    start, step = struct.calcsize(order + counts), struct.calcsize(order + entry)
    if len(head := file.read(start)) < start:
        return 0
    (number,) = struct.unpack(order + counts, head)
    entries = file.read(step * min(number, MAX_PIECES))
    entries = entries[: len(entries) // step * step]  # cut short, perhaps
    end = file.read(struct.calcsize(order + pointer))
    yield step * number
    for tag, kind, count, value in struct.iter_unpack(order + entry, entries):
        is_bounded = count <= _MOST_VALUES.get(tag, count)
        yield count * _SIZES.get(kind, 0) if is_bounded else MAX_METADATA + 1
        if tag in _INNER and count == 1 and kind in (4, 13, 16):
            yield from _directory(file, value, order, is_big, depth + 1)
    is_whole = len(end) == struct.calcsize(order + pointer)
    return int(struct.unpack(order + pointer, end)[0]) if is_whole else 0


def _jpeg2000(file: BufferedReader) -> Iterator[int]:
    if file.read(4) == b"\xff\x4f\xff\x51":
        file.seek(0)
        yield from _codestream(file)
        return
    file.seek(0)
    for place in boxes.places(file):
        if place.kind == b"jp2c":
            file.seek(place.start)
            yield from _codestream(file)
            return
        yield place.size


def _jpeg_xl(file: BufferedReader) -> Iterator[int]:
    for place in boxes.places(file):
        yield 0 if place.kind in (b"jxlc", b"jxlp") else place.size


def _codestream(file: BufferedReader) -> Iterator[int]:
    """Yield the lengths of the main header's marker segments, up to the first tile."""
    file.seek(2, 1)
    while len(head := file.read(4)) == 4 and head[1] not in (0x90, 0xD9):
        (length,) = struct.unpack(">H", head[2:])
        yield length
        file.seek(max(0, length - 2), 1)


def _ppm(file: BufferedReader) -> Iterator[int]:
    """Limit the header: Pillow reads its numbers byte by byte, through all comments."""
    words = re.sub(rb"#[^\r\n]*", b"", file.read(_HEADER)).split(maxsplit=4)
    needed = 3 if words[:1] in ([b"P1"], [b"P4"]) else 4
    yield 0 if len(words) >= needed else MAX_METADATA + 1


_WALKS: dict[bytes, Walk] = {
    rb"\x89PNG": _png,
    rb"\xff\xd8": _jpeg,
    rb"GIF8": _gif,
    rb"II[*+]|MM\0[*+]|MM\*\0|II\0\*": _tiff,
    rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ": _jpeg2000,
    rb"\0\0\0\x0cJXL ": _jpeg_xl,
    rb"P[\dFfyY]": _ppm,
}
