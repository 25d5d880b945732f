"""`impasto export`: a style's painter as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from impasto.cli import options as shared
from impasto.cli.console import print_path, set_quiet
from impasto.config.numbers import SHARE
from impasto.config.sizes import LEAST, MOST, PIXELS

__all__ = ["export"]


def export(
    style: Annotated[
        str,
        shared.argument(
            "STYLE",
            "A trained style, FILE.impasto#NAME; or a painting, a style card or a built-in name, "
            "in which `--method instant` paints.",
        ),
    ],
    onnx: Annotated[Path, shared.option("--onnx", metavar="FILE.onnx", help="The file to write.")],
    strength: Annotated[
        float,
        shared.number(
            "--strength",
            float,
            0.0,
            1.0,
            read=SHARE.read,
            help="How far to go from the photograph (0) to the painting (1).",
        ),
    ] = 0.5,
    size: Annotated[
        int | None,
        shared.number(
            "--size",
            int,
            LEAST,
            MOST,
            read=PIXELS.read,
            show_default=False,
            help="Long side at which a painting is looked at, by default 512: that of the pictures "
            "to be painted. A trained style has its own.",
        ),
    ] = None,
    force: shared.Force = False,
    quiet: shared.Quiet = False,
) -> None:
    """Write what paints in a style as an ONNX file, for pictures of any size.

    Needs the extra `onnx` of the package. Before the file is written, its picture by ONNX Runtime
    is compared with that by PyTorch.
    """
    set_quiet(quiet)
    from impasto.painting.export_targets import check_export

    check_export(style, onnx, size=size, force=force)  # before PyTorch is loaded

    from impasto.painting.export import export_style

    for path in export_style(style, onnx, strength=strength, size=size, force=force):
        print_path(path)
