"""The header of a JPEG 2000 file: what its components are (ISO/IEC 15444-1, annexes A and I)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from impasto.image.boxes import first, inner

__all__ = ["CMYK", "GREY", "SRGB", "SYCC", "Header", "read_codestream", "read_header"]

CMYK, SRGB, GREY, SYCC = 12, 16, 17, 18
"""Enumerated colour spaces (table I.10, and 15444-2 for CMYK)."""

_COLOURS = {CMYK: 4, SRGB: 3, GREY: 1, SYCC: 3}
_COLOUR, _OPACITY, _PREMULTIPLIED = 0, 1, 2  # types of channels (table I.16)
_WHOLE = 0  # association with the whole picture (table I.17)
_MOST_CODESTREAM = 2**32
_MOST_ENTRIES = 1024  # I.5.3.4
_MOST_CHANNELS = 5  # that a palette makes: CMYK and opacity


@dataclass(frozen=True)
class Header:
    """What the components of a picture are.

    Attributes:
        colour_space: an enumerated one; None for others.
        profile: a restricted ICC profile, in place of a colour space.
        definitions: for each channel its number, its type, and the colour that it is, from 1.
        palette: its columns, in [0, 1].
        mapping: for each channel the component that it comes from, whether through the palette,
            and by which column of it.
        bits: the most of a component.
        is_subsampled: whether a component has fewer pixels than the picture.
    """

    colour_space: int | None = None
    profile: bytes | None = None
    definitions: tuple[tuple[int, int, int], ...] = ()
    palette: Float64[np.ndarray, "entries columns"] | None = None
    mapping: tuple[tuple[int, bool, int], ...] = ()
    bits: int = 8
    is_subsampled: bool = False

    @property
    def is_rearranged(self) -> bool:
        """Whether channels are anything else than the components, colours first, then opacity."""
        if self.palette is not None:
            return True
        if not self.definitions:
            return False
        order, opacity, is_premultiplied = self.order(len(self.definitions))
        plain = list(range(len(order)))
        last = None if len(order) == len(self.definitions) else len(order)
        return order != plain or opacity != last or is_premultiplied

    def order(self, channels: int) -> tuple[list[int], int | None, bool]:
        """Return the colours' channels, the opacity's, and whether it is multiplied into them.

        Without definitions the channels are in order; of two and four the last is opacity, except
        in CMYK.

        Raises:
            ValueError: the definitions contradict each other or the number of channels.
        """
        if not self.definitions:
            has_opacity = channels in (2, 4) and _COLOURS.get(self.colour_space or 0) != channels
            count = channels - has_opacity
            return list(range(count)), count if has_opacity else None, False
        colours = sorted((a, n) for n, kind, a in self.definitions if kind == _COLOUR)
        if [a for a, _ in colours] != list(range(1, max(1, len(colours)) + 1)):
            raise ValueError("its channels are no colours")
        kinds = (_OPACITY, _PREMULTIPLIED)
        opacity = [(n, k) for n, k, a in self.definitions if k in kinds and a == _WHOLE]
        if any(n >= channels for n, _, _ in self.definitions):
            raise ValueError("its header defines channels that it does not have")
        number, kind = opacity[0] if opacity else (None, _OPACITY)
        return [n for _, n in colours], number, kind == _PREMULTIPLIED


def read_header(path: Path) -> Header:
    """Read the boxes of a JP2 file, and the size of its components.

    Raises:
        OSError: the file cannot be read.
        ValueError: a box is cut short, or contradicts another.
    """
    try:
        with path.open("rb") as file:
            is_codestream = file.read(4) == b"\xff\x4f\xff\x51"
            file.seek(0)
            header = b"" if is_codestream else first(file, b"jp2h")[1]
        bits, is_subsampled = _components(read_codestream(path, 65_600))
        parts: dict[bytes, bytes] = {}
        colours = []
        for kind, data in inner(header):
            parts.setdefault(kind, data)
            colours += [data] if kind == b"colr" else []
        space, profile = _colour(colours)
        palette = _palette(parts[b"pclr"]) if b"pclr" in parts else None
        return Header(
            space,
            profile,
            _definitions(parts.get(b"cdef", b"")),
            palette,
            () if palette is None else _mapping(parts.get(b"cmap", b""), palette),
            bits,
            is_subsampled,
        )
    except (struct.error, IndexError) as problem:
        raise ValueError("its header is cut short") from problem


def read_codestream(path: Path, most: int = _MOST_CODESTREAM) -> bytes:
    """Return the first bytes, at most so many, of the file's codestream: what is not in boxes."""
    with path.open("rb") as file:
        if file.read(4) == b"\xff\x4f\xff\x51":
            file.seek(0)
            return file.read(most)
        file.seek(0)
        return first(file, b"jp2c", most=most, whole=False)[1]


def _components(codestream: bytes) -> tuple[int, bool]:
    """Return the most bits of a component, and whether one is subsampled (A.5.1, SIZ)."""
    (count,) = struct.unpack_from(">H", codestream, 40)
    sizes = list(struct.iter_unpack(">BBB", codestream[42 : 42 + 3 * count]))
    bits = max((depth & 0x7F) + 1 for depth, _, _ in sizes)
    return bits, any((x, y) != (1, 1) for _, x, y in sizes)


def _colour(specifications: list[bytes]) -> tuple[int | None, bytes | None]:
    """Return the colour space or the profile of the first box that is understood (I.5.3.3)."""
    for data in specifications:
        if data[0] == 1:
            (space,) = struct.unpack_from(">I", data, 3)
            if space in _COLOURS:
                return space, None
        elif data[0] == 2:
            return None, data[3:]
    return None, None


def _definitions(data: bytes) -> tuple[tuple[int, int, int], ...]:
    """Return a Channel Definition box's rows (I.5.3.6)."""
    if not data:
        return ()
    (count,) = struct.unpack_from(">H", data, 0)
    rows = [struct.unpack_from(">HHH", data, 2 + 6 * i) for i in range(count)]
    if len({number for number, _, _ in rows}) < count:
        raise ValueError("its header defines a channel twice")
    return tuple((number, kind, colour) for number, kind, colour in rows)


def _palette(data: bytes) -> Float64[np.ndarray, "entries columns"]:
    """Return a Palette box's columns, each by its own bits (I.5.3.4)."""
    entries, columns = struct.unpack_from(">HB", data, 0)
    depths = [(depth & 0x7F) + 1 for depth in data[3 : 3 + columns]]
    layout = struct.Struct(">" + "".join("B" if bits <= 8 else "H" for bits in depths))
    if max(depths, default=0) > 16 or not 0 < entries <= _MOST_ENTRIES or not columns:
        raise ValueError("its palette cannot be read")
    start = 3 + columns
    rows = [layout.unpack_from(data, start + layout.size * i) for i in range(entries)]
    return np.array(rows) / (2.0 ** np.array(depths) - 1)


def _mapping(
    data: bytes, palette: Float64[np.ndarray, "entries columns"]
) -> tuple[tuple[int, bool, int], ...]:
    """Return a Component Mapping box's rows (I.5.3.5)."""
    rows = tuple((c, kind == 1, column) for c, kind, column in struct.iter_unpack(">HBB", data))
    if not 0 < len(rows) <= _MOST_CHANNELS or any(
        column >= palette.shape[1] for _, is_mapped, column in rows if is_mapped
    ):
        raise ValueError("its palette is not used as it should be")
    return rows
