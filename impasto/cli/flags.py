"""Methods' configurations as a command's options: one flag a field, nothing declared twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from impasto.config.bases import PictureConfig
from impasto.config.methods import METHODS
from impasto.config.specs import start_of
from impasto.config.validation import checked_config
from impasto.errors import OptionError, suggestion

__all__ = ["config_and_start", "config_of", "flags", "with_flags"]

# A bound beyond it limits nothing that a person would type: help need not show it.
_BOUNDLESS = 100_000

Command = Callable[..., Any]


def with_flags(
    *configs: type, files: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Callable[[Command], Command]:
    """Give a Typer command an option for every field of one or several config dataclasses.

    The command receives what was typed, and nothing else, as a dictionary, in its parameter
    `options`.

    Args:
        configs: frozen dataclasses whose fields carry `help`, `low`, `high` and `choices`.
        files: fields whose flag takes a file's name as well as one of its choices.
        without: fields that the command has another way to say.
    """

    def decorate(function: Command) -> Command:
        own = inspect.signature(function, eval_str=True).parameters
        parameters = [p for p in own.values() if p.name != "options"]
        added = list(flags(*configs, files=files, without=without))
        parameters += added

        @wraps(function)
        def command(**given: Any) -> Any:
            typed = {p.name: given.pop(p.name) for p in added}
            commas = {spec.name for kind in configs for spec in fields(kind) if _has_commas(spec)}
            options = {n: _plain(v, n in commas) for n, v in typed.items() if v not in (None, [])}
            return function(**given, options=options)

        # Typer reads both: the order and defaults from one, the types from the other.
        vars(command)["__signature__"] = inspect.Signature(parameters)
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


def flags(
    *configs: type, files: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Iterator[inspect.Parameter]:
    """A keyword parameter with Typer's annotation for each field that any of the configs has."""
    seen = set(without)
    for config in configs:
        types = get_type_hints(config)
        for spec in fields(config):
            if spec.name in seen:
                continue
            seen.add(spec.name)
            default = _default(spec, configs)
            kind, option = _kind_and_option(spec, types[spec.name], spec.name in files, default)
            yield inspect.Parameter(
                spec.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[kind | None, option],
            )


def config_and_start(
    kinds: dict[str, Any], method: str, options: dict[str, Any], *, has_map: bool = False
) -> tuple[PictureConfig, Path | None]:
    """The configuration, and the picture to start from where `--init` names one.

    Raises:
        OptionError: an unknown method, or options that are not allowed.
    """
    if method not in kinds:
        raise OptionError(
            f"--method is {method!r}{suggestion(method, kinds)} It may be {', '.join(kinds)}."
        )
    options, init = start_of(options)
    return config_of(kinds, method, options, has_map=has_map), init


def config_of(
    kinds: Mapping[str, type[PictureConfig]],
    method: str,
    options: dict[str, Any],
    *,
    has_map: bool = False,
) -> PictureConfig:
    """The configuration of a method from what was typed.

    Args:
        has_map: whether a map of the photograph was typed besides.

    Raises:
        OptionError: an option that belongs to other methods or has no effect, or a value that is
            not allowed.
    """
    own = {spec.name for spec in fields(kinds[method])}
    for name in options:
        if name not in own:
            others = [m for m, kind in kinds.items() if name in kind.__dataclass_fields__]
            flag = name.replace("_", "-")
            raise OptionError(
                f"--{flag} is an option of {', '.join(others)}, and --method is {method}. Leave it "
                "out, or take that method."
            )
    return checked_config(kinds[method], options, has_map=has_map)


def _default(spec: Field[Any], configs: tuple[type, ...]) -> str:
    """A default as help shows it, with those of methods that have another."""
    names = {kind: name for name, kind in METHODS.items()}
    shown = _shown(spec.default)
    told = {
        names.get(kind, ""): _shown(other.default)
        for kind in configs
        for other in fields(kind)
        if other.name == spec.name
    }
    different = [f"{name} {default}" for name, default in told.items() if default != shown]
    return f"{shown}; {', '.join(different)}" if different else shown


def _kind_and_option(spec: Field[Any], kind: Any, file: bool, default: str) -> tuple[Any, Any]:
    """Typer is told what to show and to parse; only the config decides what is allowed."""
    flag = "--" + spec.name.replace("_", "-")
    told: dict[str, Any] = {
        "help": spec.metadata["help"],
        "rich_help_panel": spec.metadata["panel"],
    }
    if isinstance(spec.default, tuple):
        told["help"] += " Separated by commas." if _has_commas(spec) else ""
        metavar = spec.metadata["metavar"]
        return list[str], typer.Option(flag, metavar=metavar, show_default=False, **told)
    told["help"] += " Or a picture file." if file else ""
    if spec.metadata["off"]:
        # What comes before the slash would turn it on.
        told |= {"show_default": False, "help": spec.metadata["off"]}
        return bool, typer.Option(f" /--no-{flag[2:]}", **told)
    # By hand, as Typer knows no default; the backslash keeps the bracket from being markup.
    told |= {"show_default": False, "help": f"{told['help']} \\[default: {default}]"}
    if choices := spec.metadata.get("choices"):
        names = [str(choice) for choice in choices]
        told["metavar"] = "|".join([*names, "FILE"] if file else names)
        return type(choices[0]), typer.Option(flag, autocompletion=lambda: names, **told)
    if kind is bool:
        return bool, typer.Option(f"{flag}/--no-{flag[2:]}", **told)
    if kind in (int, float):
        told["metavar"] = _span(spec.metadata["low"], spec.metadata["high"])
    return kind, typer.Option(flag, **told)


def _shown(default: Any) -> str:
    """A default as help shows it: none is filled in before it is known what a person typed."""
    return ("yes" if default else "no") if isinstance(default, bool) else str(default)


def _has_commas(spec: Field[Any]) -> bool:
    return isinstance(spec.default, tuple) and "," in spec.metadata["metavar"]


def _span(low: int | float, high: int | float | None) -> str:
    """A range as help shows it: `32…16384`, or `0…` where no person reaches the end."""
    return f"{low:g}…" if high is None or high > _BOUNDLESS else f"{low:g}…{high:g}"


def _plain(value: Any, commas: bool) -> Any:
    """What Typer hands over, as the config wants it: `["a,b", "c"]` → `("a", "b", "c")`."""
    if not isinstance(value, (list, tuple)):
        return value
    if not commas:
        return tuple(value)
    return tuple(name.strip() for text in value for name in text.split(",") if name.strip())
