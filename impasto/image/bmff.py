"""What an AVIF says of its colours: boxes of the ISO base media file format (ISO/IEC 14496-12).

Anybody may have written a file: lengths are held to the bytes that there are, and a file whose
boxes make no sense has no colour information.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from impasto.image.cicp import CodePoints

__all__ = ["ColourInformation", "box_of_file", "boxes", "colour_information"]

_MOST_BOXES = 1000  # beside each other in the file, before the one that is looked for
_MOST_BYTES = 2**24  # of the box with everything about a picture but its pixels
_MOST_PROPERTIES = 2**15  # an index of 15 bits


@dataclass(frozen=True)
class ColourInformation:
    """What the properties of a file's primary picture say of its colours.

    Attributes:
        points: its code points; None if it has none.
        has_profile: whether it has an ICC profile, which takes precedence over the code points.
        bits: of a channel; None if that is not said.
    """

    points: CodePoints | None = None
    has_profile: bool = False
    bits: int | None = None


def colour_information(path: Path) -> ColourInformation:
    """Read the properties of the primary picture (ISO/IEC 23008-12, HEIF).

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        meta = box_of_file(file, b"meta")
    try:
        return _described(_properties(meta[4:]))  # after version and flags
    except (struct.error, IndexError):
        return ColourInformation()


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the content of each box in a box."""
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1 and start + 8 <= len(data):
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = len(data) if length == 0 else at + length
        if end < start or end > len(data):
            return
        yield kind, data[start:end]
        at = end


def box_of_file(
    file: BinaryIO, sought: bytes, most: int = _MOST_BYTES, *, whole: bool = True
) -> bytes:
    """Return the content of a box that is in no other; nothing if it is missing.

    Args:
        most: bytes that are read.
        whole: return nothing of a box that is larger; otherwise its beginning.
    """
    for _ in range(_MOST_BOXES):
        if len(head := file.read(8)) < 8:
            break
        length, kind = struct.unpack(">I4s", head)
        rest = length - 8 if length else most  # 0: to the end of the file
        if length == 1 and len(more := file.read(8)) == 8:
            rest = int.from_bytes(more, "big") - 16
        if kind == sought and (rest <= most or not whole):
            return file.read(max(0, min(rest, most)))
        if rest < 0 or rest >= 2**40 or length == 0:
            break
        file.seek(rest, 1)
    return b""


def _properties(meta: bytes) -> list[tuple[bytes, bytes]]:
    """Return the properties that the primary item has, as kinds and contents."""
    inner = dict(boxes(meta))
    primary = inner.get(b"pitm", b"")
    (item,) = struct.unpack_from(">I" if primary[0] else ">H", primary, 4)
    iprp = list(boxes(inner.get(b"iprp", b"")))
    stored = list(boxes(dict(iprp).get(b"ipco", b"")))[:_MOST_PROPERTIES]
    indices = [i for kind, data in iprp if kind == b"ipma" for i in _associated(data, item)]
    return [stored[i - 1] for i in indices if 0 < i <= len(stored)]


def _associated(data: bytes, item: int) -> list[int]:
    """Return the indices of an item's properties in an ItemPropertyAssociationBox, from 1."""
    is_wide, has_long_ids = data[3] & 1, data[0] >= 1
    (count,) = struct.unpack_from(">I", data, 4)
    at, head = 8, struct.Struct(">IB" if has_long_ids else ">HB")
    for _ in range(count):  # ends with the data, at the latest
        entry, number = head.unpack_from(data, at)
        at += head.size
        size = number * (2 if is_wide else 1)
        if entry == item:
            indices = struct.unpack_from(f">{number}{'H' if is_wide else 'B'}", data, at)
            return [i & (0x7FFF if is_wide else 0x7F) for i in indices]
        at += size
    return []


def _described(properties: list[tuple[bytes, bytes]]) -> ColourInformation:
    points, has_profile, bits = None, False, None
    for kind, data in properties:
        if kind == b"colr" and data[:4] == b"nclx":
            primaries, transfer = struct.unpack_from(">HH", data, 4)
            # Decoders return RGB of full range, whatever that of Y'CbCr is.
            points = CodePoints(primaries, transfer)
        elif kind == b"colr":
            has_profile = True
        elif kind == b"pixi":
            bits = max(data[5 : 5 + data[4]], default=None)
        elif kind == b"av1C" and bits is None:  # AV1-ISOBMFF, section 2.3
            bits = 8 if not data[2] & 0x40 else 12 if data[2] & 0x20 else 10
    return ColourInformation(points, has_profile, bits)
