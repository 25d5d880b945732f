"""A contact sheet: pictures with captions in rows, each in a cell of one width.

Studies, trainings and batches lay out their own sheets; the cells, rows and sheets they consist of
are drawn here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from impasto.sheets.drawing import INK, QUIET, Font, blank, fit_into, wrap

__all__ = ["Cell", "Lettering", "columns", "draw_cell", "draw_names", "draw_row", "stack"]

Box = tuple[int, int]


@dataclass(frozen=True)
class Cell:
    """A picture with its caption, a quieter note below it, and its place in a table.

    Attributes:
        row, column: the names of its row and its column; empty where cells follow each other.
    """

    picture: Image.Image
    caption: str = ""
    note: str = ""
    row: str = ""
    column: str = ""


@dataclass(frozen=True)
class Lettering:
    """How captions and notes are written.

    Attributes:
        font, note_font: of captions and of notes.
        colour: of captions.
        line, note_line: pixels from one line to the next.
        above: pixels between a picture and its text.
        most: lines of a caption, and of a note.
    """

    font: Font
    note_font: Font
    colour: str = INK
    line: int = 22
    note_line: int = 22
    above: int = 5
    most: int = 1


def columns(count: int, width: int, gap: int, first: int = 0) -> list[int]:
    """Return the left edges of columns of one width, the first of them at `first`."""
    return [first + i * (width + gap) for i in range(count)]


def draw_cell(
    cell: Cell, box: Box, lettering: Lettering, anchor: tuple[float, float] = (0, 1)
) -> Image.Image:
    """Draw a picture in a box of that width and height, with caption and note below.

    Args:
        anchor: where a picture of another shape stands: shares of the free space left of it and
            above it.
    """
    captions = wrap(cell.caption, lettering.font, box[0], lettering.most) if cell.caption else []
    notes = wrap(cell.note, lettering.note_font, box[0], lettering.most) if cell.note else []
    below = lettering.line * len(captions) + lettering.note_line * len(notes)
    drawn = blank(box[0], box[1] + (lettering.above + below if below else 0))
    picture = fit_into(cell.picture, *box)
    free = (box[0] - picture.width, box[1] - picture.height)
    drawn.paste(picture, (int(free[0] * anchor[0]), int(free[1] * anchor[1])))
    pen = ImageDraw.Draw(drawn)
    y = box[1] + lettering.above
    for text in captions:
        pen.text((0, y), text, lettering.colour, lettering.font)
        y += lettering.line
    for text in notes:
        pen.text((0, y), text, QUIET, lettering.note_font)
        y += lettering.note_line
    return drawn


def draw_names(
    names: Sequence[str], lefts: Sequence[int], width: int, height: int, face: Font, most: int = 1
) -> Image.Image:
    """Draw the names of columns, which begin at `lefts` and are `width` wide."""
    row = blank(lefts[-1] + width, height)
    pen = ImageDraw.Draw(row)
    for left, name in zip(lefts, names, strict=True):
        pen.text((left, 0), "\n".join(wrap(name, face, width, most)), INK, face)
    return row


def draw_row(
    pictures: Sequence[Image.Image | None], lefts: Sequence[int], width: int, height: int
) -> Image.Image:
    """Paste pictures side by side, each at its left edge; None leaves its place empty."""
    row = blank(width, height)
    for left, picture in zip(lefts, pictures, strict=False):
        if picture is not None:
            row.paste(picture, (left, 0))
    return row


def stack(rows: Sequence[Image.Image], gap: int = 0, margin: int = 0) -> Image.Image:
    """Paste rows below each other, with a margin around them all."""
    height = sum(row.height for row in rows) + gap * (len(rows) - 1)
    sheet = blank(max(row.width for row in rows) + 2 * margin, height + 2 * margin)
    y = margin
    for row in rows:
        sheet.paste(row, (margin, y))
        y += row.height + gap
    return sheet
