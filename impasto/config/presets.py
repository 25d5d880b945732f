"""What to choose for those who do not want to know methods: three presets. Knows no PyTorch.

A preset is no option of a picture: it becomes a method and options before their config is made, so
a recipe has only these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from impasto.errors import OptionError, learn_words, suggestion

__all__ = ["PRESETS", "USUAL", "Preset", "expanded"]


@dataclass(frozen=True)
class Preset:
    """One preset.

    Attributes:
        method: that it takes.
        options: of the method, where they are not as by default.
        for_cards: the method with the same options for style cards, where `method` takes none.
        help: what it is for.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    for_cards: str = ""
    help: str = ""


PRESETS = {
    "draft": Preset("instant", help="shows in a second what a style does"),
    "good": Preset("quick", help="is a finished painting"),
    # Of more iterations nnst gains clean plain areas and longer strokes, gatys little (LOG.md).
    "best": Preset(
        "nnst",
        {"iterations": 250},
        for_cards="gatys",
        help="takes about twenty-five times as long as good",
    ),
}
learn_words(PRESETS)
"""All presets, by their names."""

_FOR_STARTS = "gatys"

USUAL = "good"
"""The preset where neither a preset nor a method is chosen."""


def expanded(
    preset: str | None, method: str | None, options: Mapping[str, Any], *, has_card: bool = False
) -> tuple[str, dict[str, Any]]:
    """Return the method and the options that a preset stands for; options that are given win.

    Args:
        preset: its name, if one was chosen.
        method: if one was chosen.
        options: that were given.
        has_card: whether a style is a card, or a built-in one.

    Raises:
        OptionError: an unknown preset, or one of another method than the chosen one.
    """
    if preset is None and method is not None:
        return method, dict(options)
    if preset is not None and preset not in PRESETS:
        raise OptionError(
            f"--preset is {preset!r}{suggestion(preset, PRESETS)} It may be {', '.join(PRESETS)}."
        )
    if preset is None and "init" in options:  # the usual method has a start of its own
        return _FOR_STARTS, dict(options)
    row = PRESETS[preset or USUAL]
    chosen = row.for_cards if has_card and row.for_cards else row.method
    if method not in (None, chosen):
        raise OptionError(
            f"--preset {preset} is --method {chosen} here, and --method is {method}. Leave out one."
        )
    presets = dict(row.options)
    if {"epochs", "steps"} & options.keys():  # another way to say how long
        presets.pop("iterations", None)
    return chosen, {**presets, **options}
