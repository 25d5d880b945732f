"""The boxes of JPEG 2000 and JPEG XL files (ISO/IEC 15444-1, annex I; 18181-2)."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from impasto.image import xmp

__all__ = ["Described", "box", "boxes", "described"]

_MOST = 10_000  # boxes of a file

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


def boxes(path: Path, longest: int = xmp.MAX_BYTES) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and data of a file's boxes, not those inside of others.

    The data of a longer box is empty, and damage ends the boxes.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        end = file.seek(0, io.SEEK_END)
        file.seek(0)
        for _ in range(_MOST):
            head = file.read(8)
            if len(head) < 8:
                return
            length, kind = struct.unpack(">I4s", head)
            size = length - 8
            if length == 1 and len(more := file.read(8)) == 8:
                size = struct.unpack(">Q", more)[0] - 16
            start = file.tell()
            if length == 0:  # to the end of the file
                size = end - start
            if not 0 <= size <= end - start:
                return
            yield kind, file.read(size) if size <= longest else b""
            file.seek(start + size)


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
