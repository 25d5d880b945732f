"""What a person writes of styles, regions and layers, taken apart. Knows no PyTorch."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto.errors import OptionError, suggestion
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

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf)", re.IGNORECASE)


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
                f"The style {self.source} has the weight {self.weight:g}. It takes a number of at "
                "least 0, such as 0.3."
            )
        if self.layers not in DEPTHS:
            raise OptionError(
                f"The style {self.source} has the layers {self.layers!r}"
                f"{suggestion(self.layers, DEPTHS)} They may be {', '.join(DEPTHS)}."
            )

    @classmethod
    def parse(cls, text: str) -> StyleSpec:
        """`b.jpg`, `b.jpg:0.3`, `b.jpg:fine` or `b.jpg:0.3:fine`."""
        name, words = _split(text, lambda word: word in DEPTHS or _is_number(word))
        _check_once("--style", text, words)
        if not name:
            raise OptionError(f"--style is {text!r}, which names no style.")
        return cls._of(name, words)

    @classmethod
    def used(cls, source: Any, use: str) -> StyleSpec:
        """A source and what `use` said of it, such as `:0.3:fine`; no file is asked for here.

        Of a file of trained styles `use` begins with the style: `#b:0.3`.
        """
        name, *words = use.split(":")
        return cls._of(f"{split_source(str(source))[0]}{name}" if name else source, words)

    @classmethod
    def _of(cls, source: Any, words: Sequence[str]) -> StyleSpec:
        choice = cls(source)
        for word in words:
            if _is_number(word):
                choice = replace(choice, weight=float(word))
            else:
                choice = replace(choice, layers=word)
        return choice

    @property
    def label(self) -> str:
        """What a result is called after: the file without its ending, or the trained style."""
        file, name = split_source(str(self.source))
        return name.removeprefix("#") or Path(file).stem

    @property
    def use(self) -> str:
        """What `parse` reads after the file's name: empty for the whole style."""
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
        """`#ff0000=starry-night:0.9`, `#00f=keep`, `#00ff00=0.4:color=keep`."""
        colour, parted, rest = text.partition("=")
        if not parted or not rest:
            raise OptionError(
                f"--region is {text!r}. It takes a colour of the map and what to do there, such as "
                "'#ff0000=starry-night:0.9' or '#0000ff=keep'."
            )
        name, words = _split(rest, lambda word: _is_number(word) or word.startswith("color="))
        _check_once("--region", text, words)
        choice = cls(_colour(colour), style="" if name == "keep" else name, keep=name == "keep")
        for word in words:
            choice = choice._with(word, text)
        if choice.keep and words:
            raise OptionError(
                f"--region {text!r} keeps the pixels and says how to paint them. Leave out one."
            )
        return choice

    def _with(self, word: str, text: str) -> RegionSpec:
        if word.startswith("color="):
            mode = word.removeprefix("color=")
            if mode not in COLOUR_MODES:
                raise OptionError(
                    f"--region {text!r} has color={mode}{suggestion(mode, COLOUR_MODES)} It may be "
                    f"{', '.join(COLOUR_MODES)}."
                )
            return replace(self, color=mode)
        strength = float(word)
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
    """Options as a config takes them, and the picture to start from where `init` is one.

    One of `STARTS` is never a file's name: that is written ./noise.
    """
    init = options.get("init", STARTS[0])
    if isinstance(init, str) and not means_file(init, STARTS):
        return dict(options), None
    return {**options, "init": STARTS[0]}, Path(init) if isinstance(init, str) else init


def means_file(name: str, words: Sequence[str]) -> bool:
    """Whether a name that may also be one of those words means a file.

    One with a suffix or a folder does, even if it is not there: whoever reads it will say so.
    """
    path = Path(name)
    return name not in words and bool(path.suffix or name != path.name or _is_file(name))


def layer_weights(layers: Sequence[str]) -> dict[str, float]:
    """Layers with their weights: `relu1_1:2` has 2, `relu2_1` has 1.

    Raises:
        OptionError: a weight that is no positive number, or a layer named twice.
    """
    found: dict[str, float] = {}
    for text in layers:
        name, _, weight = text.partition(":")
        if name in found:
            raise OptionError(f"The layer {name!r} is named twice.")
        value = 1.0 if not weight else float(weight) if _is_number(weight) else -1.0
        if not math.isfinite(value) or value <= 0:
            raise OptionError(
                f"The layer {name!r} has the weight {weight!r}. It takes a positive number, such "
                "as relu1_1:2."
            )
        found[name] = value
    return found


def _is_number(word: str) -> bool:
    return _NUMBER.fullmatch(word) is not None


def _split(text: str, is_word: Any) -> tuple[str, list[str]]:
    """A name and the words after it; what is no word belongs to the name, as in `C:\\a.jpg`."""
    parts = text.split(":")
    words: list[str] = []
    while parts and is_word(parts[-1]) and not _is_file(":".join(parts)):
        words.insert(0, parts.pop())
    return ":".join(parts), words


def _check_once(flag: str, text: str, words: Sequence[str]) -> None:
    if len({_is_number(word) for word in words}) < len(words):
        raise OptionError(f"{flag} {text!r} says one thing twice. Leave out one.")


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # too long for a name
        return False


def _colour(text: str) -> str:
    found = re.fullmatch(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})", text.strip())
    if not found:
        raise OptionError(
            f"--region has the colour {text!r}. It takes one as in web pages, such as #ff0000."
        )
    digits = found[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))
