"""Options of a film, each declared once: flags, the studio's form and a job's checks share it.

Needs no PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from impasto.config.fields import check, option
from impasto.config.numbers import SHARE
from impasto.config.times import TIME

__all__ = ["STEADY", "FilmSettings"]

STEADY = "How it keeps still"
"""The heading that help shows these options under."""

# The longest film, in seconds: a week.
_LONGEST = 7 * 24 * 3600.0


def _option(default: Any, help: str, **more: Any) -> Any:
    return option(default, help, panel=STEADY, **more)


@dataclass(frozen=True)
class FilmSettings:
    """What may be chosen of a film, whatever paints its frames.

    Raises:
        OptionError: a value out of its range.
    """

    steady: float = _option(
        1.0,
        "How firmly a frame keeps to what was painted before, where the same is to be seen: 0 "
        "paints each frame by itself.",
        low=0.0,
        high=1.0,
        spelling=SHARE,
    )
    change: float = _option(
        0.0,
        "How long one --style takes to turn into the next; 0 blends them all by their weights.",
        low=0.0,
        high=_LONGEST,
        spelling=TIME,
    )

    def __post_init__(self) -> None:
        check(self)
