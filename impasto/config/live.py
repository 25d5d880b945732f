"""Options of live painting, each declared once. Needs no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from impasto.config.bases import PictureConfig, StyledConfig
from impasto.config.fields import check, option, otherwise
from impasto.config.film import FilmSettings
from impasto.config.numbers import Spelling, whole
from impasto.errors import OptionError

__all__ = ["LARGEST", "LIVE", "SMALLEST", "LiveSettings"]

LIVE = "Live"
"""The heading that help shows these options under."""

SMALLEST, LARGEST = 96, 1280
"""Range of the long side of a picture that is painted live, in pixels."""

_AUTO = "auto"


def _size_of(text: str) -> int:
    """Return the pixels of `320` or `320px`, and 0 of `auto`.

    Raises:
        ValueError: another text.
    """
    word = "".join(text.lower().split())
    if word == _AUTO:
        return 0
    try:
        return whole(word.removesuffix("px"))
    except ValueError:
        raise ValueError(f"It takes auto, or pixels from {SMALLEST} to {LARGEST}.") from None


_SIZE = Spelling(_size_of, rf"^([0-9]+(px)?|{_AUTO})$", "auto|320")


def _option(default: Any, help: str, **more: Any) -> Any:
    return option(default, help, panel=LIVE, **more)


@dataclass(frozen=True)
class LiveSettings:
    """What may be chosen of live painting, besides the style; what films have too is theirs.

    Raises:
        OptionError: a value out of its range.
    """

    size: int = _option(
        0,
        "Long side of the painted pictures, in pixels; auto (or 0) takes the largest at which the "
        "--rate is kept.",
        low=0,
        high=LARGEST,
        spelling=_SIZE,
    )
    rate: float = _option(15.0, "Pictures a second that are wanted.", low=1.0, high=60.0)
    strength: float = otherwise(StyledConfig, "strength", 0.5)
    stroke: float = otherwise(PictureConfig, "stroke", 1.0)
    steady: float = otherwise(FilmSettings, "steady", 1.0)
    precision: str = otherwise(PictureConfig, "precision", "auto")
    device: str = otherwise(PictureConfig, "device", "auto")

    def __post_init__(self) -> None:
        check(self)
        if 0 < self.size < SMALLEST:
            raise OptionError(
                f"--size is {self.size}. It takes auto, or pixels from {SMALLEST} to {LARGEST}."
            )
