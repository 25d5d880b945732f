"""The pictures found for a drawing: a numbered list in the terminal, and a sheet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.cli.console import print_note, print_path, stdout_console, visible

if TYPE_CHECKING:
    from impasto.sketch.retrieval import Match

__all__ = ["print_choice", "warn_if_none_fits"]


def print_choice(matches: Sequence[Match], sheet: Path | None, *, as_json: bool = False) -> None:
    """Print a numbered list of the pictures that were found, and where their sheet is."""
    from rich.table import Table
    from rich.text import Text

    from impasto.sketch.choices import score_note

    if as_json:
        rows = [
            {
                "pick": number,
                "path": str(match.path),
                "score": round(match.score, 4),
                "mirrored": match.mirrored,
                "fits": match.fits,
            }
            for number, match in enumerate(matches, start=1)
        ]
        print(json.dumps({"pictures": rows, "sheet": None if sheet is None else str(sheet)}))
        return
    table = Table.grid(padding=(0, 2))
    for number, match in enumerate(matches, start=1):
        path = Text(visible(str(match.path)), overflow="fold")
        table.add_row(Text(str(number), style="bold"), path, score_note(match))
    stdout_console().print(table)
    if sheet is not None:
        print_path(sheet)


def warn_if_none_fits(matches: Sequence[Match]) -> None:
    """Say that the best picture's lines are not the drawing's, if they are not."""
    if matches and not matches[0].fits:
        print_note(
            "No picture of the library has lines like the drawing's; the nearest is "
            f"{matches[0].path}. --choose shows the others, --library another folder's, and "
            "--style takes a picture of your choice."
        )
