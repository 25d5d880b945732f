"""Options that several commands share, each with its help, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from impasto.config.bases import PhotoConfig, StyledConfig
from impasto.config.methods import configs_with

__all__ = [
    "BackboneName",
    "Bits",
    "ContentMap",
    "DryRun",
    "Force",
    "Json",
    "KeepRun",
    "Memory",
    "Method",
    "NoRecipe",
    "Optimiser",
    "Out",
    "PreviewEvery",
    "Quality",
    "Quiet",
    "Resume",
    "Run",
    "StyleMaps",
    "Styles",
    "Trace",
    "Weights",
    "backbone_names",
    "style_names",
]

_SEEN = "What is written and shown"
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
    bool, typer.Option("--force", "-f", help="Replace existing files.", rich_help_panel=_SEEN)
]
Bits = Annotated[
    Literal["8", "16"] | None,
    typer.Option(
        "--bits",
        help="Per channel; 16 in PNG and TIFF only. Otherwise 8, or as many as what is repeated.",
        rich_help_panel=_SEEN,
    ),
]
Quality = Annotated[
    int,
    typer.Option("--quality", min=1, max=100, help="Of JPEG and WebP.", rich_help_panel=_SEEN),
]
NoRecipe = Annotated[
    bool,
    typer.Option(
        "--no-recipe", help="Leave the recipe out of the picture's metadata.", rich_help_panel=_SEEN
    ),
]
PreviewEvery = Annotated[
    int | None,
    typer.Option(
        "--preview-every",
        min=1,
        metavar="N",
        help="Every N iterations write the picture so far to OUT.preview.png, replacing what is "
        "there. A run that succeeds removes it.",
        rich_help_panel=_SEEN,
    ),
]
Trace = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE.jsonl",
        help="Write a line of JSON for every iteration; to a file, device or pipe.",
        rich_help_panel=_SEEN,
    ),
]
Run = Annotated[
    Path | None,
    typer.Option(
        "--run",
        metavar="DIR",
        help="Where the run's folder is, from which it can be resumed; otherwise OUT.run, beside "
        "the result. A run that succeeds removes it.",
        rich_help_panel=_SEEN,
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="4GB",
        help="How much memory the run may hold; otherwise four fifths of what is free. A picture "
        "that does not fit is painted in windows.",
        rich_help_panel=_SEEN,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Paint nothing: say how it would be done, and what memory and time it would take.",
        rich_help_panel=_SEEN,
    ),
]
KeepRun = Annotated[
    bool,
    typer.Option(
        "--keep-run", help="Leave the run's folder, for `impasto extend`.", rich_help_panel=_SEEN
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with the same run if it was stopped; otherwise begin it.",
        rich_help_panel=_SEEN,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show errors only.", rich_help_panel=_SEEN)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=_SEEN)
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Weights for the backbone (.pth or .safetensors), instead of those known.",
    ),
]
