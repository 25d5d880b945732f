"""Options that several commands share, each with its help, declared once.

Those of a picture's file are the fields of `config.output.OutputSettings`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from impasto.cli.flags import flags
from impasto.config.bases import PhotoConfig, StyledConfig
from impasto.config.fields import from_dict
from impasto.config.methods import configs_with
from impasto.config.output import SHOWN, OutputSettings

__all__ = [
    "BackboneName",
    "ContentMap",
    "DryRun",
    "Force",
    "Json",
    "KeepRun",
    "Memory",
    "Method",
    "Optimiser",
    "Out",
    "PreviewEvery",
    "Quiet",
    "Resume",
    "Run",
    "RunFlags",
    "StyleMaps",
    "Styles",
    "Trace",
    "Weights",
    "backbone_names",
    "style_names",
    "with_run_flags",
]

_REGIONS = "Regions"


def style_names() -> list[str]:
    """For the shell's completion."""
    from impasto.styles import gallery

    return gallery.names()


def backbone_names() -> list[str]:
    """For the shell's completion."""
    from impasto.features.backbones import BACKBONES

    return list(BACKBONES)


BackboneName = Annotated[
    str,
    typer.Argument(
        metavar="BACKBONE",
        help="compact, vgg19, vgg16 or alexnet.",
        autocompletion=backbone_names,
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="OUT",
        help="The result: .png, .jpg, .webp or .tiff. Otherwise named after its sources, here.",
    ),
]
Method = Annotated[
    str,
    typer.Option(
        "--method",
        metavar="|".join(configs_with(StyledConfig)),
        help="gatys compares statistics, nnst nearest neighbours, mrf patches; instant paints at "
        "once, by a network, fast in styles that one was trained for; instant+refine goes on by "
        "gatys from what instant paints; laplacian paints in two stages, the first of which holds "
        "the photograph's Laplacian pyramid.",
        autocompletion=lambda: list(configs_with(StyledConfig)),
    ),
]
Optimiser = Annotated[
    str,
    typer.Option(
        "--method",
        metavar="|".join(configs_with(PhotoConfig)),
        help="gatys compares statistics, nnst nearest neighbours, mrf patches; instant+refine goes "
        "on by gatys from what instant paints; laplacian paints in two stages, the first of which "
        "holds the photograph's Laplacian pyramid.",
        autocompletion=lambda: list(configs_with(PhotoConfig)),
    ),
]
Styles = Annotated[
    list[str] | None,
    typer.Option(
        "--style",
        "-s",
        metavar="STYLE[:WEIGHT][:fine|:coarse]",
        help="A painting, a style card, the name of a built-in one (see `impasto styles`), or for "
        "--method fast a trained one, FILE.impasto#NAME. "
        "Several are blended by their weights; fine and coarse are its strokes and its shapes.",
        autocompletion=style_names,
        show_default=False,
    ),
]
ContentMap = Annotated[
    str | None,
    typer.Option(
        "--content-map",
        metavar="MAP",
        help="Regions of the photograph: a picture of a few flat colours.",
        rich_help_panel=_REGIONS,
    ),
]
StyleMaps = Annotated[
    list[str] | None,
    typer.Option(
        "--style-map",
        metavar="MAP",
        help="Regions of the painting, each painted where --content-map has its colour; one for "
        "each --style.",
        rich_help_panel=_REGIONS,
    ),
]
Force = Annotated[
    bool, typer.Option("--force", "-f", help="Replace existing files.", rich_help_panel=SHOWN)
]
PreviewEvery = Annotated[
    int | None,
    typer.Option(
        "--preview-every",
        min=1,
        metavar="N",
        help="Every N iterations write the picture so far to OUT.preview.png, replacing what is "
        "there. A run that succeeds removes it.",
        rich_help_panel=SHOWN,
    ),
]
Trace = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE.jsonl",
        help="Write a line of JSON for every iteration; to a file, device or pipe.",
        rich_help_panel=SHOWN,
    ),
]
Run = Annotated[
    Path | None,
    typer.Option(
        "--run",
        metavar="DIR",
        help="Where the run's folder is, from which it can be resumed; otherwise OUT.run, beside "
        "the result. A run that succeeds removes it.",
        rich_help_panel=SHOWN,
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="4GB",
        help="How much memory the run may hold; otherwise four fifths of what is free. A picture "
        "that does not fit is painted in windows.",
        rich_help_panel=SHOWN,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Paint nothing: say how it would be done, and what memory and time it would take.",
        rich_help_panel=SHOWN,
    ),
]
KeepRun = Annotated[
    bool,
    typer.Option(
        "--keep-run", help="Leave the run's folder, for `impasto extend`.", rich_help_panel=SHOWN
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with the same run if it was stopped; otherwise begin it.",
        rich_help_panel=SHOWN,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show errors only.", rich_help_panel=SHOWN)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=SHOWN)
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Weights for the backbone (.pth or .safetensors), instead of those known.",
    ),
]


Command = Callable[..., Any]


@dataclass(frozen=True)
class RunFlags:
    """What was typed about what a run writes and shows.

    Attributes:
        output: the typed fields of `OutputSettings`.
    """

    out: Out = None
    force: Force = False
    preview_every: PreviewEvery = None
    trace: Trace = None
    run: Run = None
    keep_run: KeepRun = False
    resume: Resume = False
    memory: Memory = None
    dry_run: DryRun = False
    quiet: Quiet = False
    as_json: Json = False
    output: dict[str, Any] = field(default_factory=dict)

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
        of_run = [
            inspect.Parameter(
                spec.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=spec.default,
                annotation=types[spec.name],
            )
            for spec in fields(RunFlags)
            if spec.name not in (*without, "output")
        ]
        of_output = [] if "output" in without else list(flags(OutputSettings))
        own = list(inspect.signature(function, eval_str=True).parameters.values())
        kept = [p for p in own if p.name != "flags"]
        positional = [p for p in kept if p.kind is not p.KEYWORD_ONLY]
        named = [p for p in kept if p.kind is p.KEYWORD_ONLY]
        parameters = [*positional, *of_run, *of_output, *named]

        @wraps(function)
        def command(**typed: Any) -> Any:
            output = {p.name: typed.pop(p.name) for p in of_output}
            run = {p.name: typed.pop(p.name) for p in of_run}
            chosen = {name: value for name, value in output.items() if value is not None}
            return function(**typed, flags=RunFlags(**run, output=chosen))

        # Typer reads both: the order and defaults from one, the types from the other.
        vars(command)["__signature__"] = inspect.Signature(parameters)
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate
