"""`impasto style`: style cards of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli import options as shared
from impasto.cli.cards import show
from impasto.cli.console import print_path, set_quiet, stderr_console, stdout_console
from impasto.errors import StyleError
from impasto.files import atomic
from impasto.files.names import safe_name
from impasto.styles import gallery
from impasto.styles.about import SUFFIX

__all__ = ["app"]

app = typer.Typer(help="Make style cards of your own, and read them.", no_args_is_help=True)


@app.command()
def make(
    painting: Annotated[Path, shared.argument("PAINTING", "A picture.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="CARD",
            help="A name that ends in .style; otherwise PAINTING.style, here.",
        ),
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Otherwise the file's name.")] = "",
    artist: Annotated[str, typer.Option("--artist", help="Who painted it.")] = "",
    year: Annotated[str, typer.Option("--year", help="When.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="How it may be used.")] = "",
    backbone: Annotated[
        str, shared.backbone_option("The network it is measured with; stylize needs the same.")
    ] = "compact",
    weights: shared.Weights = None,
    force: shared.Force = False,
    quiet: shared.Quiet = False,
) -> None:
    """Measure a painting once, into a small file that --style takes in its place."""
    from impasto.painting.preflight import check_network, check_picture

    set_quiet(quiet)
    path = out or Path(f"{safe_name(painting.stem)}{SUFFIX}")
    if path.suffix.lower() != SUFFIX:
        raise StyleError(
            f"{path} is not a name for a style card: it must end in {SUFFIX}, so that --style can "
            "tell it from a picture."
        )
    atomic.check_target(path, force=force, error=StyleError)
    check_picture(painting)
    check_network(backbone, weights)  # all of this before PyTorch is loaded

    from impasto.painting.cards import make_card
    from impasto.styles import card

    console = stderr_console()
    console.quiet = quiet
    with console.status("measuring the painting, painting its swatch", spinner_style="dim"):
        made = make_card(
            painting,
            title=title,
            artist=artist,
            year=year,
            licence=licence,
            backbone=backbone,
            weights=weights,
        )
    card.save(made, path, force=force)
    print_path(path)


@app.command()
def info(
    card: Annotated[str, shared.argument("CARD", "A .style file, or a built-in style's name.")],
) -> None:
    """Show one style card."""
    file = Path(card)
    show({file.stem: file if file.is_file() else gallery.path(card)}, stdout_console())
