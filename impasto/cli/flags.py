"""Options of dataclasses as a command's flags: one for each field, nothing declared twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.config.bases import PictureConfig
from impasto.config.fields import from_text
from impasto.config.output import SHOWN
from impasto.config.schema import OptionSpec, option_specs
from impasto.config.specs import start_of
from impasto.config.validation import check_owners, checked_config
from impasto.errors import OptionError, suggestion

__all__ = [
    "Command",
    "config_and_start",
    "config_of",
    "flags",
    "read_numbers",
    "set_parameters",
    "span",
    "with_flags",
]

# Options that most people type, in the order of help, which shows them before all headings.
_MOST_USED = ("scene", "style", "out", "size", "strength", "preset", "method", "color", "seed")

_OPTION = type(typer.Option())
_BOUNDLESS = 100_000  # a larger bound limits nothing that a person would type: help omits it

Command = Callable[..., Any]


def with_flags(
    *configs: type, files: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Callable[[Command], Command]:
    """Give a Typer command an option for every field of one or several config dataclasses.

    The command receives what was typed, and nothing else, as a dictionary, in its parameter
    `options`.

    Args:
        configs: frozen dataclasses whose fields were declared by `config.fields.option`.
        files: fields whose flag takes a file's name as well as one of its choices.
        without: fields that the command has another way to say.
    """

    def decorate(function: Command) -> Command:
        signature = inspect.signature(function, eval_str=True).parameters.values()
        added = list(flags(*configs, files=files, without=without))
        commas = {spec.name for spec in option_specs(*configs) if spec.has_commas}

        @wraps(function)
        def command(**arguments: Any) -> Any:
            typed = {p.name: arguments.pop(p.name) for p in added}
            options = {n: _plain(v, n in commas) for n, v in typed.items() if v not in (None, [])}
            return function(**arguments, options=read_numbers(options, *configs))

        return set_parameters(command, [*(p for p in signature if p.name != "options"), *added])

    return decorate


def set_parameters(command: Command, parameters: Sequence[inspect.Parameter]) -> Command:
    """Return a command that Typer reads these parameters from: order and defaults, and types.

    What most people type comes first, after the arguments, and what is written and shown last.
    """
    parameters = _most_used_first(parameters)
    vars(command)["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _most_used_first(parameters: Sequence[inspect.Parameter]) -> list[inspect.Parameter]:
    options = [p for p in parameters if not _is_argument(p)]
    ranks = {name: rank for rank, name in enumerate(_MOST_USED)}
    options.sort(key=lambda option: (ranks.get(option.name, len(ranks)), _is_shown(option)))
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        *(p for p in parameters if _is_argument(p)),
        *(option.replace(kind=keyword) for option in options),
    ]


def _is_shown(option: inspect.Parameter) -> bool:
    """Return whether an option belongs to what is written and shown, which help has last."""
    declared = getattr(option.annotation, "__metadata__", ())
    return any(getattr(one, "rich_help_panel", None) == SHOWN for one in declared)


def _is_argument(parameter: inspect.Parameter) -> bool:
    """Return whether a parameter is typed by its place; or is none of the command line's."""
    declared = getattr(parameter.annotation, "__metadata__", ())
    return not any(isinstance(one, _OPTION) for one in declared)


def flags(
    *configs: type, files: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Iterator[inspect.Parameter]:
    """Yield a keyword parameter with Typer's annotation for each field of any of the configs.

    Its default is None, also where the field has another: only what was typed is to be passed on.
    """
    for spec in option_specs(*configs):
        if spec.name not in without:
            kind, option = _kind_and_option(spec, takes_file=spec.name in files)
            yield inspect.Parameter(
                spec.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[kind | None, option],
            )


def read_numbers(options: Mapping[str, Any], *configs: type) -> dict[str, Any]:
    """Return what was typed, with numbers in place of their texts.

    Raises:
        OptionError: a text that is none of the option's spellings.
    """
    owners = {spec.name: config for config in reversed(configs) for spec in fields(config)}
    return {n: from_text(owners[n], {n: value})[n] for n, value in options.items()}


def config_and_start(
    kinds: Mapping[str, type[PictureConfig]],
    method: str,
    options: dict[str, Any],
    *,
    preset: str | None = None,
    **more: Any,
) -> tuple[PictureConfig, Path | None]:
    """Return the configuration, and the picture to start from where `--init` names one.

    Args:
        preset: that the method is of, if one was typed.
        more: as of `checked_config`.

    Raises:
        OptionError: an unknown method, or options that are not allowed.
    """
    if method not in kinds:
        raise OptionError(
            f"--method is {method!r}{suggestion(method, kinds)} It may be {', '.join(kinds)}."
        )
    options, init = start_of(options)
    return config_of(kinds, method, options, preset=preset, **more), init


def config_of(
    kinds: Mapping[str, type[PictureConfig]],
    method: str,
    options: dict[str, Any],
    *,
    preset: str | None = None,
    **more: Any,
) -> PictureConfig:
    """Return the configuration of a method from what was typed.

    Args:
        preset: that the method is of, if one was typed.
        more: as of `checked_config`.

    Raises:
        OptionError: an option that belongs to other methods or has no effect, or a value that is
            not allowed.
    """
    check_owners(kinds, method, options, preset)
    return checked_config(kinds[method], options, **more)


def _kind_and_option(spec: OptionSpec, *, takes_file: bool) -> tuple[Any, Any]:
    """Return what Typer needs to show and parse an option; the config decides what is allowed."""
    panel = None if spec.name in _MOST_USED else spec.panel
    shared: dict[str, Any] = {"rich_help_panel": panel, "show_default": False}
    if spec.kind is tuple:
        text = spec.help + (" Separated by commas." if spec.has_commas else "")
        return list[str], typer.Option(spec.flag, metavar=spec.metavar, help=text, **shared)
    if spec.off:  # what comes before the slash would turn it on
        return bool, typer.Option(f" /{spec.flag}", help=spec.off, **shared)
    # By hand, as Typer knows no default; the backslash keeps the bracket from being markup.
    text = spec.help + (" Or a picture file." if takes_file else "")
    shared["help"] = f"{text} \\[default: {_default(spec)}]"
    flags = [flag for flag in (spec.flag, spec.also) if flag]
    if spec.choices:
        names = [str(choice) for choice in spec.choices]
        shared["metavar"] = "|".join([*names, "FILE"] if takes_file else names)
        return spec.kind, typer.Option(*flags, autocompletion=lambda: names, **shared)
    if spec.kind is bool:
        return bool, typer.Option(f"{spec.flag}/--no-{spec.flag[2:]}", **shared)
    if spec.low is not None:
        more = f"|{spec.spelling.metavar}" if spec.spelling else ""
        shared["metavar"] = span(spec.low, spec.high) + more
    # A number arrives as text: the config knows how people write it, and what to say of others.
    return str, typer.Option(*flags, **shared)


def _default(spec: OptionSpec) -> str:
    """Return a default as help shows it, with those of the methods that have another."""
    different = [f"{method} {_shown(value)}" for method, value in spec.defaults.items()]
    default = _shown(spec.default)
    return f"{default}; {', '.join(different)}" if different else default


def _shown(default: Any) -> str:
    """Return a default as help shows it: nothing is filled in before it is known what was typed."""
    return ("yes" if default else "no") if isinstance(default, bool) else str(default)


def span(low: float, high: float | None) -> str:
    """Return a range as help shows it: `32…16384`, or `0…` where no person reaches the end."""
    return f"{low:g}…" if high is None or high > _BOUNDLESS else f"{low:g}…{high:g}"


def _plain(value: Any, commas: bool) -> Any:
    """Return what Typer hands over as the config takes it: `["a,b", "c"]` → `("a", "b", "c")`."""
    if not isinstance(value, (list, tuple)):
        return value
    if not commas:
        return tuple(value)
    return tuple(name.strip() for text in value for name in text.split(",") if name.strip())
