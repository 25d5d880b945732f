"""What FFmpeg leaves out of an animated WebP: how long its last frame is shown, and the recipe.

Chunks as in RFC 9649: a name, a length of four bytes, and data that an even number of bytes holds.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from impasto.image import xmp

__all__ = ["finish_webp"]

_XMP_FLAG = 0x04
_DURATION = 12  # bytes before it in the data of a frame


def finish_webp(path: Path, end: int, recipe: str | None) -> None:
    """Write into an animation when its last frame is over, and its recipe.

    Args:
        path: a file that FFmpeg wrote.
        end: in milliseconds from the first frame.
        recipe: JSON, kept as XMP, as in a picture.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("r+b") as file:
        _end_at(file, end)
        if recipe is not None:
            _append(file, b"XMP ", xmp.packet([], recipe))
            _set_flag(file)


def _end_at(file: BinaryIO, end: int) -> None:
    frames = [place for name, place in _chunks(file) if name == b"ANMF"]
    begin = sum(_duration(file, place) for place in frames[:-1])
    file.seek(frames[-1] + _DURATION)
    file.write(struct.pack("<I", max(1, end - begin))[:3])


def _chunks(file: BinaryIO) -> list[tuple[bytes, int]]:
    """Return each chunk's name and the place of its data."""
    found = []
    place, size = 12, file.seek(0, os.SEEK_END)
    while place + 8 <= size:
        file.seek(place)
        name, length = struct.unpack("<4sI", file.read(8))
        found.append((name, place + 8))
        place += 8 + length + length % 2
    return found


def _duration(file: BinaryIO, place: int) -> int:
    file.seek(place + _DURATION)
    return int.from_bytes(file.read(3), "little")


def _append(file: BinaryIO, name: bytes, data: bytes) -> None:
    file.seek(0, os.SEEK_END)
    file.write(struct.pack("<4sI", name, len(data)) + data + b"\0" * (len(data) % 2))
    size = file.tell() - 8
    file.seek(4)
    file.write(struct.pack("<I", size))


def _set_flag(file: BinaryIO) -> None:
    place = next(place for name, place in _chunks(file) if name == b"VP8X")
    file.seek(place)
    flags = file.read(1)[0]
    file.seek(place)
    file.write(bytes([flags | _XMP_FLAG]))
