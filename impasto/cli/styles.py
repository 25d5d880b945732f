"""`impasto styles`: the built-in gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli import options as shared
from impasto.cli.cards import show
from impasto.cli.console import print_path, stdout_console
from impasto.errors import StyleError
from impasto.files import atomic
from impasto.sheets.cards_page import cards_page
from impasto.styles import gallery

__all__ = ["styles"]


def styles(
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write them as one page for the browser."),
    ] = None,
    force: shared.Force = False,
) -> None:
    """Show the built-in style cards, with a picture of each."""
    cards = {name: gallery.path(name) for name in gallery.names()}
    if html is None:
        show(cards, stdout_console())
        return
    atomic.replace(html, cards_page(cards).encode("utf-8"), force=force, error=StyleError)
    print_path(html)
