"""Everything that Impasto raises on purpose.

ImpastoError
├── PictureError      a picture that cannot be read, used or written
├── OptionError       a value, name or combination that is not allowed
├── WeightsError      weights that are missing, damaged or of another network
├── StyleError        a style card that cannot be read or used
├── RecipeError       a recipe that is missing, damaged or cannot be rerun
├── ResumeError       a run's folder or state that is missing, damaged, in use or of another run
├── JobError          a job or a queue that cannot be used
└── DivergedError     an optimisation that no smaller step could save

Each message says what was given, what is allowed and what to do next. It names options as flags,
`--method fast`, which the command shows as they are; everywhere else they become what a program
writes, `method="fast"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

__all__ = [
    "DivergedError",
    "ImpastoError",
    "JobError",
    "OptionError",
    "PictureError",
    "RecipeError",
    "ResumeError",
    "StyleError",
    "WeightsError",
    "is_out_of_memory",
    "learn_words",
    "notes_of",
    "speaking_flags",
    "speaks_flags",
    "suggestion",
    "worded",
]

_words: set[str] = set()  # that are values of options, such as `fast`
_speakers = 0  # command lines that run in this process

_SWITCHES = {"force", "resume", "keep_run", "anyway", "seamless"}  # flags without a value
_LISTS = {"region"}
_FLAG = re.compile(
    r"(?<![\w-])--(?P<no>no-)?(?P<name>[a-z][a-z0-9-]*)"
    r"(?: (?P<value>'[^']*'|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w|%|\.\d)|[A-Z]{3,}"
    r"|[a-z][a-z0-9+]*(?:-[a-z0-9]+)*))?"
)


class ImpastoError(Exception):
    """The root: catch it to catch every error that Impasto raises on purpose."""

    def __str__(self) -> str:
        return worded(super().__str__())

    def add_note(self, note: str) -> None:
        """Add a sentence, in the words of whoever reads it."""
        super().add_note(worded(note))


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


class JobError(ImpastoError):
    """A job or a queue of jobs cannot be used."""


class DivergedError(ImpastoError):
    """The loss became infinite or not a number, and smaller steps did not help."""


@contextmanager
def speaking_flags() -> Iterator[None]:
    """Let messages name options as they are typed in a command line, as long as one runs."""
    global _speakers
    _speakers += 1
    try:
        yield
    finally:
        _speakers -= 1


def speaks_flags() -> bool:
    """Return whether messages name options as they are typed in a command line."""
    return _speakers > 0


def learn_words(words: Iterable[object]) -> None:
    """Note words that are values of options, which `worded` then knows from other words."""
    _words.update(str(word) for word in words)


def worded(message: str) -> str:
    """Return a message for whoever reads it: `--method fast`, or `method="fast"` in a program."""
    return message if speaks_flags() else _FLAG.sub(_as_argument, message)


def _as_argument(flag: re.Match[str]) -> str:
    name, value = flag["name"].replace("-", "_"), flag["value"] or ""
    if flag["no"]:
        return f"{name}=False" + (f" {value}" if value else "")
    if value and value[0].islower():
        if value not in _words or name in _SWITCHES:
            return f"{_switch(name)} {value}"
        return f'{name}="{value}"'
    if value:
        return f"{name}=[{value}]" if name in _LISTS and value[0] == "'" else f"{name}={value}"
    return _switch(name)


def _switch(name: str) -> str:
    return f"{name}=True" if name in _SWITCHES else name


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
