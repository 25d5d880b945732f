"""The tags of a TIFF file's directories, as far as they tell what the file is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["directories"]

Tags = dict[int, tuple[int, ...]]

_MOST_DIRECTORIES = 32
_MOST_TAGS = 1024
_MOST_VALUES = 32
_SUB_IFDS = 330

# TIFF 6.0, section 2, and BigTIFF: type → its letter for `struct`, of the types of whole numbers.
_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}


def directories(file: BinaryIO) -> Iterator[Tags]:
    """Yield the whole numbers in a TIFF's directories, each followed by those within it.

    Of a tag up to 32 values are read, of a file up to 32 directories; damage ends it.
    """
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    if len(head) < 16:
        return
    is_big = struct.unpack_from(order + "H", head, 2)[0] == 43
    queue = [struct.unpack_from(order + ("Q" if is_big else "I"), head, 8 if is_big else 4)[0]]
    visited: set[int] = set()
    while queue and len(visited) < _MOST_DIRECTORIES:
        at = queue.pop(0)
        if at == 0 or at in visited:
            continue
        visited.add(at)
        tags, following = _directory(file, at, order, is_big)
        yield tags
        queue = [*tags.get(_SUB_IFDS, ()), *queue, following]


def _directory(file: BinaryIO, at: int, order: str, is_big: bool) -> tuple[Tags, int]:
    """Return a directory's tags and the offset of the next one, 0 for none."""
    counts, entry, pointer = ("Q", "HHQ8s", "Q") if is_big else ("H", "HHI4s", "I")
    try:
        file.seek(at)
        (number,) = struct.unpack(order + counts, file.read(struct.calcsize(order + counts)))
        step = struct.calcsize(order + entry)
        data = file.read(step * min(number, _MOST_TAGS))
        (following,) = struct.unpack(order + pointer, file.read(struct.calcsize(order + pointer)))
        tags = {
            tag: _values(file, order, kind, count, value, pointer)
            for tag, kind, count, value in struct.iter_unpack(order + entry, data)
        }
    except (struct.error, OSError, ValueError, OverflowError):
        return {}, 0
    return tags, following if number <= _MOST_TAGS else 0


def _values(
    file: BinaryIO, order: str, kind: int, count: int, value: bytes, pointer: str
) -> tuple[int, ...]:
    letter = _LETTERS.get(kind)
    if letter is None:
        return ()
    number = min(count, _MOST_VALUES)
    code = f"{order}{number}{letter}"
    size = struct.calcsize(code)
    if count * struct.calcsize(order + letter) > len(value):
        file.seek(struct.unpack(order + pointer, value)[0])
        value = file.read(size)
    return struct.unpack(code, value[:size])
