"""JSON that anybody may have written: one shape only, everything bounded, nothing executed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

__all__ = ["MAX_NUMBER", "MAX_STRING", "MAX_TEXT", "Json", "Reader", "Shape"]

MAX_TEXT = 1_000_000  # characters of JSON
MAX_STRING = 4096  # the longest path that Linux takes
MAX_NUMBER = 2**63  # beyond it JSON readers disagree about integers

Json = Any  # what `json.loads` returns: checked value by value

# An object's keys and the types of their values, as JSON has them.
Shape = Mapping[str, tuple[type, ...]]


@dataclass(frozen=True)
class Reader:
    """Reads one kind of JSON, and refuses everything else.

    Attributes:
        refuse: raises an error with the reason that it is called with.
        max_text: the most characters of the JSON.
        max_string: the most characters of a string in it.
    """

    refuse: Callable[[str], NoReturn]
    max_text: int = MAX_TEXT
    max_string: int = MAX_STRING

    def parse(self, text: str) -> Json:
        """Parse JSON without repeated keys and infinite numbers."""
        if len(text) > self.max_text:
            self.refuse(f"it has {len(text)} characters, and {self.max_text} are allowed")
        try:
            return json.loads(
                text, object_pairs_hook=self._no_repeats, parse_constant=self._no_constant
            )
        except (ValueError, RecursionError) as error:
            self.refuse(f"its JSON cannot be read ({error!s:.120})")

    def table(self, what: str, value: Json, shape: Shape) -> dict[str, Json]:
        """Return a copy of an object that has exactly these keys, with values of their types.

        Args:
            what: how the object is called in a refusal.
        """
        if not isinstance(value, dict):
            self.refuse(f"{what} must be an object, not {type(value).__name__}")
        if unknown := sorted(set(value) - set(shape)):
            self.refuse(f"{what} has an unknown key {unknown[0]!r:.80}")
        if missing := sorted(set(shape) - set(value)):
            self.refuse(f"{what} lacks {', '.join(missing)}")
        for key, kinds in shape.items():
            if type(value[key]) not in kinds:  # not isinstance: true is not a number here
                self.refuse(
                    f"{what} has {key} {value[key]!r:.80}, which is not of type {kinds[0].__name__}"
                )
        return dict(value)

    def string(self, what: str, value: str) -> None:
        """Check that a string is not too long."""
        if len(value) > self.max_string:
            self.refuse(f"{what} has {len(value)} characters, and {self.max_string} are allowed")

    def _no_repeats(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        table = dict(pairs)
        if len(table) != len(pairs):
            self.refuse("a key is repeated")
        return table

    def _no_constant(self, name: str) -> NoReturn:
        self.refuse(f"{name} is not a finite number")
