"""Numbers as people write them: `0.7`, `70%`, and what to say of `0,7`. Knows no PyTorch."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["SHARE", "Spelling", "comma_advice", "decimal", "is_decimal", "share", "whole"]

_DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf)", re.I | re.A)
_WHOLE = re.compile(r"[-+]?\d{1,30}", re.A)
_COMMA = re.compile(r"[-+]?\d*,\d+ ?%?", re.A)


@dataclass(frozen=True)
class Spelling:
    """Further ways to write an option's number.

    Attributes:
        read: from a text to the value; raises ValueError, with a sentence that says what the option
            takes.
        pattern: regular expression of those texts, for JSON Schema.
        metavar: what help shows besides the range.
    """

    read: Callable[[str], Any]
    pattern: str
    metavar: str


def is_decimal(text: str) -> bool:
    """Return whether a text is a number with a decimal point, or without; also nan and inf."""
    return _DECIMAL.fullmatch(text) is not None


def decimal(text: str) -> float:
    """Return the number in a text.

    Raises:
        ValueError: it is none.
    """
    if not is_decimal(text.strip()):
        raise ValueError("It takes a number, such as 0.5.")
    return float(text)


def whole(text: str) -> int:
    """Return the whole number in a text.

    Raises:
        ValueError: it is none.
    """
    if not _WHOLE.fullmatch(text.strip()):
        raise ValueError("It takes a whole number.")
    return int(text)


def share(text: str) -> float:
    """Return `0.7` of `0.7` or `70%`.

    Raises:
        ValueError: another text.
    """
    number = text.strip().removesuffix("%").rstrip()
    if not is_decimal(number):
        raise ValueError(
            "It takes a number from 0 to 1, such as 0.7, or a percentage, such as 70%."
        )
    # By division: 0.01 × 7 would not be 0.07.
    return float(number) / 100 if text.strip().endswith("%") else float(number)


SHARE = Spelling(share, r"^ *[0-9]+(\.[0-9]+)? *%? *$", "70%")
"""Of an option from 0 to 1."""


def comma_advice(text: str, *, is_whole: bool = False) -> str:
    """Return what to do about a comma in a number, as a sentence; empty where there is none.

    Args:
        is_whole: whether a whole number is expected, whose comma separates thousands.
    """
    text = text.strip()
    if not _COMMA.fullmatch(text):
        return ""
    if is_whole and not text.endswith("%"):
        return f"Whole numbers are written without a comma: {text.replace(',', '')}."
    number = text.replace(",", ".")
    return f"Numbers are written with a point, not a comma: {'0' * number.startswith('.')}{number}."
