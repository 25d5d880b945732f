"""Style cards as a page for the browser."""

from __future__ import annotations

import base64
from pathlib import Path

from impasto.sheets.pages import render
from impasto.styles.about import read_about, read_swatch

__all__ = ["cards_page"]


def cards_page(cards: dict[str, Path]) -> str:
    """Return one HTML page with every card's picture in it: it needs no other file."""
    entries = [
        (name, read_about(path), base64.b64encode(read_swatch(path)).decode("ascii"))
        for name, path in cards.items()
    ]
    return render("cards.html", cards=entries)
