"""Moments and durations as people write them: `12.5`, `0:12`, `1:02:30.5`. Knows no PyTorch."""

from __future__ import annotations

import re

from impasto.config.numbers import Spelling, comma_advice

__all__ = ["TIME", "clock", "seconds_of"]

_CLOCK = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,9}(?:\.\d{1,9})?) ?s?", re.A)


def seconds_of(text: str) -> float:
    """Return the seconds of `12.5`, `12.5s`, `0:12` or `1:02:30.5`.

    Raises:
        ValueError: another text, or 60 and more minutes or seconds after a colon.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            comma_advice(text) or "It takes seconds, such as 12.5, or a time, such as 0:12."
        )
    hours, minutes, seconds = match[1], match[2], float(match[3])
    if (minutes and seconds >= 60) or (hours and int(minutes) >= 60):
        raise ValueError("After a colon there are at most 59 minutes and 59.99 seconds: 1:00:30.")
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds


def clock(seconds: float) -> str:
    """Return a time as a clock shows it: `0:12`, `1:02:30`; with a fraction if it has one."""
    whole, hundredths = divmod(round(seconds * 100), 100)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{text}.{hundredths:02}".rstrip("0") if hundredths else text


TIME = Spelling(
    seconds_of, r"^ *(([0-9]{1,4}:)?[0-9]{1,4}:)?[0-9]+(\.[0-9]+)? ?s? *$", "SECONDS|M:SS"
)
"""Of an option in seconds."""
