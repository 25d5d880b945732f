"""Pictures to choose from: numbered, beside what they are for; a page or a sheet."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from PIL import Image

from impasto.sheets.contact_sheet import Cell, Lettering, columns, draw_cell, draw_row, stack
from impasto.sheets.drawing import Font, fit_into, font
from impasto.sheets.pages import render

__all__ = ["choice_page", "choice_sheet"]

_WIDTH, _GAP, _MARGIN, _IN_ROW = 300, 20, 40, 4
_SHOWN = 480  # pixels of a picture's long side in a page
_QUALITY = 85


def choice_page(subject: Cell, choices: Sequence[Cell], command: str) -> str:
    """Return one HTML page with every picture in it: it needs no other file.

    Args:
        subject: what the pictures are for, with its name.
        choices: in their order, from number 1.
        command: that takes one of them, without its number.
    """
    entries = [(_data(cell.picture), cell) for cell in choices]
    return render(
        "choice.html",
        subject=subject.caption,
        drawing=_data(subject.picture),
        choices=entries,
        command=command,
    )


def choice_sheet(subject: Cell, choices: Sequence[Cell]) -> Image.Image:
    """Return one picture: the subject, then the numbered choices, in rows of four."""
    cells = [subject] + [
        Cell(cell.picture, f"{number}. {cell.caption}", cell.note)
        for number, cell in enumerate(choices, start=1)
    ]
    lefts = columns(_IN_ROW, _WIDTH, _GAP)
    rows = []
    for first in range(0, len(cells), _IN_ROW):
        some = [_drawn(cell, font(17), font(14)) for cell in cells[first : first + _IN_ROW]]
        height = max(cell.height for cell in some)
        rows.append(draw_row(some, lefts, lefts[-1] + _WIDTH, height))
    return stack(rows, gap=_GAP, margin=_MARGIN)


def _drawn(cell: Cell, face: Font, small: Font) -> Image.Image:
    return draw_cell(cell, (_WIDTH, _WIDTH), Lettering(face, small, note_line=18), (0.5, 0.5))


def _data(picture: Image.Image) -> str:
    """Return a picture as the address of itself."""
    data = io.BytesIO()
    fit_into(picture, _SHOWN, _SHOWN).save(data, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
