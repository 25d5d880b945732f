"""The texts that a person writes for styles, regions and layers, parsed. Knows no PyTorch."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto.config.numbers import comma_advice, is_decimal, share
from impasto.errors import OptionError, suggestion
from impasto.files.names import is_on_network
from impasto.networks.trained_metadata import split_source

__all__ = [
    "COLOUR_MODES",
    "DEPTHS",
    "STARTS",
    "RegionSpec",
    "StyleSpec",
    "layer_weights",
    "means_file",
    "start_of",
]

COLOUR_MODES = ("style", "keep", "match")
DEPTHS = ("all", "fine", "coarse")
STARTS = ("content", "noise", "grey")

_COLOUR_WORDS = ("color=", "colour=")


@dataclass(frozen=True)
class StyleSpec:
    """A style, how much of it, and on which layers.

    Attributes:
        source: a painting's file or picture, a card's file, a built-in name, or a trained style
            (`a.impasto#b`).
        weight: its share among several styles; they need not sum to one.
        layers: `all`, `fine` (the first half of the style layers: colour and strokes) or `coarse`
            (the rest: shapes).

    Raises:
        OptionError: a weight that is negative or not finite, or another word for the layers.
    """

    source: Any
    weight: float = 1.0
    layers: str = "all"

    def __post_init__(self) -> None:
        if not math.isfinite(self.weight) or self.weight < 0:
            raise OptionError(
                f"The style {self._shown} has the weight {self.weight:g}. It takes a number of at "
                "least 0, such as 0.3."
            )
        if self.layers not in DEPTHS:
            raise OptionError(
                f"The style {self._shown} has the layers {self.layers!r}"
                f"{suggestion(self.layers, DEPTHS)} They may be {', '.join(DEPTHS)}."
            )

    @classmethod
    def parse(cls, text: str) -> StyleSpec:
        """Parse `b.jpg`, `b.jpg:0.3`, `b.jpg:30%`, `b.jpg:fine` or `b.jpg:0.3:fine`.

        Raises:
            OptionError: a text that names no style, or says one thing twice.
        """
        name, words = _split(text, lambda word: word in DEPTHS or _is_number(word))
        _check_commas("--style", text, name)
        _check_once("--style", text, words)
        if not name:
            raise OptionError(f"--style is {text!r}, which names no style.")
        return cls._of(name, words)

    @classmethod
    def used(cls, source: Any, use: str) -> StyleSpec:
        """Return a style from a source and its `use`, such as `:0.3:fine`; no file is looked at.

        Of a file of trained styles `use` begins with the style: `#b:0.3`.
        """
        name, *words = use.split(":")
        return cls._of(f"{split_source(str(source))[0]}{name}" if name else source, words)

    @classmethod
    def _of(cls, source: Any, words: Sequence[str]) -> StyleSpec:
        spec = cls(source)
        for word in words:
            if _is_number(word):
                spec = replace(spec, weight=share(word))
            else:
                spec = replace(spec, layers=word)
        return spec

    @property
    def _shown(self) -> str:
        return str(self.source) if isinstance(self.source, (str, Path)) else "in memory"

    @property
    def label(self) -> str:
        """A name for results: that of the file without its suffix, or of the trained style."""
        file, name = split_source(str(self.source))
        return name.removeprefix("#") or Path(file).stem

    @property
    def use(self) -> str:
        """The text that `parse` reads after the file's name; empty for all of a style."""
        name = split_source(str(self.source))[1] if isinstance(self.source, (str, Path)) else ""
        weight = "" if self.weight == 1 else f":{self.weight!r}"
        return name + weight + ("" if self.layers == "all" else f":{self.layers}")


@dataclass(frozen=True)
class RegionSpec:
    """What happens where a map has a colour.

    Attributes:
        colour: `#rrggbb`.
        style: a file or built-in name; empty for the style of the whole picture.
        strength: instead of the whole picture's, if given.
        keep: the photograph's pixels stay as they are.
        color: a colour mode instead of the whole picture's, if given.

    Raises:
        OptionError: a text that cannot be read so, or parts that contradict each other.
    """

    colour: str
    style: str = ""
    strength: float | None = None
    keep: bool = False
    color: str | None = None

    @classmethod
    def parse(cls, text: str) -> RegionSpec:
        """Parse `#ff0000=starry-night:0.9`, `#00f=keep`, `#00ff00=40%:color=keep`.

        Raises:
            OptionError: a text that cannot be read so.
        """
        colour, _, action = text.partition("=")
        if not action:
            raise OptionError(
                f"--region is {text!r}. It takes a colour of the map and what to do there, such as "
                "'#ff0000=starry-night:0.9' or '#0000ff=keep'."
            )
        name, words = _split(
            action, lambda word: _is_number(word) or word.startswith(_COLOUR_WORDS)
        )
        _check_commas("--region", text, name)
        _check_once("--region", text, words)
        spec = cls(_colour(colour), style="" if name == "keep" else name, keep=name == "keep")
        for word in words:
            spec = spec._with(word, text)
        if spec.keep and words:
            raise OptionError(
                f"--region {text!r} keeps the pixels and says how to paint them. Leave out one."
            )
        return spec

    def _with(self, word: str, text: str) -> RegionSpec:
        if word.startswith(_COLOUR_WORDS):
            mode = word.partition("=")[2]
            if mode not in COLOUR_MODES:
                raise OptionError(
                    f"--region {text!r} has {word}{suggestion(mode, COLOUR_MODES)} It may be "
                    f"{', '.join(COLOUR_MODES)}."
                )
            return replace(self, color=mode)
        strength = share(word)
        if not 0 <= strength <= 1:
            raise OptionError(
                f"--region {text!r} has the strength {word}. It takes a number from 0 to 1."
            )
        return replace(self, strength=strength)

    def __str__(self) -> str:
        words = ["keep" if self.keep else self.style]
        words += [] if self.strength is None else [repr(self.strength)]
        words += [] if self.color is None else [f"color={self.color}"]
        return f"{self.colour}={':'.join(word for word in words if word)}"


def start_of(options: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return options as a config takes them, and the picture to start from where `init` is one.

    One of `STARTS` is never a file's name: such a file is written ./noise.
    """
    init = options.get("init", STARTS[0])
    if isinstance(init, str) and not means_file(init, STARTS):
        return dict(options), None
    return {**options, "init": STARTS[0]}, Path(init) if isinstance(init, str) else init


def means_file(name: str, words: Sequence[str]) -> bool:
    """Return whether a name that may also be one of those words means a file.

    A name with a suffix or a folder does, even if it does not exist: reading it will fail.
    """
    path = Path(name)
    return name not in words and bool(path.suffix or name != path.name or _is_file(name))


def layer_weights(layers: Sequence[str]) -> dict[str, float]:
    """Return layers with their weights: `relu1_1:2` has 2, `relu2_1` has 1.

    Raises:
        OptionError: a weight that is not a positive number, or a layer named twice.
    """
    weights: dict[str, float] = {}
    for before, text in itertools.pairwise(layers):
        if ":" in before and text.isdecimal():  # the comma has divided a number
            raise OptionError(
                f"The layer {before + ',' + text!r} has a comma in its weight. Numbers are written "
                f"with a point: {before}.{text}."
            )
    for text in layers:
        name, _, weight = text.partition(":")
        if name in weights:
            raise OptionError(f"The layer {name!r} is named twice.")
        value = 1.0 if not weight else share(weight) if _is_number(weight) else -1.0
        if not math.isfinite(value) or value <= 0:
            raise OptionError(
                f"The layer {name!r} has the weight {weight!r}. It takes a positive number, such "
                "as relu1_1:2."
            )
        weights[name] = value
    return weights


def _is_number(word: str) -> bool:
    return is_decimal(word.removesuffix("%"))


def _split(text: str, is_word: Any) -> tuple[str, list[str]]:
    """Return a name and the words after it; any other part is of the name, as in `C:\\a.jpg`."""
    parts = text.split(":")
    words: list[str] = []
    while parts and is_word(parts[-1]) and not _is_file(":".join(parts)):
        words.insert(0, parts.pop())
    return ":".join(parts), words


def _check_commas(flag: str, text: str, name: str) -> None:
    """Refuse a comma in the number that a text ends in, which made it a part of the name."""
    last = name.rpartition(":")[2]
    if (advice := comma_advice(last)) and not _is_file(name):
        raise OptionError(f"{flag} is {text!r}, with the number {last}. {advice}")


def _check_once(flag: str, text: str, words: Sequence[str]) -> None:
    if len({_is_number(word) for word in words}) < len(words):
        raise OptionError(f"{flag} {text!r} says one thing twice. Leave out one.")


def _is_file(name: str) -> bool:
    try:
        return not is_on_network(name) and Path(name).is_file()
    except OSError:  # too long for a name
        return False


def _colour(text: str) -> str:
    match = re.fullmatch(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})", text.strip())
    if not match:
        raise OptionError(
            f"--region has the colour {text!r}. It takes one as in web pages, such as #ff0000."
        )
    digits = match[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))
