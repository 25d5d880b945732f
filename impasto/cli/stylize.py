"""`impasto stylize`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.batch import paint_all
from impasto.cli.console import hush
from impasto.cli.flags import config_and_start, with_flags
from impasto.config.bases import StyledConfig
from impasto.config.methods import METHODS, configs_with
from impasto.config.specs import StyleSpec
from impasto.errors import OptionError

__all__ = ["stylize"]


@shared.with_run_flags()
@with_flags(*configs_with(StyledConfig).values(), files=("init",))
def stylize(
    content: Annotated[
        list[str],
        typer.Argument(
            metavar="CONTENT...",
            help="The photograph. Several go to the folder --out, as `impasto batch` has it.",
            show_default=False,
        ),
    ],
    options: dict[str, Any],
    style: shared.Styles = None,
    method: shared.Method = "gatys",
    content_map: shared.ContentMap = None,
    style_map: shared.StyleMaps = None,
    weights: shared.Weights = None,
    *,
    flags: shared.RunFlags,
) -> None:
    """Give a photograph the look of a painting.

    Ctrl-C ends the painting early and keeps the picture as it is then.
    """
    hush(flags.quiet)
    config, init = config_and_start(
        configs_with(StyledConfig), method, options, has_map=content_map is not None
    )
    choices = tuple(StyleSpec.parse(text) for text in style or ())
    if flags.keep_run and not METHODS[method].optimises:
        raise OptionError(
            f"--keep-run leaves what more iterations can be given to, and --method {method} has "
            "none."
        )

    if len(content) > 1:
        assert isinstance(config, StyledConfig)
        _of_one_alone(config, flags, maps=content_map is not None or bool(style_map))
        looks = ["+".join(style)] if style else []
        photographs, out = [Path(name) for name in content], flags.out or Path("batch")
        paint_all(photographs, looks, config, out, flags, init=init, weights=weights)
        return

    from impasto.cli.running import paint
    from impasto.painting.sources import Sources

    (photograph,) = content
    names = "+".join(choice.label for choice in choices) or "regions"
    sources = Sources(photograph, choices, init, content_map, tuple(style_map or ()), weights)
    paint(sources, config, flags, f"{Path(photograph).stem}-{names}.png")


def _of_one_alone(config: StyledConfig, flags: shared.RunFlags, *, maps: bool) -> None:
    """Refuse what belongs to a single photograph where there are several.

    Raises:
        OptionError: it was given.
    """
    given = {
        "--content-map and --style-map": maps,
        "--region": bool(config.region),
        "--preview-every": flags.preview_every is not None,
        "--trace": flags.trace is not None,
        "--run": flags.run is not None,
        "--keep-run": flags.keep_run,
    }
    if told := [name for name, is_given in given.items() if is_given]:
        raise OptionError(
            f"{', '.join(told)}: of one photograph alone, and several were given. Leave it out, "
            "or paint them one by one."
        )
