"""`impasto stylize`: the main job."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import hush
from impasto.cli.flags import with_flags
from impasto.methods.configs import GatysConfig

__all__ = ["stylize"]

_STARTS = next(f.metadata["choices"] for f in fields(GatysConfig) if f.name == "init")


def _style_names() -> list[str]:
    from impasto.styles import gallery

    return gallery.names()


@with_flags(GatysConfig, files=("init",))
def stylize(
    content: Annotated[
        str, typer.Argument(metavar="CONTENT", help="The photograph.", show_default=False)
    ],
    style: Annotated[
        str,
        typer.Option(
            "--style",
            "-s",
            metavar="STYLE",
            help="A painting, a style card, or the name of a built-in one (see `impasto styles`).",
            autocompletion=_style_names,
            show_default=False,
        ),
    ],
    options: dict[str, Any],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="OUT",
            help="The result: .png, .jpg, .webp or .tiff. Otherwise CONTENT-STYLE.png, here.",
        ),
    ] = None,
    weights: shared.Weights = None,
    force: shared.Force = False,
    bits: shared.Bits = "8",
    quality: shared.Quality = 95,
    no_recipe: shared.NoRecipe = False,
    preview_every: shared.PreviewEvery = None,
    trace: shared.Trace = None,
    quiet: shared.Quiet = False,
    as_json: shared.Json = False,
) -> None:
    """Give a photograph the look of a painting.

    Ctrl-C ends the painting early and keeps the picture as it is then.
    """
    hush(quiet)
    config, init = _start(options)

    from impasto.cli.easel import Output, present, run
    from impasto.painting import prepare

    output = Output(
        path=out or Path(f"{Path(content).stem}-{Path(style).stem}.png"),
        bits=16 if bits == "16" else 8,
        quality=quality,
        force=force,
        recipe=not no_recipe,
        preview_every=preview_every,
        trace=trace,
        quiet=quiet,
    )
    output.check(config.size)
    task = prepare(content, style, config, init=init, weights=weights)
    present(run(task, output), quiet=quiet, as_json=as_json)


def _start(options: dict[str, Any]) -> tuple[GatysConfig, Path | None]:
    """The configuration, and the picture to start from where `--init` names one.

    One of the choices is never a file's name: that is written ./noise.
    """
    init = str(options["init"])
    file = Path(init)
    if init in _STARTS or not (file.is_file() or file.suffix):
        return GatysConfig(**options), None
    return GatysConfig(**{**options, "init": "content"}), file
