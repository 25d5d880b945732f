"""`impasto doodle`: a picture from a map of colours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import hush
from impasto.cli.flags import with_flags
from impasto.config.methods import DoodleConfig
from impasto.config.specs import StyleSpec
from impasto.config.validation import checked_config

__all__ = ["doodle"]


@shared.with_run_flags()
@with_flags(DoodleConfig)
def doodle(
    scene: Annotated[
        str,
        typer.Option(
            "--map",
            "-m",
            metavar="MAP",
            help="What to paint: a drawing in a few flat colours. The result has its proportions.",
            show_default=False,
        ),
    ],
    style: Annotated[
        str,
        typer.Option("--style", "-s", metavar="PICTURE", help="The painting.", show_default=False),
    ],
    style_map: Annotated[
        str,
        typer.Option(
            "--style-map",
            metavar="MAP",
            help="Which part of the painting each of the map's colours stands for: a drawing over "
            "it in the same colours.",
            show_default=False,
        ),
    ],
    options: dict[str, Any],
    weights: shared.Weights = None,
    *,
    flags: shared.RunFlags,
) -> None:
    """Paint a picture from a map of colours, each as a part of a painting.

    Ctrl-C ends the painting early and keeps the picture as it is then.
    """
    hush(flags.quiet)
    config = checked_config(DoodleConfig, options)

    from impasto.cli.running import paint
    from impasto.painting.sources import Sources

    sources = Sources(
        styles=(StyleSpec(style),), content_map=scene, style_maps=(style_map,), weights=weights
    )
    paint(sources, config, flags, f"{Path(scene).stem}-{Path(style).stem}.png")
