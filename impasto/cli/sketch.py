"""`impasto sketch`: a drawing in the colours and the look of a picture."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from impasto.cli import options as shared
from impasto.cli.console import print_note, print_path, set_quiet
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
            "--style",
            "-s",
            metavar="PICTURE",
            help="A photograph or painting to colour it from, or a built-in style.",
        ),
    ] = None,
    library: Annotated[
        Path | None,
        shared.option(
            "--library",
            "-l",
            metavar="DIR",
            help="A folder of pictures, or its index (`impasto library index`), in which the one "
            "that fits best is found; without it and --style, the built-in pictures.",
        ),
    ] = None,
    like: Annotated[
        Path | None,
        shared.option(
            "--like", metavar="PICTURE", help="The picture found should have the colours of this."
        ),
    ] = None,
    choose: Annotated[
        bool,
        shared.option(
            "--choose",
            help="List the twelve pictures that fit best, with a sheet of them as a page, and "
            "paint nothing.",
        ),
    ] = False,
    pick: Annotated[
        int,
        shared.number(
            "--pick", int, 1, 12, help="Take the picture that --choose has shown by that number."
        ),
    ] = 1,
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
    check_photograph(drawing)
    if style is not None:
        _check_alone(library, like, choose=choose, pick=pick)
        check_style(style)
    if pairs is not None:
        if "pair" in options:
            raise OptionError("--pairs and --pair both say which part an area has: give one.")
        options = {**options, "pair": read_pairs(pairs)}
    config = checked_config(SketchConfig, options)
    if choose:
        _show_choice(drawing, library, like, flags)
        return
    if style is None:
        style, mirrored = _found(drawing, library, like, pick)
        config = replace(config, mirror=config.mirror != mirrored)
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


def _check_alone(library: Path | None, like: Path | None, *, choose: bool, pick: int) -> None:
    """Refuse options that look for a picture where one is named."""
    flags = {"--library": library, "--like": like, "--choose": choose, "--pick": pick > 1}
    if typed := [flag for flag, value in flags.items() if value]:
        raise OptionError(
            f"{', '.join(typed)}: a picture is looked for only where --style names none. Leave one "
            "of them out."
        )


def _found(drawing: str, library: Path | None, like: Path | None, pick: int) -> tuple[str, bool]:
    """Return the picture that fits a drawing, and whether its mirror image does."""
    from impasto.cli.choosing import warn_if_none_fits
    from impasto.sketch.choices import picked
    from impasto.sketch.choosing import matches_of

    matches = matches_of(drawing, library, like=like)
    warn_if_none_fits(matches)
    match = picked(matches, pick)
    print_note(f"coloured from {match.path}{', mirrored' if match.mirrored else ''}")
    return str(match.path), match.mirrored


def _show_choice(
    drawing: str, library: Path | None, like: Path | None, flags: shared.RunFlags
) -> None:
    """List the pictures that fit a drawing, and write a page of them."""
    from impasto.cli.choosing import print_choice, warn_if_none_fits
    from impasto.sketch.choices import check_choice, write_choice
    from impasto.sketch.choosing import matches_of

    sheet = Path(f"{label(drawing)}-choice.html")
    check_choice(sheet, force=flags.force)
    matches = matches_of(drawing, library, like=like)
    typed = {"--library": library, "--like": like}
    more = "".join(f" {flag} {shlex.quote(str(value))}" for flag, value in typed.items() if value)
    command = f"impasto sketch {shlex.quote(drawing)}{more}"
    write_choice(Path(drawing), matches, sheet, command, force=flags.force)
    warn_if_none_fits(matches)
    print_choice(matches, sheet, as_json=flags.as_json)
