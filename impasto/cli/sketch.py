"""`impasto sketch`: a drawing in the colours and the look of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from impasto.cli import options as shared
from impasto.cli.console import print_path, set_quiet
from impasto.cli.flags import with_flags
from impasto.cli.painting import paint
from impasto.cli.streams import label
from impasto.config.methods import SketchConfig
from impasto.config.specs import StyleSpec
from impasto.config.validation import checked_config
from impasto.errors import OptionError
from impasto.painting.misplaced import check_photograph, check_style
from impasto.painting.sources import Sources
from impasto.sketch.libraries import check_libraries
from impasto.sketch.pairs_file import read_pairs

__all__ = ["sketch"]

_PARTS = "Parts of the drawing and of the picture"


@shared.with_run_flags()
@with_flags(SketchConfig)
def sketch(
    drawing: Annotated[
        str, shared.argument("DRAWING", "Lines on paper: scanned, photographed or exported.")
    ],
    options: dict[str, Any],
    style: Annotated[
        str | None,
        shared.option(
            "--style", "-s", metavar="PICTURE", help="A photograph or painting to colour it from."
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        shared.option(
            "--pairs",
            metavar="FILE",
            help="Pairs of areas and parts as --show-pairs has written them, changed by you.",
            rich_help_panel=_PARTS,
        ),
    ] = None,
    show_pairs: Annotated[
        Path | None,
        shared.option(
            "--show-pairs",
            metavar="FILE",
            help="Write the pairs of areas and parts into a JSON file, and a picture of them "
            "beside it, and paint nothing.",
            rich_help_panel=_PARTS,
        ),
    ] = None,
    parts: Annotated[
        str | None,
        shared.option(
            "--parts",
            metavar="MAP",
            help="The areas of the drawing: a picture over it in flat colours.",
            rich_help_panel=_PARTS,
        ),
    ] = None,
    style_parts: Annotated[
        str | None,
        shared.option(
            "--style-parts",
            metavar="MAP",
            help="The parts of the picture, likewise. With both maps an area has the part of its "
            "own colour.",
            rich_help_panel=_PARTS,
        ),
    ] = None,
    weights: shared.Weights = None,
    *,
    flags: shared.RunFlags,
) -> None:
    """Colour a drawing, area by area, in the colours and the look of a picture.

    The lines are laid over at the end. Ctrl-C ends the painting early and keeps the picture as it
    is then.
    """
    set_quiet(flags.quiet)
    check_libraries()
    if style is None:
        raise OptionError("There is nothing to colour with: name a picture with --style.")
    check_photograph(drawing)
    check_style(style)
    if pairs is not None:
        if "pair" in options:
            raise OptionError("--pairs and --pair both say which part an area has: give one.")
        options = {**options, "pair": read_pairs(pairs)}
    config = checked_config(SketchConfig, options)
    sources = Sources(
        drawing,
        (StyleSpec(style),),
        content_map=parts,
        style_maps=() if style_parts is None else (style_parts,),
        weights=weights,
    )
    if show_pairs is not None:
        from impasto.sketch.pairs_picture import show_pairs as write_pairs

        print_path(str(write_pairs(sources, config, show_pairs, force=flags.force)))
        return
    paint(sources, config, flags, f"{label(drawing)}-{label(style)}-sketch")
