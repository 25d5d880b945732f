"""Options that several commands share, each with its help, declared once.

Those of a picture's file are the fields of `config.output.OutputSettings`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from impasto.cli.flags import Command, flags, read_numbers, set_parameters, span
from impasto.config.bases import PhotoConfig, StyledConfig
from impasto.config.fields import from_dict
from impasto.config.memory import parse_memory
from impasto.config.methods import configs_with
from impasto.config.numbers import comma_advice, decimal, whole
from impasto.config.output import SHOWN, OutputSettings
from impasto.config.presets import PRESETS, USUAL
from impasto.errors import OptionError
from impasto.image.formats import WrittenName

__all__ = [
    "QUEUED",
    "WORKERS",
    "BackboneName",
    "Files",
    "Force",
    "Json",
    "Method",
    "Optimiser",
    "Preset",
    "Queue",
    "QueueFiles",
    "QueueUrl",
    "Quiet",
    "Resume",
    "RunFlags",
    "Wait",
    "Weights",
    "argument",
    "backbone_option",
    "number",
    "option",
    "output_option",
    "preset_option",
    "style_names",
    "with_run_flags",
]


WORKERS = "Painted by workers"
"""The heading that help shows the flags of a queue under."""

QUEUED = ("queue", "files", "wait")
"""Those flags, for commands that paint only by themselves."""


def style_names() -> list[str]:
    """Return the built-in styles, for the shell's completion."""
    from impasto.styles import gallery

    return gallery.names()


def _backbone_names() -> list[str]:
    from impasto.features.backbones import BACKBONES

    return list(BACKBONES)


def argument(metavar: str, help: str, **more: Any) -> Any:
    """Return a command's argument, whose help shows no default."""
    return typer.Argument(metavar=metavar, help=help, show_default=False, **more)


def option(*names: str, **more: Any) -> Any:
    """Return a command's option, whose help shows no default."""
    return typer.Option(*names, show_default=False, **more)


def number(
    flag: str, kind: type, low: float, high: float | None = None, *, read: Any = None, **more: Any
) -> Any:
    """Return a command's option that takes a number in a range, and says what else was typed.

    Args:
        kind: int or float.
        high: the end of the range, if it has one.
        read: from a text to the number, raising ValueError; by default by its kind.
    """

    def parse(value: Any) -> Any:
        if not isinstance(value, str):  # the default
            return value
        is_whole = kind is int
        noun, ends = "a whole number" if is_whole else "a number", span(low, high)
        try:
            number = (read or (whole if is_whole else decimal))(value)
        except ValueError as error:
            advice = comma_advice(value, is_whole=is_whole) or (
                str(error) if read else f"It takes {noun}: {ends}."
            )
            raise typer.BadParameter(f"{value!r}. {advice}", param_hint=flag) from None
        if not low <= number <= (math.inf if high is None else high):
            raise typer.BadParameter(f"{value!r}. It takes {noun}: {ends}.", param_hint=flag)
        return number

    return typer.Option(flag, parser=parse, **{"metavar": span(low, high), **more})


def output_option(*names: str, **more: Any) -> Any:
    """Return an option that belongs to what a command writes and shows."""
    return typer.Option(*names, rich_help_panel=SHOWN, **more)


def _method_option(config: type, networks: str = "", **more: Any) -> Any:
    """Return the option of a method whose config is of a kind.

    Args:
        networks: the help of methods that only run a network.
    """
    return typer.Option(
        "--method",
        metavar="METHOD",
        help=f"gatys compares statistics, nnst nearest neighbours, mrf patches; {networks}"
        "quick and instant+refine continue by gatys from what instant paints; laplacian paints in "
        "two stages, the first of which holds the photograph's Laplacian pyramid.",
        autocompletion=lambda: list(configs_with(config)),
        **more,
    )


def preset_option(usual: str) -> Any:
    """Return the option of a preset.

    Args:
        usual: what is taken where neither a preset nor a method is chosen.
    """
    return typer.Option(
        "--preset",
        metavar="|".join(PRESETS),
        help="A method and its options for those who do not want to choose them: "
        + "; ".join(f"{name} {preset.help}" for name, preset in PRESETS.items())
        + f". \\[default: {usual}]",
        show_default=False,
        autocompletion=lambda: list(PRESETS),
    )


def backbone_option(help: str) -> Any:
    """Return the option of the backbone that a command uses."""
    return typer.Option("--backbone", help=help, autocompletion=_backbone_names)


BackboneName = Annotated[
    str,
    argument("BACKBONE", "compact, vgg19, vgg16 or alexnet.", autocompletion=_backbone_names),
]
Method = Annotated[
    str | None,
    _method_option(
        StyledConfig,
        "instant paints at once, by a network, fast in styles that one was trained for; ",
        show_default=False,
    ),
]
Preset = Annotated[str | None, preset_option(USUAL)]
Optimiser = Annotated[str, _method_option(PhotoConfig)]
Force = Annotated[bool, output_option("--force", "-f", help="Replace existing files.")]
Resume = Annotated[
    bool,
    output_option("--resume", help="Continue the same run if it was stopped; otherwise begin it."),
]
Quiet = Annotated[bool, output_option("--quiet", "-q", help="Show errors only.")]
Json = Annotated[bool, output_option("--json", help="Print the result as JSON.")]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Weights for the backbone (.pth or .safetensors), instead of the published ones.",
        rich_help_panel="Network",
    ),
]
_QUEUE = {
    "metavar": "local|URL",
    "help": "A queue: local, of this machine, or postgresql://USER@HOST/DATABASE.",
}
QueueUrl = Annotated[
    str | None,
    typer.Option("--queue", envvar="IMPASTO_QUEUE", show_default="local", **_QUEUE),
]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files",
        envvar="IMPASTO_FILES",
        metavar="DIR",
        help="The folder of jobs, which all workers of the queue see.",
        show_default="the user's own, on this machine",
    ),
]
Queue = Annotated[
    str | None,
    option(
        "--queue",
        rich_help_panel=WORKERS,
        metavar=_QUEUE["metavar"],
        help="Let workers do it (`impasto worker`), and print the job's ID; a batch stays until "
        "all is painted. " + _QUEUE["help"],
    ),
]
QueueFiles = Annotated[
    Path | None,
    option(
        "--files",
        rich_help_panel=WORKERS,
        envvar="IMPASTO_FILES",
        metavar="DIR",
        help="With --queue: the folder of jobs, which all workers see; otherwise the user's own.",
    ),
]
Wait = Annotated[
    bool,
    option(
        "--wait",
        rich_help_panel=WORKERS,
        help="With --queue: stay until the job is done, and write to OUT.",
    ),
]


@dataclass(frozen=True)
class RunFlags:
    """What was typed about what a run writes and shows: each field is a flag of a run's command.

    Attributes:
        output: the typed fields of `OutputSettings`.
    """

    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="OUT",
            help="The result: .png, .jpg, .webp, .tiff, .avif or .jxl; a folder that it goes into; "
            "or - for standard output. Otherwise named after its sources and method, here.",
        ),
    ] = None
    force: Force = False
    format: Annotated[
        WrittenName | None,
        output_option(
            "--format",
            show_default=False,
            help="Of a picture that goes to standard output; otherwise png.",
        ),
    ] = None
    preview_every: Annotated[
        int | None,
        number(
            "--preview-every",
            int,
            1,
            metavar="N",
            rich_help_panel=SHOWN,
            help="Every N iterations write the picture so far to OUT.preview.png, replacing what "
            "is there. A run that succeeds removes it.",
        ),
    ] = None
    trace: Annotated[
        Path | None,
        output_option(
            "--trace",
            metavar="FILE.jsonl",
            help="Write a line of JSON for every iteration; to a file, device or pipe.",
        ),
    ] = None
    run: Annotated[
        Path | None,
        output_option(
            "--run",
            metavar="DIR",
            help="Where the run's folder is, from which it can be resumed; otherwise OUT.run, "
            "beside the result. A run that succeeds removes it.",
        ),
    ] = None
    keep_run: Annotated[
        bool, output_option("--keep-run", help="Leave the run's folder, for `impasto extend`.")
    ] = False
    resume: Resume = False
    memory: Annotated[
        str | None,
        output_option(
            "--memory",
            metavar="4GB",
            help="How much memory the run may use; otherwise four fifths of what is free. A "
            "picture that does not fit is painted in tiles.",
        ),
    ] = None
    dry_run: Annotated[
        bool,
        output_option(
            "--dry-run",
            help="Paint nothing: print how it would be done, and what memory and time it would "
            "take.",
        ),
    ] = False
    quiet: Quiet = False
    as_json: Json = False
    queue: Queue = None
    files: QueueFiles = None
    wait: Wait = False
    output: dict[str, Any] = field(default_factory=dict)

    def check_queue(self) -> None:
        """Check that a queue is named where a flag needs one.

        Raises:
            OptionError: there is none.
        """
        if self.wait and self.queue is None:
            raise OptionError("--wait has no effect without --queue. Leave it out, or give both.")

    def memory_bytes(self) -> int | None:
        """Return how much memory the run may use, in bytes, if that was typed.

        Raises:
            OptionError: it is no amount of memory.
        """
        return None if self.memory is None else parse_memory(self.memory)

    def settings(self, **defaults: Any) -> OutputSettings:
        """Return how the picture's file is written.

        Args:
            defaults: where nothing was typed, instead of the usual.
        """
        return from_dict(OutputSettings, {**defaults, **self.output})


def with_run_flags(*, without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a Typer command the flags of `RunFlags`, which it receives in its parameter `flags`.

    Args:
        without: those that make no sense for the command; `output` for all of the picture's file.
    """

    def decorate(function: Command) -> Command:
        types = get_type_hints(RunFlags, include_extras=True)
        keyword = inspect.Parameter.KEYWORD_ONLY
        run_flags = [
            inspect.Parameter(s.name, keyword, default=s.default, annotation=types[s.name])
            for s in fields(RunFlags)
            if s.name not in (*without, "output")
        ]
        file_flags = [] if "output" in without else list(flags(OutputSettings))
        signature = inspect.signature(function, eval_str=True).parameters.values()
        parameters = [p for p in signature if p.name != "flags"]
        last = [p for p in parameters if p.kind is keyword]
        first = [p for p in parameters if p.kind is not keyword]

        @wraps(function)
        def command(**typed: Any) -> Any:
            output = {p.name: typed.pop(p.name) for p in file_flags}
            run = {p.name: typed.pop(p.name) for p in run_flags}
            chosen = {name: value for name, value in output.items() if value is not None}
            chosen = read_numbers(chosen, OutputSettings)
            return function(**typed, flags=RunFlags(**run, output=chosen))

        return set_parameters(command, [*first, *run_flags, *file_flags, *last])

    return decorate
