"""Amounts of memory, as people write and read them, and how a run fits into one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from impasto.errors import OptionError

__all__ = ["DTYPES", "MemoryPlan", "gigabytes", "parse_memory"]

_UNITS = "kmgt"
_SHAPE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*(?:([kmgt])(i?))?b?", re.IGNORECASE)


def parse_memory(text: str) -> int:
    """Return the bytes of `4GB`, `800 MB`, `3.5GiB`, `4g`, `4000000000`.

    Raises:
        OptionError: another text, or less than a megabyte.
    """
    match = _SHAPE.fullmatch(text.strip())
    count = 0
    if match:
        number, unit, binary = match.groups(default="")
        power = _UNITS.index(unit.lower()) + 1 if unit else 0
        count = int(float(number) * (1024 if binary else 1000) ** power)
    if count < 10**6:
        advice = "It takes an amount such as 4GB or 800MB."
        if re.match(r"\d*,\d", text.strip()):
            advice = "Numbers are written with a point, not a comma, such as 4.5GB."
        raise OptionError(f"--memory is {text!r:.80}. {advice}")
    return count


def gigabytes(count: int) -> str:
    """Return a number of bytes as text, to a tenth of a gigabyte."""
    return f"{count / 1e9:.1f} GB"


DTYPES = ("float32", "float16")
"""Number types that an optimiser's memory can be kept in."""


@dataclass(frozen=True)
class MemoryPlan:
    """How a run fits into memory. Another plan gives other last bits, and so another picture.

    Attributes:
        tile: bytes of activations at a time; 0 computes the picture as a whole.
        history: pairs that L-BFGS remembers, at most; 0 for as many as the config says.
        dtype: number type that the optimiser's memory is kept in, one of `DTYPES`.
    """

    tile: int = 0
    history: int = 0
    dtype: str = "float32"

    def to_dict(self) -> dict[str, int | str]:
        """Return the fields by the names that recipes and `--json` give them."""
        return {"tile": self.tile, "history": self.history, "held": self.dtype}
