"""Read and write IPTC's older form of metadata (IIM 4.2), which JPEG and TIFF files hold.

Its successor is XMP: what is read here is also written there, for formats that hold no IIM.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

__all__ = ["RESOURCE", "DataSet", "photoshop_block", "photoshop_data", "read", "values", "write"]

DataSet = tuple[int, int, bytes]
"""A record's number, a data set's number in it, and its value."""

_MOST = 2_000  # data sets; a picture has some thirty
_UTF8 = b"\x1b%G"  # ISO 2022's name of it
_CHARACTERS = (1, 90)

RESOURCE = 0x0404
"""Of Photoshop's resources the one that holds IIM."""


def read(data: bytes) -> Iterator[DataSet]:
    """Yield the data sets of records 1 and 2, up to where they are damaged."""
    at = 0
    for _ in range(_MOST):
        head = data[at : at + 5]
        if len(head) < 5 or head[0] != 0x1C:
            return
        _, record, number, size = struct.unpack(">BBBH", head)
        value = data[at + 5 : at + 5 + size]
        # A size of 32,768 or more is that of a size that follows: no text is so long.
        if size >= 0x8000 or len(value) < size:
            return
        if record in (1, 2):
            yield record, number, value
        at += 5 + size


def write(sets: Iterable[DataSet]) -> bytes:
    """Return data sets as IIM, in the order of their numbers."""
    ordered = sorted(sets, key=lambda part: part[:2])
    return b"".join(
        struct.pack(">BBBH", 0x1C, record, number, len(value)) + value
        for record, number, value in ordered
    )


def values(sets: Iterable[DataSet], number: int) -> list[str]:
    """Return the texts of a data set of record 2."""
    sets = list(sets)
    is_utf8 = (*_CHARACTERS, _UTF8) in sets
    texts = [value for record, n, value in sets if (record, n) == (2, number)]
    return [_text(value, is_utf8) for value in texts]


def _text(value: bytes, is_utf8: bool) -> str:
    # Most programs write UTF-8 without saying so; what is not valid as that is Latin-1.
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace") if is_utf8 else value.decode("latin-1")


def photoshop_block(data: bytes) -> bytes:
    """Return IIM as Photoshop's resource, as JPEG's segment APP13 holds it."""
    size = struct.pack(">I", len(data))
    padding = bytes(len(data) % 2)
    return b"8BIM" + struct.pack(">H", RESOURCE) + b"\0\0" + size + data + padding


def photoshop_data(blocks: bytes) -> bytes:
    """Return the IIM in Photoshop's resources; nothing if there is none."""
    at = 0
    while blocks[at : at + 4] == b"8BIM" and at + 12 <= len(blocks):
        (number,) = struct.unpack_from(">H", blocks, at + 4)
        name = blocks[at + 6] + 1
        at += 6 + name + name % 2
        if at + 4 > len(blocks):
            break
        (size,) = struct.unpack_from(">I", blocks, at)
        if number == RESOURCE:
            return blocks[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""
