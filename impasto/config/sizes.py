"""Sizes of pictures as people write them: `320px`, `4k`, `50%`, `photo`. Knows no PyTorch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from impasto.config.numbers import Spelling
from impasto.errors import OptionError

__all__ = [
    "LEAST",
    "MOST",
    "PIXELS",
    "SCREENS",
    "SIZE",
    "RelativeSize",
    "parse_size",
    "without_relative_size",
]

LEAST, MOST = 32, 16384
"""Range of a picture's sides, in pixels."""

SCREENS = {
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "1440p": (2560, 1440),
    "2160p": (3840, 2160),
    "2k": (2048, 1080),
    "4k": (3840, 2160),
    "8k": (7680, 4320),
}
"""Width and height of the screens whose names are sizes; 4k is that of television (UHD)."""

_PIXELS = re.compile(r"(\d{1,30})(?:px)?", re.A)
_PERCENT = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)%", re.A)
_SIDES = re.compile(r"(\d{1,6})[x×*](\d{1,6})", re.A)
_WHOLE_PHOTOGRAPH = "photo"


@dataclass(frozen=True)
class RelativeSize:
    """A size as a share of the photograph's: `photo` is all of it.

    Attributes:
        text: as it was typed.
        percent: of the photograph's long side.
    """

    text: str
    percent: float

    def of(self, long_side: int) -> int:
        """Return the size for a photograph, in pixels.

        Args:
            long_side: of the photograph, in pixels.

        Raises:
            OptionError: the size is out of the range of all sizes.
        """
        size = round(long_side * self.percent / 100)
        if not LEAST <= size <= MOST:
            reason = (
                f"the photograph's long side has {long_side} px"
                if self.percent == 100
                else f"{self.percent:g}% of {long_side} px is {size} px"
            )
            raise OptionError(
                f"--size is {self.text}, and {reason}. It takes {LEAST} px to {MOST} px."
            )
        return size


def parse_size(text: str) -> int | RelativeSize:
    """Return the long side in pixels of `1024`, `320px`, `4k`, or a share of the photograph's.

    Raises:
        ValueError: another text, with a sentence that says what is allowed.
    """
    word = "".join(text.lower().split())
    if word in SCREENS:
        return SCREENS[word][0]
    if match := _PIXELS.fullmatch(word):
        return int(match[1])
    if word == _WHOLE_PHOTOGRAPH:
        return RelativeSize(text, 100.0)
    if match := _PERCENT.fullmatch(word):
        return RelativeSize(text, float(match[1]))
    if match := _SIDES.fullmatch(word):
        raise ValueError(
            "A result has the photograph's proportions, so it takes the long side alone: "
            f"{max(map(int, match.groups()))}."
        )
    raise ValueError(
        f"It takes pixels from {LEAST} to {MOST}, the name of a screen ({', '.join(SCREENS)}), "
        "or a part of the photograph's own size, such as 50% or photo."
    )


def without_relative_size(
    options: Mapping[str, Any],
) -> tuple[dict[str, Any], RelativeSize | None]:
    """Return options that hold for several photographs, and the part of each that is its size.

    Args:
        options: with numbers in place of their texts.
    """
    size = options.get("size")
    if not isinstance(size, RelativeSize):
        return dict(options), None
    return {name: value for name, value in options.items() if name != "size"}, size


def _pixels_of(text: str) -> int:
    """Return the pixels of a size that is not relative, where there is no photograph."""
    size = parse_size(text)
    if isinstance(size, RelativeSize):
        raise ValueError(
            f"That is a part of a photograph's size, and there is no photograph here. It takes "
            f"pixels from {LEAST} to {MOST}, or the name of a screen ({', '.join(SCREENS)})."
        )
    return size


_NAMES = "|".join(SCREENS)
PIXELS = Spelling(_pixels_of, rf"^([0-9]+(px)?|{_NAMES})$", "4k")
SIZE = Spelling(parse_size, rf"^([0-9]+(px)?|{_NAMES}|[0-9]+(\.[0-9]+)?%|photo)$", "4k|50%|photo")
"""Spellings of a size: of a picture without a photograph, and of one with."""
