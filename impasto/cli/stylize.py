"""`impasto stylize`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import hush
from impasto.cli.flags import config_of, with_flags
from impasto.cli.outputs import Wanted, with_output
from impasto.errors import OptionError, suggestion
from impasto.methods.choices import StyleChoice, start_of
from impasto.methods.configs import STYLIZERS, PixelConfig

__all__ = ["config_and_start", "stylize"]


@with_output()
@with_flags(*STYLIZERS.values(), files=("init",))
def stylize(
    content: Annotated[
        str, typer.Argument(metavar="CONTENT", help="The photograph.", show_default=False)
    ],
    options: dict[str, Any],
    style: shared.Styles = None,
    method: shared.Method = "gatys",
    content_map: shared.ContentMap = None,
    style_map: shared.StyleMaps = None,
    weights: shared.Weights = None,
    *,
    wanted: Wanted,
) -> None:
    """Give a photograph the look of a painting.

    Ctrl-C ends the painting early and keeps the picture as it is then.
    """
    hush(wanted.quiet)
    config, init = config_and_start(STYLIZERS, method, options, has_map=content_map is not None)
    choices = tuple(StyleChoice.parse(text) for text in style or ())

    from impasto.cli.easel import launch
    from impasto.painting import Sources

    names = "+".join(Path(choice.source).stem for choice in choices) or "regions"
    sources = Sources(content, choices, init, content_map, tuple(style_map or ()), weights)
    launch(sources, config, wanted, f"{Path(content).stem}-{names}.png")


def config_and_start(
    kinds: dict[str, Any], method: str, options: dict[str, Any], *, has_map: bool = False
) -> tuple[PixelConfig, Path | None]:
    """The configuration, and the picture to start from where `--init` names one.

    Raises:
        OptionError: an unknown method, or options that are not allowed.
    """
    if method not in kinds:
        raise OptionError(
            f"--method is {method!r}{suggestion(method, kinds)} It may be {', '.join(kinds)}."
        )
    options, init = start_of(options)
    return config_of(kinds, method, options, has_map=has_map), init
