"""`impasto export`: a style's painter as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli import options as shared
from impasto.cli.console import hush
from impasto.errors import OptionError

__all__ = ["export"]

_SUFFIX = ".onnx"  # that of impasto.networks.onnx_file, which would import PyTorch


def export(
    style: Annotated[
        str,
        typer.Argument(
            metavar="STYLE",
            help="A trained style, FILE.impasto#NAME; or a painting, a style card or a built-in "
            "name, painted in as `--method instant` does.",
            show_default=False,
        ),
    ],
    onnx: Annotated[
        Path,
        typer.Option("--onnx", metavar="FILE.onnx", help="The file to write.", show_default=False),
    ],
    strength: Annotated[
        float,
        typer.Option(
            "--strength",
            min=0.0,
            max=1.0,
            help="How far to go from the photograph (0) to the painting (1).",
        ),
    ] = 0.5,
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            min=32,
            max=16384,
            help="Long side that a painting is looked at with, 512 if not told: that of the "
            "pictures to come. A trained style has its own.",
            show_default=False,
        ),
    ] = None,
    force: shared.Force = False,
    quiet: shared.Quiet = False,
) -> None:
    """Write what paints in a style as an ONNX file, for pictures of any size.

    Needs the extra `onnx` of the package. Before the file is written, ONNX Runtime paints with it
    what PyTorch does, and both are compared.
    """
    hush(quiet)
    if onnx.suffix.lower() != _SUFFIX:
        raise OptionError(f"{onnx} is no name for an ONNX file: it should end in {_SUFFIX}.")

    from impasto.painting.export import export_style

    for path in export_style(style, onnx, strength=strength, size=size, force=force):
        print(path)
