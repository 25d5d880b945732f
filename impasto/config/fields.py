"""How an option is declared, checked and read back. Knows no PyTorch, and no method."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from impasto.config.numbers import Spelling, comma_advice, decimal, whole
from impasto.errors import OptionError, learn_words, suggestion

__all__ = ["Need", "check", "flag_of", "from_dict", "from_text", "option", "otherwise"]

Config = TypeVar("Config")


@dataclass(frozen=True)
class Need:
    """What an option needs to have any effect.

    Attributes:
        is_met: whether a config has it.
        words: what is needed, as a person types it.
        message: the whole message instead.
    """

    is_met: Callable[[Any], bool]
    words: str
    message: str = ""

    def refusal(self, name: str) -> OptionError:
        """Return what to raise where it is missing."""
        return OptionError(
            self.message
            or f"{flag_of(name)} has no effect without {self.words}. Leave it out, or give both."
        )


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | tuple[int, ...] | None = None,
    metavar: str = "NAME,…",
    panel: str = "The picture",
    off: str = "",
    need: Need | None = None,
    spelling: Spelling | None = None,
    also: str = "",
) -> Any:
    """Declare a field with its help, its range (both ends allowed) or its choices.

    Args:
        metavar: what a list is made of, as help shows it; commas separate its items if it has one.
        panel: the heading that help shows it under.
        off: of a field that is true by default, the help of the only flag that it has then,
            `--no-NAME`.
        need: without which a person who types the option is refused.
        spelling: of a number, further ways to write it.
        also: another spelling of the name.
    """
    learn_words(choices or ())
    metadata = {
        "help": help,
        "low": low,
        "high": high,
        "choices": choices,
        "metavar": metavar,
        "panel": panel,
        "off": off,
        "need": need,
        "spelling": spelling,
        "also": also,
    }
    return field(default=default, metadata=metadata)


def otherwise(config: type, name: str, default: Any, **metadata: Any) -> Any:
    """Declare the field of another config with another default, or other metadata besides."""
    (spec,) = (spec for spec in fields(config) if spec.name == name)
    return field(default=default, metadata={**spec.metadata, **metadata})


def flag_of(name: str) -> str:
    """Return the flag of an option: `--style-layers` of `style_layers`."""
    return "--" + name.replace("_", "-")


def check(config: Any) -> None:
    """Check every field of a config against its type, range and choices.

    Raises:
        OptionError: naming the option, its value and what is allowed.
    """
    for spec in fields(config):
        _check_value(spec, getattr(config, spec.name))


def _check_value(spec: Field[Any], value: Any) -> None:
    flag, metadata = flag_of(spec.name), spec.metadata
    if choices := metadata["choices"]:
        if type(value) is not type(spec.default) or value not in choices:
            names = [str(choice) for choice in choices]
            near = suggestion(str(value), names)
            raise OptionError(f"{flag} is {value!r}{near} It may be {', '.join(names)}.")
    elif isinstance(spec.default, bool):
        if not isinstance(value, bool):
            raise OptionError(f"{flag} is {value!r}. It is either true or false.")
    elif isinstance(spec.default, str):
        if not isinstance(value, str):
            raise OptionError(f"{flag} is {value!r}. It takes a text.")
    elif isinstance(spec.default, tuple):
        _check_texts(flag, value, metadata["metavar"])
    elif isinstance(spec.default, str):
        if not isinstance(value, str):
            raise OptionError(f"{flag} is {value!r}. It is a text such as {spec.default}.")
    elif isinstance(spec.default, (int, float)):
        _check_number(flag, value, spec.default, metadata)


def _check_texts(flag: str, value: Any, metavar: str) -> None:
    if not isinstance(value, tuple) or not all(isinstance(text, str) for text in value):
        kind = "layer names, such as relu4_1" if "," in metavar else f"texts such as {metavar}"
        raise OptionError(f"{flag} is {value!r}. It takes {kind}.")


def _check_number(flag: str, value: Any, default: float, metadata: Any) -> None:
    kinds = (int,) if isinstance(default, int) else (int, float)
    low, high = metadata["low"], metadata["high"]
    span = f"from {low:.7g} to {high:.7g}" if high is not None else f"of at least {low:g}"
    kind = "a whole number" if isinstance(default, int) else "a number"
    is_number = isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < low or (high is not None and value > high):
        raise OptionError(f"{flag} is {value!r}. It takes {kind} {span}.")


def from_text(kind: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options by their own names, and numbers that are written as text as numbers.

    A text that is no number stays as it is where its option has no spelling of its own: `from_dict`
    refuses it.

    Raises:
        OptionError: a text that is none of an option's spellings, a comma in a number, or an option
            in both spellings of its name.
    """
    specs = {spec.name: spec for spec in fields(kind)}
    names = {spec.metadata["also"]: spec.name for spec in fields(kind)}
    values: dict[str, Any] = {}
    for typed, value in options.items():
        name = names.get(typed, typed)
        if name in values:
            raise OptionError(
                f"{flag_of(name)} and {flag_of(specs[name].metadata['also'])} are the same option. "
                "Leave out one."
            )
        value = value.item() if type(value).__module__ == "numpy" else value  # a number of NumPy's
        values[name] = _number(specs[name], value) if name in specs else value
    return values


def _number(spec: Field[Any], value: Any) -> Any:
    """Return the number that a text stands for, of an option that takes one."""
    default, spelling = spec.default, spec.metadata["spelling"]
    is_number = isinstance(default, (int, float)) and not isinstance(default, bool)
    if not isinstance(value, str) or not is_number:
        return value
    is_whole = isinstance(default, int)
    read = spelling.read if spelling else whole if is_whole else decimal
    try:
        return read(value)
    except ValueError as error:
        comma = comma_advice(value, is_whole=is_whole)
        if not comma and not spelling:
            return value
        raise OptionError(f"{flag_of(spec.name)} is {value!r}. {comma or error}") from None


def from_dict(kind: type[Config], values: dict[str, Any]) -> Config:
    """Return a config from a recipe's JSON, where tuples have become lists.

    Raises:
        OptionError: an option that `kind` does not have, or a value that it refuses.
    """
    specs = {spec.name: spec for spec in fields(kind)}  # type: ignore[arg-type]
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    for name, value in options.items():
        if name not in specs:
            raise OptionError(f"There is no option {name!r}{suggestion(name, list(specs))}")
        _check_value(specs[name], value)
    return kind(**options)
