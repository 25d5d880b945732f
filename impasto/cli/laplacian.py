"""`impasto laplacian`: a photograph painted in two stages, held by its Laplacian pyramid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import hush
from impasto.cli.flags import config_and_start, with_flags
from impasto.cli.outputs import Wanted, with_output
from impasto.config.methods import LaplacianConfig
from impasto.config.specs import StyleSpec

__all__ = ["laplacian"]


@with_output()
@with_flags(LaplacianConfig, files=("init",))
def laplacian(
    content: Annotated[
        str, typer.Argument(metavar="CONTENT", help="The photograph.", show_default=False)
    ],
    options: dict[str, Any],
    style: shared.Styles = None,
    content_map: shared.ContentMap = None,
    style_map: shared.StyleMaps = None,
    weights: shared.Weights = None,
    *,
    wanted: Wanted,
) -> None:
    """Paint a photograph in two stages, the first of which holds its Laplacian pyramid.

    The second stage paints it in the style of the first one's picture. Ctrl-C ends the painting
    early and keeps the picture as it is then.
    """
    hush(wanted.quiet)
    kinds = {"laplacian": LaplacianConfig}
    has_map = content_map is not None
    config, init = config_and_start(kinds, "laplacian", options, has_map=has_map)
    choices = tuple(StyleSpec.parse(text) for text in style or ())

    from impasto.painting.sources import Sources
    from impasto.run.launch import launch

    names = "+".join(Path(choice.source).stem for choice in choices) or "regions"
    sources = Sources(content, choices, init, content_map, tuple(style_map or ()), weights)
    launch(sources, config, wanted, f"{Path(content).stem}-{names}.png")
