"""Read the fields of EXIF data, and write them again with their bytes unchanged.

Pillow's `Exif` guesses the types of what it writes and turns every letter outside ASCII into a
question mark, also in the names of people.

EXIF data is a TIFF file without a picture, so a TIFF file's own fields are read here, too (TIFF
6.0, section 2; Exif 3.0, section 4.6; BigTIFF).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedIOBase

import numpy as np

__all__ = [
    "Directory",
    "Exif",
    "ExifError",
    "Field",
    "Tags",
    "encoded",
    "number",
    "numbers",
    "octets",
    "rational",
    "read",
    "swapped",
    "text",
    "undefined",
    "write",
]

# TIFF, BigTIFF, and the RAW files of Olympus and Panasonic, which are TIFF but for this number.
_MAGIC = {42, 43, 0x4F52, 0x5352, 0x55}
_MOST_FIELDS = 4096  # of a directory; a camera writes sixty
_COMMENT = 37510  # UserComment, the one field whose text depends on the byte order
_PHOTO, _PLACE = 34665, 34853  # the tags that point to the other two directories

# Type → bytes of a value, and of the numbers that it consists of.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 129: 1}
_WORDS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 16: 8}
_TYPES = {"byte": 1, "ascii": 2, "short": 3, "long": 4, "rational": 5, "undefined": 7}


class ExifError(ValueError):
    """The data is not that of EXIF, or damaged where it begins."""


@dataclass(frozen=True)
class Field:
    """The value of a tag.

    Attributes:
        kind: its type, as TIFF numbers them.
        data: little-endian.
    """

    kind: int
    data: bytes

    @property
    def count(self) -> int:
        """The number of values."""
        return len(self.data) // _SIZES[self.kind]


Directory = dict[int, Field]


@dataclass(frozen=True)
class Tags:
    """The tags to be read of each directory, and the most bytes of a field."""

    image: frozenset[int]
    photo: frozenset[int] = frozenset()
    place: frozenset[int] = frozenset()
    longest: int = 2**14


@dataclass(frozen=True)
class Exif:
    """The fields of EXIF data.

    Attributes:
        image: of the first directory: who, what, when, the camera.
        photo: of the Exif directory: the exposure, the lens.
        place: of the GPS directory.
        damaged: tags that could not be read, or were too long.
    """

    image: Directory = field(default_factory=dict)
    photo: Directory = field(default_factory=dict)
    place: Directory = field(default_factory=dict)
    damaged: tuple[int, ...] = ()


def read(file: BufferedIOBase, tags: Tags) -> Exif:
    """Read these tags of EXIF data or a TIFF file, which anybody may have written.

    Only the three directories are visited, each at most once; of the others (thumbnail, maker
    notes, further pictures) nothing is read.

    Raises:
        ExifError: it does not begin as TIFF does.
        OSError: the file cannot be read.
    """
    source, start = _opened(file)
    damaged: list[int] = []
    image, inner = source.directory(start, tags.image, tags.longest, damaged)
    photo, _ = source.directory(inner.get(_PHOTO, 0), tags.photo, tags.longest, damaged)
    place, _ = source.directory(inner.get(_PLACE, 0), tags.place, tags.longest, damaged)
    return Exif(image, photo, place, tuple(damaged))


def _opened(file: BufferedIOBase) -> tuple[_Source, int]:
    """Return the source, and where its first directory is."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    magic = struct.unpack(f"{order}H", head[2:4])[0] if order and len(head) >= 8 else 0
    if order is None or magic not in _MAGIC or (magic == 43 and len(head) < 16):
        raise ExifError("it does not begin as EXIF data does")
    is_big = magic == 43
    (start,) = struct.unpack_from(order + ("Q" if is_big else "I"), head, 8 if is_big else 4)
    return _Source(file, order, is_big), start


@dataclass(frozen=True)
class _Source:
    file: BufferedIOBase
    order: str
    is_big: bool

    def directory(
        self, at: int, tags: frozenset[int], longest: int, damaged: list[int]
    ) -> tuple[Directory, dict[int, int]]:
        """Return the fields of a directory, and where those are that it points to."""
        fields: Directory = {}
        inner: dict[int, int] = {}
        if not at or not tags:
            return fields, inner
        for tag, kind, count, place in list(self._entries(at)):
            if tag in (_PHOTO, _PLACE) and kind in ((4, 13, 16) if self.is_big else (4, 13)):
                word = "Q" if kind == 16 else "I"
                inner.setdefault(tag, struct.unpack_from(self.order + word, place)[0])
            elif tag in tags and tag not in fields:
                value = self._field(tag, kind, count, place, longest)
                if value is None:
                    damaged.append(tag)
                elif value.data:
                    fields[tag] = value
        return fields, inner

    def _entries(self, at: int) -> Iterator[tuple[int, int, int, bytes]]:
        count, entry = ("Q", "HHQ8s") if self.is_big else ("H", "HHI4s")
        head = self._read(at, struct.calcsize(self.order + count))
        if head is None:
            return
        number = min(struct.unpack(self.order + count, head)[0], _MOST_FIELDS)
        size = struct.calcsize(self.order + entry)
        data = self.file.read(number * size)
        yield from struct.iter_unpack(self.order + entry, data[: len(data) // size * size])

    def _field(self, tag: int, kind: int, count: int, place: bytes, longest: int) -> Field | None:
        if kind == 13:
            kind = 4
        size = count * _SIZES.get(kind, 0)
        if kind not in _SIZES or size > longest:
            return None
        data = place[:size] if size <= len(place) else self._read(self._pointer(place), size)
        return None if data is None else Field(kind, self._little_endian(tag, kind, data))

    def _pointer(self, place: bytes) -> int:
        return int(struct.unpack(self.order + ("Q" if self.is_big else "I"), place)[0])

    def _read(self, at: int, size: int) -> bytes | None:
        """Return bytes at a place in the file, or None where it ends before."""
        try:
            self.file.seek(at)
            data = self.file.read(size)
        except (OverflowError, ValueError):  # beyond any file
            return None
        return data if len(data) == size else None

    def _little_endian(self, tag: int, kind: int, data: bytes) -> bytes:
        if self.order == "<":
            return data
        if kind in _WORDS:
            word = _WORDS[kind]
            return np.frombuffer(data, f">u{word}").astype(f"<u{word}").tobytes()
        if tag == _COMMENT and data.startswith(b"UNICODE\0") and len(data) % 2 == 0:
            return data[:8] + np.frombuffer(data[8:], ">u2").astype("<u2").tobytes()
        return data


def swapped(data: bytes) -> bytes:
    """Return numbers of 32 bits in the other byte order; a rest of under four bytes is left out."""
    return np.frombuffer(data[: len(data) // 4 * 4], ">u4").astype("<u4").tobytes()


def text(value: str) -> Field:
    """Return a field of text, in UTF-8 where ASCII does not suffice, as other programs do."""
    return Field(_TYPES["ascii"], value.encode() + b"\0")


def number(value: int, *, is_long: bool = False) -> Field:
    """Return a field of one whole number: 16 bits, or 32 if it is long, 64 if it must be."""
    if value >= 2**32:
        return Field(16, struct.pack("<Q", value))
    kind = "long" if is_long else "short"
    return Field(_TYPES[kind], struct.pack("<I" if is_long else "<H", value))


def rational(value: float) -> Field:
    """Return a field of one number of at least 0, in hundredths."""
    over, under = round(value * 100), 100
    if over % 100 == 0:
        over, under = over // 100, 1
    return Field(_TYPES["rational"], struct.pack("<II", over, under))


def undefined(value: bytes) -> Field:
    """Return a field of bytes whose meaning the tag defines."""
    return Field(_TYPES["undefined"], value)


def octets(value: bytes) -> Field:
    """Return a field of numbers of 8 bits."""
    return Field(_TYPES["byte"], value)


def numbers(field: Field | None) -> list[float]:
    """Return the numbers of a field: shorts, longs or rationals; none of any other."""
    codes = {3: "H", 4: "I", 5: "I"}
    if field is None or field.kind not in codes:
        return []
    values = [value for (value,) in struct.iter_unpack("<" + codes[field.kind], field.data)]
    if field.kind != _TYPES["rational"]:
        return [float(value) for value in values]
    pairs = zip(values[::2], values[1::2], strict=True)
    return [over / under if under else 0.0 for over, under in pairs]


def write(exif: Exif) -> bytes:
    """Return the fields as EXIF data: little-endian, without the `Exif` that JPEG puts first."""
    return b"II*\0\x08\0\0\0" + encoded(exif, 8)


def encoded(exif: Exif, at: int, *, is_big: bool = False) -> bytes:
    """Return the directories and their values, for an even place in a little-endian TIFF file.

    Args:
        is_big: for a BigTIFF.
    """
    parts = {_PHOTO: exif.photo, _PLACE: exif.place}
    inner = {tag: fields for tag, fields in parts.items() if fields}
    zeros: Directory = {tag: number(0, is_long=True) for tag in inner}
    after = at + len(_directory(exif.image | zeros, 0, is_big))
    pointers: Directory = {}
    rest = b""
    for tag, fields in inner.items():
        pointers[tag] = number(after + len(rest), is_long=True)
        rest += _directory(fields, after + len(rest), is_big)
    return _directory(exif.image | pointers, at, is_big) + rest


def _directory(fields: Directory, at: int, is_big: bool) -> bytes:
    """Return a directory and its values: an even number of bytes."""
    count, entry, pointer = ("<Q", "<HHQ", "<Q") if is_big else ("<H", "<HHI", "<I")
    room = struct.calcsize(pointer)
    head = bytearray(struct.pack(count, len(fields)))
    values = bytearray()
    after = at + len(head) + len(fields) * (struct.calcsize(entry) + room) + room
    for tag, value in sorted(fields.items()):
        head += struct.pack(entry, tag, value.kind, value.count)
        if len(value.data) <= room:
            head += value.data.ljust(room, b"\0")
        else:
            head += struct.pack(pointer, after + len(values))
            values += value.data + bytes(len(value.data) % 2)
    return bytes(head + bytes(room) + values)  # zeros: no further directory
