"""`impasto stylize`: a photograph in the style of a painting."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.batch import paint_all
from impasto.cli.console import set_quiet
from impasto.cli.flags import config_and_start, with_flags
from impasto.cli.painting import paint
from impasto.cli.streams import STREAM, label
from impasto.config.bases import StyledConfig
from impasto.config.methods import METHODS, configs_with
from impasto.config.presets import expanded
from impasto.config.sizes import RelativeSize, without_relative_size
from impasto.config.specs import StyleSpec
from impasto.errors import OptionError
from impasto.painting.kinds import without_styles
from impasto.painting.misplaced import check_photograph, check_style, has_card, style_kind
from impasto.painting.sources import Sources

__all__ = ["stylize"]

_REGIONS = "Regions"


@shared.with_run_flags()
@with_flags(*configs_with(StyledConfig).values(), files=("init",))
def stylize(
    content: Annotated[
        list[str],
        shared.argument(
            "CONTENT",
            "The photograph, or - for standard input. Several, or a folder of them, are painted "
            "into the folder --out, as by `impasto batch`.",
        ),
    ],
    options: dict[str, Any],
    style: Annotated[
        list[str] | None,
        shared.option(
            "--style",
            "-s",
            metavar="STYLE",
            help="A painting, a style card, the name of a built-in one (see `impasto styles`), or "
            "for --method fast a trained one, FILE.impasto#NAME. Several are blended, by weights "
            "if they have any: b.jpg:0.3. Of a.jpg:fine only the strokes are taken, of "
            "a.jpg:coarse only the shapes.",
            autocompletion=shared.style_names,
        ),
    ] = None,
    method: shared.Method = None,
    preset: shared.Preset = None,
    content_map: Annotated[
        str | None,
        typer.Option(
            "--content-map",
            metavar="MAP",
            help="Regions of the photograph: a picture of a few flat colours.",
            rich_help_panel=_REGIONS,
        ),
    ] = None,
    style_map: Annotated[
        list[str] | None,
        typer.Option(
            "--style-map",
            metavar="MAP",
            help="Regions of the painting, each painted where --content-map has its colour; one "
            "for each --style.",
            rich_help_panel=_REGIONS,
        ),
    ] = None,
    weights: shared.Weights = None,
    *,
    flags: shared.RunFlags,
) -> None:
    """Give a photograph the look of a painting.

    Ctrl-C ends the painting early and keeps the picture as it is then.
    """
    set_quiet(flags.quiet)
    choices = tuple(StyleSpec.parse(text) for text in style or ())
    is_a_card = has_card([choice.source for choice in choices], options.get("region", ()))
    method, options = expanded(preset, method, options, has_card=is_a_card)
    _check_words(content, style or (), has_regions="region" in options)
    is_single = len(content) == 1 and not Path(content[0]).is_dir()
    size = None
    if not is_single:
        options, size = without_relative_size(options)
    if content == [STREAM] and isinstance(part := options.get("size"), RelativeSize):
        raise OptionError(
            f"--size is {part.text}, and how large standard input is shows only once it is read: "
            "give a number, or name a file."
        )
    config, init = config_and_start(
        configs_with(StyledConfig),
        method,
        options,
        preset=preset,
        has_map=content_map is not None,
        photograph=content[0],
    )
    if flags.keep_run and not METHODS[method].optimises:
        raise OptionError(
            f"--keep-run is for `impasto extend`, and --method {method} has no iterations to add."
        )

    flags.check_queue()
    if not is_single:
        assert isinstance(config, StyledConfig)
        _refuse_single_options(config, flags, maps=content_map is not None or bool(style_map))
        blend = ["+".join(style)] if style else []
        photographs, out = [Path(name) for name in content], flags.out or Path("batch")
        paint_all(photographs, blend, config, out, flags, size=size, init=init, weights=weights)
        return

    (photograph,) = content
    names = "+".join("stdin" if choice.source == STREAM else choice.label for choice in choices)
    sources = Sources(photograph, choices, init, content_map, tuple(style_map or ()), weights)
    paint(sources, config, flags, f"{label(photograph)}-{names or 'regions'}-{method}")


def _check_words(content: Sequence[str], styles: Sequence[str], *, has_regions: bool) -> None:
    """Refuse photographs and styles that stand in each other's place, and what is neither.

    Raises:
        OptionError: one does, or there is nothing to paint with.
    """
    if "" in content:
        raise OptionError("The name of a photograph is empty: give that of a file.")
    kinds = {name: style_kind(name) for name in content}
    misplaced = [name for name, kind in kinds.items() if kind]
    photographs = [name for name, kind in kinds.items() if not kind]
    if not photographs and len(styles) == 1 and not style_kind(styles[0]):
        photographs = list(styles)
    if len(misplaced) == 1 and len(photographs) == 1:
        raise OptionError(
            f"{misplaced[0]} is {kinds[misplaced[0]]}, not a photograph. "
            f"{_meant(photographs[0], misplaced[0])}"
        )
    for name in content:
        if not Path(name).is_dir():
            check_photograph(name)
    for text in styles:
        check_style(StyleSpec.parse(text).source)
    if styles or has_regions:
        return
    if len(content) == 2 and not any(Path(name).is_dir() for name in content):
        raise OptionError(
            f"There are two photographs and no --style. {_meant(content[0], content[1])}"
        )
    raise without_styles()


def _meant(photograph: str, style: str) -> str:
    command = f"impasto stylize {shlex.quote(photograph)} --style {shlex.quote(style)}"
    return f"Did you mean this? {command}"


def _refuse_single_options(config: StyledConfig, flags: shared.RunFlags, *, maps: bool) -> None:
    """Refuse options of a single photograph where there are several.

    Raises:
        OptionError: one was typed.
    """
    is_typed = {
        "--content-map and --style-map": maps,
        "--region": bool(config.region),
        "--preview-every": flags.preview_every is not None,
        "--trace": flags.trace is not None,
        "--run": flags.run is not None,
        "--keep-run": flags.keep_run,
        "--format": flags.format is not None,
    }
    if names := [name for name, typed in is_typed.items() if typed]:
        raise OptionError(
            f"{', '.join(names)}: for one photograph only, and there are several. Leave it out, or "
            "paint them one by one."
        )
