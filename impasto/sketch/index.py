"""An index of pictures by their lines: one file, which is mapped into memory rather than read.

The file is safetensors, so that any reader of that format can check it: for each picture the lines
of its views as descriptors and as bits, its palette, and the name, size and time of its file. All
that is large is read where it lies, by rows.
"""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from impasto.errors import OptionError
from impasto.files import atomic, limits
from impasto.files.names import is_on_network, resolved
from impasto.sketch.descriptors import NUMBERS
from impasto.sketch.palettes import COLOURS
from impasto.sketch.signature import BITS, VIEWS, Signature

__all__ = [
    "FORMAT",
    "SUFFIX",
    "Entry",
    "Index",
    "can_be_kept",
    "in_memory",
    "read_index",
    "write_index",
]

FORMAT = "impasto-index/1"

SUFFIX = ".index"

_MOST_PICTURES = 10_000_000
_MOST_BYTES = 2**40
_MOST_NAMES = 2**31
_LONGEST = 4096  # characters of a folder or name, the longest path that Linux takes
# Absolute, upwards, with a drive or the other system's separators; and the mark between names.
_OUTSIDE = re.compile(r"^/|(?:^|/)\.\.(?:/|$)|^[A-Za-z]:|[\\\0]")
_CHUNK = 4096  # rows that are copied at a time
_ROWS: dict[str, tuple[str, np.dtype[Any], tuple[int, ...]]] = {
    "lines": ("U8", np.dtype("u1"), (VIEWS, NUMBERS)),
    "edges": ("U8", np.dtype("u1"), (VIEWS, BITS)),
    "colours": ("U8", np.dtype("u1"), (COLOURS,)),
    "sizes": ("I64", np.dtype("<i8"), ()),
    "times": ("I64", np.dtype("<i8"), ()),
}
"""The arrays with a row for each picture: their types, and the shape of a row."""


@dataclass(frozen=True)
class Entry:
    """A file as it was when it was looked at: if all of this is the same, so is the picture.

    Attributes:
        name: with slashes, from the folder of the library.
        size: in bytes.
        time: when it was last changed, in nanoseconds since 1970.
    """

    name: str
    size: int
    time: int


@dataclass(frozen=True, eq=False)
class Index:
    """An index, whose arrays may lie in a file.

    Attributes:
        folder: of the library; names begin there.
        names: of the pictures.
        arrays: by the names of `_ROWS`, with a row for each picture.
    """

    folder: Path
    names: Sequence[str]
    arrays: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.names)

    def path(self, number: int) -> Path:
        """Return the file of a picture."""
        return self.folder / self.names[number]

    def entries(self) -> list[Entry]:
        """Return the files as they were."""
        sizes, times = self.arrays["sizes"].tolist(), self.arrays["times"].tolist()
        return [Entry(*each) for each in zip(self.names, sizes, times, strict=True)]


def in_memory(folder: Path, rows: Sequence[tuple[Entry, Signature]]) -> Index:
    """Return the index of pictures that were just looked at."""
    return Index(folder, [entry.name for entry, _ in rows], _stacked(rows))


def write_index(
    path: Path,
    folder: Path,
    rows: Sequence[tuple[Entry, Signature]],
    old: Index | None = None,
    kept: Sequence[int] = (),
) -> None:
    """Write an index atomically: some rows of an old one, then new ones.

    Args:
        folder: of the library. If the index lies in it or beside it, both can be moved together.
        old: it can be used no more after this.
        kept: the numbers of its rows.

    Raises:
        OptionError: it cannot be written, or the folder's name is no text.
    """
    names = [*(old.names[i] for i in kept), *(entry.name for entry, _ in rows)] if old else [
        entry.name for entry, _ in rows
    ]  # fmt: skip
    packed = "\0".join(names).encode("utf-8", "surrogateescape")
    try:
        with atomic.replacing(resolved(path)) as temporary:
            with temporary.open("xb") as file:
                file.write(_header(len(names), len(packed), _relative(folder, path)))
                _write_rows(file, _stacked(rows), old, np.asarray(kept, np.intp))
                file.write(packed)
            atomic.sync(temporary)
            if old is not None and isinstance(old.arrays, dict):
                old.arrays.clear()  # Windows replaces no file that is mapped
    except OSError as problem:
        raise OptionError(
            f"{path} cannot be written: {problem.strerror or problem}. Choose another file with "
            "--out."
        ) from problem


def read_index(path: Path) -> Index:
    """Open an index; its arrays stay in the file until they are used.

    Raises:
        OptionError: it is missing, damaged, of another version, or no index.
    """
    from safetensors import SafetensorError, safe_open

    limits.check_tensors(path, _MOST_BYTES, OptionError)
    try:
        with safe_open(path, "np") as file:  # checks that the arrays fill the file exactly
            about = file.metadata() or {}
        return _mapped(path, about)
    except (OSError, ValueError, LookupError, TypeError, RecursionError, SafetensorError) as error:
        raise OptionError(
            f"{path} is not an index that this version reads: {limits.short_message(error)}. "
            f"Remove it, and make it again: `impasto library index FOLDER -o {path}`."
        ) from None


def can_be_kept(name: str) -> bool:
    """Return whether a name, with slashes, is that of a file within a folder on every system."""
    return 0 < len(name) <= _LONGEST and _OUTSIDE.search(name) is None


# --- writing ---


def _header(count: int, names: int, folder: str) -> bytes:
    """Return the beginning of a safetensors file: its length, then where each array lies."""
    table: dict[str, Any] = {"__metadata__": {"format": FORMAT, "folder": folder}}
    end = 0
    for name, (kind, dtype, shape) in _ROWS.items():
        begin, end = end, end + count * dtype.itemsize * int(np.prod(shape, dtype=int))
        table[name] = {"dtype": kind, "shape": [count, *shape], "data_offsets": [begin, end]}
    table["names"] = {"dtype": "U8", "shape": [names], "data_offsets": [end, end + names]}
    text = json.dumps(table).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _write_rows(
    file: BinaryIO, new: Mapping[str, np.ndarray], old: Index | None, kept: np.ndarray
) -> None:
    for name, (_, dtype, _) in _ROWS.items():
        for first in range(0, len(kept), _CHUNK):
            assert old is not None
            file.write(old.arrays[name][kept[first : first + _CHUNK]].astype(dtype).tobytes())
        file.write(new[name].tobytes())


def _stacked(rows: Sequence[tuple[Entry, Signature]]) -> dict[str, np.ndarray]:
    columns: dict[str, Iterable[Any]] = {
        "lines": [signature.lines for _, signature in rows],
        "edges": [signature.edges for _, signature in rows],
        "colours": [signature.colours for _, signature in rows],
        "sizes": [entry.size for entry, _ in rows],
        "times": [entry.time for entry, _ in rows],
    }
    return {
        name: np.array(list(columns[name]), dtype).reshape(len(rows), *shape)
        for name, (_, dtype, shape) in _ROWS.items()
    }


def _relative(folder: Path, path: Path) -> str:
    """Return where the library is, from the index where that is possible."""
    here = resolved(path).parent
    try:
        text = Path(os.path.relpath(resolved(folder), here)).as_posix()
    except ValueError:  # another drive, on Windows
        text = resolved(folder).as_posix()
    try:
        text.encode()
    except UnicodeEncodeError:
        raise OptionError(f"The name of the folder {folder} is no text: rename it.") from None
    return text


# --- reading ---


def _mapped(path: Path, about: dict[str, str]) -> Index:
    """Return the index of a file whose arrays are known to lie within it; ValueError otherwise."""
    if about.get("format") != FORMAT:
        raise ValueError(f"its format is {about.get('format')!r:.60}, and {FORMAT} is read here")
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        table = json.loads(file.read(length))
    count = table["sizes"]["shape"][0]
    if not 0 <= count <= _MOST_PICTURES or not 0 <= table["names"]["shape"][0] <= _MOST_NAMES:
        raise ValueError(f"it would have {count:,} pictures")
    arrays = {}
    for name, (kind, dtype, shape) in _ROWS.items():
        if table[name]["dtype"] != kind or table[name]["shape"] != [count, *shape]:
            raise ValueError(f"its {name} have another shape")
        begin = 8 + length + table[name]["data_offsets"][0]
        arrays[name] = _array(path, dtype, begin, (count, *shape))
    where = 8 + length + table["names"]["data_offsets"][0]
    packed = _array(path, np.dtype("u1"), where, tuple(table["names"]["shape"])).tobytes()
    names = packed.decode("utf-8", "surrogateescape").split("\0") if count else []
    if len(names) != count:
        raise ValueError(f"it has {len(names)} names for {count} pictures")
    return Index(_folder(about.get("folder", ""), path), _checked(names), arrays)


def _array(path: Path, dtype: np.dtype[Any], begin: int, shape: tuple[int, ...]) -> np.ndarray:
    if 0 in shape:  # which cannot be mapped
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, "r", begin, shape)


def _folder(text: str, path: Path) -> Path:
    if not text or len(text) > _LONGEST or "\0" in text or is_on_network(text):
        raise ValueError("the folder of its library is not valid")
    return Path(os.path.normpath(resolved(path).parent / text))


def _checked(names: list[str]) -> list[str]:
    """Return names that stay within the library; ValueError otherwise."""
    for name in names:
        if not can_be_kept(name):
            raise ValueError(f"it has a name outside its library, {name!r:.80}")
    return names
