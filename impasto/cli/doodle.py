"""`impasto doodle`: a picture from a map of colours."""

from __future__ import annotations

from typing import Annotated, Any

from impasto.cli import options as shared
from impasto.cli.console import set_quiet
from impasto.cli.flags import with_flags
from impasto.cli.painting import paint
from impasto.cli.streams import label
from impasto.config.methods import DoodleConfig
from impasto.config.specs import StyleSpec
from impasto.config.validation import checked_config
from impasto.painting.misplaced import check_style
from impasto.painting.sources import Sources

__all__ = ["doodle"]


@shared.with_run_flags()
@with_flags(DoodleConfig)
def doodle(
    scene: Annotated[
        str,
        shared.option(
            "--map",
            "-m",
            metavar="MAP",
            help="What to paint: a drawing in a few flat colours. The result has its proportions.",
        ),
    ],
    style: Annotated[str, shared.option("--style", "-s", metavar="PICTURE", help="The painting.")],
    style_map: Annotated[
        str,
        shared.option(
            "--style-map",
            metavar="MAP",
            help="Which part of the painting each of the map's colours stands for: a drawing over "
            "it in the same colours.",
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
    set_quiet(flags.quiet)
    config = checked_config(DoodleConfig, options)

    check_style(style)
    sources = Sources(
        styles=(StyleSpec(style),), content_map=scene, style_maps=(style_map,), weights=weights
    )
    paint(sources, config, flags, f"{label(scene)}-{label(style)}-doodle")
