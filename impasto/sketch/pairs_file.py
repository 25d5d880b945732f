"""Pairs of areas and parts in a file that a person can change. Needs no PyTorch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from impasto.errors import OptionError
from impasto.files.strict_json import Reader

__all__ = ["FORMAT", "pairs_text", "read_pairs"]

FORMAT = 1
"""The number of this shape."""

_MOST = 256


def pairs_text(pairs: Sequence[int | None]) -> str:
    """Return the JSON of all pairs: by area, the number of its part, or null for white paper."""
    entries = [{"area": area, "part": part} for area, part in enumerate(pairs)]
    lines = ",\n".join(f"    {json.dumps(entry)}" for entry in entries)
    return f'{{\n  "format": {FORMAT},\n  "pairs": [\n{lines}\n  ]\n}}\n'


def read_pairs(path: Path) -> tuple[str, ...]:
    """Return the pairs of a file as `--pair` takes them, such as `3=0` and `4=none`.

    Raises:
        OptionError: it cannot be read, or is not such a file.
    """

    def refuse(reason: str) -> NoReturn:
        raise OptionError(
            f"{path} holds no pairs: {reason}. `impasto sketch … --show-pairs {path.name}` writes "
            "such a file."
        )

    reader = Reader(refuse)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise OptionError(f"{path} cannot be read: {reason}.") from None
    data = reader.table("the file", reader.parse(text), {"format": (int,), "pairs": (list,)})
    if data["format"] != FORMAT:
        refuse(f"its format is {data['format']}, and this Impasto reads format {FORMAT}")
    if len(data["pairs"]) > _MOST:
        refuse(f"it has {len(data['pairs'])} pairs, and {_MOST} are allowed")
    shape = {"area": (int,), "part": (int, type(None))}
    entries = [reader.table("a pair", entry, shape) for entry in data["pairs"]]
    return tuple(f"{e['area']}={'none' if e['part'] is None else e['part']}" for e in entries)
