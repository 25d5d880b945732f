"""What a study of films compares: methods, and how firmly they keep still. Needs no PyTorch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from impasto.config.bases import StyledConfig
from impasto.config.methods import configs_with
from impasto.errors import OptionError, suggestion

__all__ = ["FILM_STUDY", "FilmVariant", "film_variants"]

FILM_STUDY = "film"
"""What the study is called; its content is a clip."""

_STEADY = ("0", "0.5", "1")
_METHODS = ("instant", "quick")


@dataclass(frozen=True)
class FilmVariant:
    """One film of a study.

    Attributes:
        steady: as of `FilmSettings`; 0 paints each frame by itself.
    """

    method: str
    steady: float

    @property
    def label(self) -> str:
        """Its name on the page."""
        kept = f"steady {self.steady:g}" if self.steady else "each frame by itself"
        return f"{self.method}, {kept}"


def film_variants(values: Sequence[str] = (), method: str | None = None) -> list[FilmVariant]:
    """Return the films of a study.

    Args:
        values: each a method, or METHOD:STEADY; by default `instant` and `quick` at 0, 0.5 and 1.
        method: of the default ones, in place of these two.

    Raises:
        OptionError: an unknown method, or a number that is not from 0 to 1.
    """
    methods = _METHODS if method is None else (method,)
    texts = values or [f"{name}:{steady}" for name in methods for steady in _STEADY]
    return list(dict.fromkeys(_variant(text.strip()) for text in texts))


def _variant(text: str) -> FilmVariant:
    method, colon, number = text.partition(":")
    methods = configs_with(StyledConfig)
    if method not in methods:
        raise OptionError(
            f"--values has {text!r}{suggestion(method, methods)} A study of film takes methods "
            f"({', '.join(methods)}), each alone or with how firmly it keeps still, such as "
            "instant:0.5."
        )
    try:
        steady = float(number) if colon else 1.0
    except ValueError:
        steady = math.nan
    if not 0 <= steady <= 1:
        raise OptionError(
            f"--values has {text!r}. How firmly a film keeps still is a number from 0 to 1, such "
            f"as {method}:0.5."
        )
    return FilmVariant(method, steady)
