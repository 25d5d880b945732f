"""A run's state as a safetensors file, written tensor by tensor and checked when it is read.

The numbers go as JSON into the header's metadata, beside a CRC-32 of the tensors' bytes. It finds
damage, not malice, and costs a tenth of the writing; SHA-256 would cost a fifth to all of it.
"""

from __future__ import annotations

import json
import math
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from impasto.engine.snapshots import Snapshot
from impasto.engine.step import Step
from impasto.errors import ResumeError
from impasto.files import atomic, limits
from impasto.files.strict_json import MAX_NUMBER, Reader, Shape

__all__ = ["Saved", "bytes_of", "load", "save"]

FORMAT = "1"

_MOST_BYTES = 2**36
_MOST_TENSORS = 1024
_PIECE = 2**22  # bytes that are read or written at a time

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_DTYPES = {torch.float32: "F32", torch.float16: "F16"}
_KEYS = {"format", "mark", "numbers", "step", "crc32"}
_STEP: Shape = dict.fromkeys(("scale", "scales", "iteration", "iterations"), (int,))


def _refuse(reason: str) -> NoReturn:
    raise ResumeError(f"it is damaged, or not a state of this run ({reason})")


_READER = Reader(_refuse)


@dataclass(frozen=True)
class Saved:
    """A state that was read.

    Attributes:
        scale, scales, iteration, iterations: of the step after which it was saved.
    """

    snapshot: Snapshot
    scale: int
    scales: int
    iteration: int
    iterations: int

    def __str__(self) -> str:
        return (
            f"scale {self.scale} of {self.scales}, iteration {self.iteration} of {self.iterations}"
        )


def bytes_of(snapshot: Snapshot) -> int:
    """Return the size of the file, without its header."""
    return sum(t.numel() * t.element_size() for t in snapshot.tensors.values())


def save(path: Path, step: Step, mark: str) -> int:
    """Write the state after a step atomically: an earlier one stays until it is written.

    Args:
        mark: of the run.

    Returns:
        The bytes written.

    Raises:
        OSError: it cannot be written.
    """
    snapshot = step.snapshot()
    with atomic.opened(path) as file:
        file.write(_header(snapshot, step, mark, 0))
        checksum = 0
        for tensor in snapshot.tensors.values():
            checksum = _write(tensor, file, checksum)
        size = file.tell()
        file.seek(0)  # a header of the same length, now with the sum
        file.write(_header(snapshot, step, mark, checksum))
    atomic.sync(path.parent)
    return size


def load(path: Path, mark: str, longest: int) -> Saved:
    """Read a state; anything but one of that run is refused before its pixels are read.

    Args:
        mark: of the run.
        longest: the most pixels along a side of the run's pictures.

    Raises:
        ResumeError: a file that is damaged, not a state, or of another run.
    """
    try:
        if path.is_symlink():
            _refuse("it is a link")
        limits.check_tensors(path, _MOST_BYTES, ResumeError)
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            names = list(file.keys())
            _check_tensors(file, names, longest)
        saved = _saved(metadata, mark, _Tensors(path, names))
        if metadata["crc32"] != f"{_checksum_of(path):08x}":
            _refuse("its checksum is different")
        _check_values(path, names)
    except (OSError, SafetensorError, ResumeError) as error:
        reason = getattr(error, "strerror", None) or str(error).replace(str(path), "it", 1)
        raise ResumeError(
            f"{path} cannot be used: {limits.short_message(reason)}. Without it the run begins "
            "again: delete that file, and resume."
        ) from None
    return saved


class _Tensors(Mapping[str, Tensor]):
    """A file's tensors, each read on access."""

    def __init__(self, path: Path, names: list[str]) -> None:
        self.path, self.names = path, names

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.names:
            raise KeyError(name)
        with safe_open(self.path, "pt") as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def _header(snapshot: Snapshot, step: Step, mark: str, checksum: int) -> bytes:
    metadata = {
        "format": FORMAT,
        "mark": mark,
        "numbers": json.dumps({name: _plain(v) for name, v in snapshot.numbers.items()}),
        "step": json.dumps({name: getattr(step, name) for name in _STEP}),
        "crc32": f"{checksum:08x}",
    }
    entries: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, tensor in snapshot.tensors.items():
        begin, end = end, end + tensor.numel() * tensor.element_size()
        entries[name] = {
            "dtype": _DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text


def _plain(value: float | int) -> float | int | str:
    """Return a number as JSON has it: a word for infinity and NaN."""
    return value if math.isfinite(value) else str(float(value))


def _write(tensor: Tensor, file: Any, checksum: int) -> int:
    """Write a tensor's bytes; return the checksum with theirs."""
    # Not `numpy().tobytes()`, which would copy the whole state of a poster.
    flat: Any = tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy()
    values = memoryview(flat)
    for begin in range(0, len(values), _PIECE):
        piece = values[begin : begin + _PIECE]
        file.write(piece)
        checksum = zlib.crc32(piece, checksum)
    return checksum


def _checksum_of(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        file.seek(int.from_bytes(file.read(8), "little"), os.SEEK_CUR)
        while piece := file.read(_PIECE):
            checksum = zlib.crc32(piece, checksum)
    return checksum


def _check_tensors(file: Any, names: list[str], longest: int) -> None:
    if not 1 <= len(names) <= _MOST_TENSORS:
        _refuse(f"{len(names)} tensors")
    for name in names:
        if not _NAME.fullmatch(name):
            _refuse(f"a tensor called {name!r:.80}")
        part = file.get_slice(name)
        shape, kind = part.get_shape(), part.get_dtype()
        if kind not in _DTYPES.values():
            _refuse(f"{name} holds {kind}")
        if len(shape) != 4 or shape[:2] != [1, 3] or min(shape[2:]) < 1:
            _refuse(f"{name} measures {shape!r:.80}, which is not a picture")
        if max(shape[2:]) > longest:
            _refuse(f"{name} measures {shape!r:.80}, and no side is longer than {longest}")


def _check_values(path: Path, names: list[str]) -> None:
    """Refuse infinite values, which would spread over the picture, some rows at a time."""
    with safe_open(path, "pt") as file:
        for name in names:
            part = file.get_slice(name)
            _, _, height, width = part.get_shape()
            rows = max(1, _PIECE // (12 * width))
            for top in range(0, height, rows):
                if not torch.isfinite(part[:, :, top : top + rows]).all():
                    _refuse(f"{name} holds values that are not finite")


def _saved(metadata: Mapping[str, str], mark: str, tensors: _Tensors) -> Saved:
    if set(metadata) != _KEYS:
        _refuse("its metadata are different")
    if metadata["format"] != FORMAT:
        _refuse(f"its format is {metadata['format']!r:.80}, not {FORMAT}")
    if metadata["mark"] != mark:
        _refuse("it is of another run")
    step = _READER.table("its step", _READER.parse(metadata["step"]), _STEP)
    if not all(1 <= value <= MAX_NUMBER for value in step.values()):
        _refuse("its step is out of range")
    numbers = _READER.parse(metadata["numbers"])
    if not isinstance(numbers, dict) or len(numbers) > _MOST_TENSORS:
        _refuse("its numbers are not a table")
    return Saved(Snapshot(tensors, {name: _number(name, v) for name, v in numbers.items()}), **step)


def _number(name: str, value: Any) -> float | int:
    if value in ("inf", "-inf", "nan"):
        return float(value)
    is_integer = type(value) is int and abs(value) <= MAX_NUMBER
    if not is_integer and not (type(value) is float and math.isfinite(value)):
        _refuse(f"{name:.80} is {value!r:.80}, which is not a number")
    number: float | int = value
    return number
