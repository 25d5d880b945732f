"""The boxes of AVIF, JPEG 2000 and JPEG XL files.

Sources: ISO/IEC 14496-12, 4.2; ISO/IEC 15444-1, annex I; ISO/IEC 18181-2. Anybody may have written
a file: lengths are held to the bytes that there are.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import islice
from pathlib import Path
from typing import NamedTuple

__all__ = ["Described", "Place", "box", "boxes", "described", "first", "inner", "places"]

_MOST = 10_000  # boxes of a file
_MOST_BEFORE = 1000  # before the one that is looked for
_LONGEST = 2**22  # bytes of metadata, as of XMP
_MOST_BYTES = 2**24  # of the box with everything about a picture but its pixels

# The metadata in a box of kind `uuid`, by its first 16 bytes.
_UUIDS = {
    b"JpgTiffExif->JP2": "exif",
    bytes.fromhex("be7acfcb97a942e89c71999491e3afac"): "xmp",
    bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"): "iptc",
}


def box(kind: bytes, data: bytes) -> bytes:
    """Return a box."""
    if len(data) + 8 < 2**32:
        return struct.pack(">I4s", len(data) + 8, kind) + data
    return struct.pack(">I4sQ", 1, kind, len(data) + 16) + data


class Place(NamedTuple):
    """Where a box's content is.

    Attributes:
        kind: of the box, four bytes.
        start: the first byte of the content.
        size: of the content in bytes, as the box says it.
        is_whole: whether the file has so many.
    """

    kind: bytes
    start: int
    size: int
    is_whole: bool


def places(file: BufferedIOBase) -> Iterator[Place]:
    """Yield where a file's boxes are, not those inside of others; damage ends them.

    The first begins at the file's position. The caller may read and seek between two of them.
    """
    at = file.tell()
    end = file.seek(0, io.SEEK_END)
    while True:
        file.seek(at)
        if len(head := file.read(8)) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        start = at + 8
        if length == 1 and len(more := file.read(8)) == 8:
            (length,) = struct.unpack(">Q", more)
            start += 8
        elif length == 0:  # to the end of the file
            length = end - at
        at += length
        if at < start:
            return
        yield Place(kind, start, at - start, at <= end)
        if at > end:
            return


def boxes(path: Path, longest: int = _LONGEST) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and data of a file's boxes, not those inside of others.

    The data of a longer box is empty, and damage ends the boxes.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        for place in islice(places(file), _MOST):
            if not place.is_whole:
                return
            file.seek(place.start)
            yield place.kind, file.read(place.size) if place.size <= longest else b""


def inner(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the content of each box in a box; damage ends them."""
    for kind, start, size, is_whole in places(io.BytesIO(data)):
        if is_whole:
            yield kind, data[start : start + size]


def first(
    file: BufferedIOBase, *kinds: bytes, most: int = _MOST_BYTES, whole: bool = True
) -> tuple[bytes, bytes]:
    """Return kind and content of the first box of these kinds, in no other box; nothing if missing.

    Args:
        most: bytes that are read.
        whole: pass over a box that is larger; otherwise its beginning is returned.
    """
    for place in islice(places(file), _MOST_BEFORE):
        if place.kind in kinds and (place.size <= most or not whole):
            file.seek(place.start)
            return place.kind, file.read(min(place.size, most))
    return b"", b""


@dataclass(frozen=True)
class Described:
    """The metadata in a file's boxes; empty where it has none."""

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""


def described(path: Path) -> Described:
    """Return the metadata of a JPEG 2000 or JPEG XL file.

    Raises:
        OSError: the file cannot be read.
    """
    parts: dict[str, bytes] = {}
    for kind, data in boxes(path):
        if kind == b"uuid" and (name := _UUIDS.get(data[:16])):
            parts.setdefault(name, data[16:])
        elif kind == b"xml " and b"rdf:RDF" in data:  # in JPEG 2000 it may be anything
            parts.setdefault("xmp", data)
        elif kind == b"Exif":  # after four bytes that say where the TIFF header is
            parts.setdefault("exif", data[4 + int.from_bytes(data[:4], "big") :])
    return Described(**parts)
