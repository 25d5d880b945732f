"""Options that several commands share, each with its help, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "BackboneName",
    "Bits",
    "BitsAsBefore",
    "Force",
    "Json",
    "NoRecipe",
    "PreviewEvery",
    "Quality",
    "Quiet",
    "Trace",
    "Weights",
    "backbone_names",
]

_SEEN = "What is written and shown"


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
Force = Annotated[
    bool, typer.Option("--force", "-f", help="Replace existing files.", rich_help_panel=_SEEN)
]
Bits = Annotated[
    Literal["8", "16"],
    typer.Option("--bits", help="Per channel; 16 in PNG and TIFF only.", rich_help_panel=_SEEN),
]
BitsAsBefore = Annotated[
    Literal["8", "16"] | None,
    typer.Option(
        "--bits",
        help="Per channel; otherwise as many as OUT has, where the format allows.",
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
