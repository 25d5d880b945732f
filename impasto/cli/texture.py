"""`impasto texture`: a texture of any size in a style."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import set_quiet
from impasto.cli.flags import with_flags
from impasto.cli.painting import paint
from impasto.cli.streams import label
from impasto.config.methods import TextureConfig
from impasto.config.sizes import SCREENS
from impasto.config.specs import StyleSpec
from impasto.config.validation import checked_config
from impasto.errors import OptionError
from impasto.painting.misplaced import check_style
from impasto.painting.sources import Sources

__all__ = ["texture"]


@shared.with_run_flags()
@with_flags(TextureConfig, without=("size", "width", "height"))
def texture(
    style: Annotated[
        list[str],
        shared.argument(
            "STYLE...",
            "A picture, a style card or a built-in style; several are blended, by weights if they "
            "have any: b.jpg:0.3.",
            autocompletion=shared.style_names,
        ),
    ],
    options: dict[str, Any],
    size: Annotated[
        str,
        typer.Option(
            "--size",
            metavar="WIDTHxHEIGHT",
            help="Pixels of the texture; one number: a square; or a screen such as 4k or 1080p.",
        ),
    ] = "512",
    weights: shared.Weights = None,
    *,
    flags: shared.RunFlags,
) -> None:
    """Paint a texture of any size from a picture's statistics, seamless with --seamless."""
    set_quiet(flags.quiet)
    width, height = _sides(size)
    sides = {"size": max(width, height), "width": width, "height": height}
    config = checked_config(TextureConfig, {**options, **sides})
    choices = tuple(StyleSpec.parse(text) for text in style)
    for choice in choices:
        check_style(choice.source)

    names = "+".join(label(str(choice.source)) for choice in choices)
    paint(Sources(styles=choices, weights=weights), config, flags, f"{names}-texture")


def _sides(text: str) -> tuple[int, int]:
    """Return `2048x1024` as width and height; a screen's name is its width and height.

    Raises:
        OptionError: another spelling.
    """
    word = "".join(text.lower().split())
    if word in SCREENS:
        return SCREENS[word]
    if match := re.fullmatch(r"([1-9]\d{0,5})(?:[x×*]([1-9]\d{0,5}))?(?:px)?", word, re.ASCII):
        return int(match[1]), int(match[2] or match[1])
    is_relative = word == "photo" or word.endswith("%")
    raise OptionError(
        f"--size is {text!r}"
        + (", a part of a photograph's size, and a texture has no photograph" * is_relative)
        + ". It takes width and height in pixels, such as 2048x1024, one number for a square, or a "
        f"screen ({', '.join(SCREENS)})."
    )
