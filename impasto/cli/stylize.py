"""`impasto stylize`: a photograph in the style of a painting."""

from __future__ import annotations

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
from impasto.config.specs import StyleSpec
from impasto.errors import OptionError
from impasto.painting.sources import Sources

__all__ = ["stylize"]

_REGIONS = "Regions"


@shared.with_run_flags()
@with_flags(*configs_with(StyledConfig).values(), files=("init",))
def stylize(
    content: Annotated[
        list[str],
        shared.argument(
            "CONTENT...",
            "The photograph, or - for standard input. Several are painted into the folder --out, "
            "as by `impasto batch`.",
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
    method: shared.Method = "gatys",
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
    config, init = config_and_start(
        configs_with(StyledConfig), method, options, has_map=content_map is not None
    )
    choices = tuple(StyleSpec.parse(text) for text in style or ())
    if flags.keep_run and not METHODS[method].optimises:
        raise OptionError(
            f"--keep-run is for `impasto extend`, and --method {method} has no iterations to add."
        )

    if len(content) > 1:
        assert isinstance(config, StyledConfig)
        _refuse_single_options(config, flags, maps=content_map is not None or bool(style_map))
        blend = ["+".join(style)] if style else []
        photographs, out = [Path(name) for name in content], flags.out or Path("batch")
        paint_all(photographs, blend, config, out, flags, init=init, weights=weights)
        return

    (photograph,) = content
    names = "+".join("stdin" if choice.source == STREAM else choice.label for choice in choices)
    sources = Sources(photograph, choices, init, content_map, tuple(style_map or ()), weights)
    paint(sources, config, flags, f"{label(photograph)}-{names or 'regions'}")


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
    }
    if names := [name for name, typed in is_typed.items() if typed]:
        raise OptionError(
            f"{', '.join(names)}: for one photograph only, and there are several. Leave it out, or "
            "paint them one by one."
        )
