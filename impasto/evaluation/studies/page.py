"""A study as a page for the browser; all its links stay within the study's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from impasto.evaluation.judge import GramRow
from impasto.sheets.pages import render

__all__ = ["Entry", "Page", "render_page"]


@dataclass(frozen=True)
class Entry:
    """A picture of the study as the page shows it; `file` is relative to the page."""

    label: str
    file: str
    width: int
    height: int
    seconds: float
    iterations: int
    content: float | None
    style: float | None
    ssim: float | None
    colour: float | None
    row: str = ""
    column: str = ""


@dataclass(frozen=True)
class Page:
    """Everything on the page.

    Attributes:
        settings: what all pictures have in common, by name.
        planned: how many pictures the study has when it is complete.
        film: its file, or None.
        grams: rows for the photograph, the painting and the results, in that order.
    """

    title: str
    about: str
    settings: Sequence[tuple[str, str]]
    photograph: str
    painting: str
    painting_note: str
    entries: Sequence[Entry]
    planned: int
    film: str | None
    grams: Sequence[GramRow]
    command: str
    backbone: str

    @property
    def rows(self) -> list[str]:
        """The names of the rows, each once."""
        return list(dict.fromkeys(entry.row for entry in self.entries))

    @property
    def columns(self) -> list[str]:
        """The names of the columns, each once."""
        return list(dict.fromkeys(entry.column for entry in self.entries))

    @property
    def is_table(self) -> bool:
        """Whether the study has two dimensions."""
        return len(self.rows) * len(self.columns) > 1

    def entry_at(self, row: str, column: str) -> Entry | None:
        """Return the picture in a row and a column, if it is painted."""
        places = {(entry.row, entry.column): entry for entry in self.entries}
        return places.get((row, column))

    @property
    def gram_tables(self) -> list[tuple[str, list[GramRow]]]:
        """Rows by layer: photograph and painting first, with the result if there is only one."""
        pictures = list(dict.fromkeys(row.picture for row in self.grams))
        results = pictures[2:]
        first = pictures if len(results) == 1 else pictures[:2]
        groups = [first] if len(results) <= 1 else [first, *([name] for name in results)]
        layers = list(dict.fromkeys(row.layer for row in self.grams))
        by_layer = sorted(self.grams, key=lambda row: layers.index(row.layer))
        return [
            ("".join(names[-1:]), [r for r in by_layer if r.picture in names]) for names in groups
        ]


def render_page(page: Page) -> str:
    """Return the page's HTML."""
    return render("study.html", page=page)
