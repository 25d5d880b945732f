"""Everything that Impasto raises on purpose.

ImpastoError
├── PictureError      a picture that cannot be read, used or written
├── OptionError       a value, name or combination that is not allowed
├── WeightsError      weights that are missing, damaged or of another network
├── StyleError        a style card that cannot be read or used
├── RecipeError       a recipe that is missing, damaged or cannot be rerun
├── ResumeError       a run's folder or state that is missing, damaged, in use or of another run
└── DivergedError     an optimisation that no smaller step could save

Each message says what was given, what is allowed and what to do next; it is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "DivergedError",
    "ImpastoError",
    "OptionError",
    "PictureError",
    "RecipeError",
    "ResumeError",
    "StyleError",
    "WeightsError",
    "is_out_of_memory",
    "notes_of",
    "suggestion",
]


class ImpastoError(Exception):
    """The root: catch it to catch every error that Impasto raises on purpose."""


class PictureError(ImpastoError):
    """A picture cannot be read, used or written."""


class OptionError(ImpastoError, ValueError):
    """An option's value, a name or a combination of options is not allowed."""


class WeightsError(ImpastoError):
    """A network's weights are missing, damaged or those of another network."""


class StyleError(ImpastoError):
    """A style card cannot be read or used."""


class RecipeError(ImpastoError):
    """A recipe is missing, damaged or cannot be run again here."""


class ResumeError(ImpastoError):
    """A run's folder or state is missing, damaged, in use or that of another run."""


class DivergedError(ImpastoError):
    """The loss became infinite or not a number, and smaller steps did not help."""


def notes_of(error: BaseException) -> list[str]:
    """Return what was added to an error, such as where the picture so far is."""
    return list(getattr(error, "__notes__", []))


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on any device."""
    message = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and ("out of memory" in message or "can't allocate memory" in message)
    )


def suggestion(name: str, allowed: Iterable[str]) -> str:
    """Return the end of a sentence about a wrong name: `; did you mean 'relu5_1'?` or a stop."""
    close = get_close_matches(name, list(allowed), n=1)
    return f"; did you mean {close[0]!r}?" if close else "."
