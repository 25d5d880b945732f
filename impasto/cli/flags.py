"""A method's configuration as a command's options: one flag a field, nothing declared twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import Field, fields
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer

__all__ = ["flags", "with_flags"]

PANEL = "How it is painted"

# A bound beyond it limits nothing that a person would type: help need not show it.
_BOUNDLESS = 2**31

Command = Callable[..., Any]


def with_flags(config: type, *, files: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a Typer command an option for every field of a config dataclass.

    The command receives what was typed as a dictionary, in its parameter `options`.

    Args:
        config: a frozen dataclass whose fields carry `help`, `low`, `high` and `choices`.
        files: fields whose flag takes a file's name as well as one of its choices.
    """

    def decorate(function: Command) -> Command:
        own = inspect.signature(function, eval_str=True).parameters
        parameters = [p for p in own.values() if p.name != "options"]
        parameters += flags(config, files=files)
        names = [spec.name for spec in fields(config)]

        @wraps(function)
        def command(**given: Any) -> Any:
            options = {name: _plain(given.pop(name)) for name in names}
            return function(**given, options=options)

        # Typer reads both: the order and defaults from one, the types from the other.
        vars(command)["__signature__"] = inspect.Signature(parameters)
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


def flags(config: type, *, files: tuple[str, ...] = ()) -> Iterator[inspect.Parameter]:
    """A keyword parameter with Typer's annotation for each field of `config`."""
    types = get_type_hints(config)
    for spec in fields(config):
        kind, option = _kind_and_option(spec, types[spec.name], spec.name in files)
        yield inspect.Parameter(
            spec.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=list(spec.default) if isinstance(spec.default, tuple) else spec.default,
            annotation=Annotated[kind, option],
        )


def _kind_and_option(spec: Field[Any], kind: Any, file: bool) -> tuple[Any, Any]:
    """Typer is told what to show and to parse; only the config decides what is allowed."""
    flag = "--" + spec.name.replace("_", "-")
    told: dict[str, Any] = {"help": spec.metadata["help"], "rich_help_panel": PANEL}
    if choices := spec.metadata.get("choices"):
        told["help"] += " Or a picture file." if file else ""
        told["metavar"] = "|".join([*choices, "FILE"] if file else choices)
        return str, typer.Option(flag, autocompletion=lambda: list(choices), **told)
    if isinstance(spec.default, tuple):
        told["help"] += " Separated by commas."
        return list[str], typer.Option(flag, metavar="NAME,…", show_default=False, **told)
    if kind is bool:
        return bool, typer.Option(f"{flag}/--no-{flag[2:]}", **told)
    if kind in (int, float):
        told["metavar"] = _span(spec.metadata["low"], spec.metadata["high"])
    return kind, typer.Option(flag, **told)


def _span(low: int | float, high: int | float | None) -> str:
    """A range as help shows it: `32…16384`, or `0…` where no person reaches the end."""
    return f"{low:g}…" if high is None or high > _BOUNDLESS else f"{low:g}…{high:g}"


def _plain(value: Any) -> Any:
    """What Typer hands over, as the config wants it: `["a,b", "c"]` → `("a", "b", "c")`."""
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(name.strip() for text in value for name in text.split(",") if name.strip())
