"""What an AVIF says of its colours: properties of its primary picture (HEIF, ISO/IEC 23008-12).

Anybody may have written a file: one whose boxes make no sense has no colour information.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from impasto.image.boxes import first, inner
from impasto.image.cicp import CodePoints

__all__ = ["ColourInformation", "colour_information"]

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
        _, meta = first(file, b"meta")
    try:
        return _described(_properties(meta[4:]))  # after version and flags
    except (struct.error, IndexError):
        return ColourInformation()


def _properties(meta: bytes) -> list[tuple[bytes, bytes]]:
    """Return the properties that the primary item has, as kinds and contents."""
    parts = dict(inner(meta))
    primary = parts.get(b"pitm", b"")
    (item,) = struct.unpack_from(">I" if primary[0] else ">H", primary, 4)
    iprp = list(inner(parts.get(b"iprp", b"")))
    stored = list(inner(dict(iprp).get(b"ipco", b"")))[:_MOST_PROPERTIES]
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
