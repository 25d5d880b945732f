"""Pictures with words: fonts, captions and the sheet that shows a whole study."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from impasto.sheets.curves import library

__all__ = ["Cell", "canvas_for", "fitted", "font", "sheet", "wrapped"]

PAPER, INK, QUIET = "#faf8f4", "#221f1a", "#6d665b"

_GAP = 18
_MARGIN = 36
_CELL = (220, 384)  # a picture's long side on the sheet, at least and at most
_PARENT = 190  # the same of the photograph and the painting in its head
_WIDEST, _NARROWEST = 2200, 900
_HEADING, _LINE = 44, 25  # from line to line

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True)
class Cell:
    """A picture on the sheet with its caption, and a quieter line below it."""

    picture: Image.Image
    caption: str
    note: str = ""
    row: str = ""
    column: str = ""


@functools.cache
def font(size: int, *, bold: bool = False) -> Font:
    """DejaVu Sans, which has α and β, as it comes with matplotlib.

    Raises:
        OptionError: matplotlib is not installed.
    """
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    data = Path(library().get_data_path())
    return ImageFont.truetype(str(data / "fonts" / "ttf" / name), size)


def fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The picture as large as it goes into a box, its proportions kept."""
    factor = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    if size == picture.size:
        return picture.convert("RGB")
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def wrapped(text: str, face: Font, width: int, lines: int = 2) -> list[str]:
    """The text in at most so many lines of that width; what is left over ends in an ellipsis."""
    found = [""]
    for word in text.split():
        longer = f"{found[-1]} {word}".strip()
        if found[-1] and face.getlength(longer) > width:
            found.append(word)
        else:
            found[-1] = longer
    if len(found) > lines:
        found = [*found[: lines - 1], " ".join(found[lines - 1 :])]
    return [_cut(line, face, width) for line in found]


def _cut(line: str, face: Font, width: int) -> str:
    if face.getlength(line) <= width:
        return line
    while line and face.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"


def sheet(
    title: str,
    about: Sequence[str],
    parents: Sequence[Cell],
    cells: Sequence[Cell],
) -> Image.Image:
    """Every picture of a study on one: photograph and painting above, the others in a grid.

    `about` are paragraphs beside the heading.
    Cells that name a row and a column are put there; others follow each other.
    """
    box = _box(cells[-1].picture)
    rows = list(dict.fromkeys(cell.row for cell in cells))
    columns = list(dict.fromkeys(cell.column for cell in cells))
    is_table = len(rows) * len(columns) > 1
    body = _table(cells, rows, columns, box) if is_table else _flow(cells, box)
    head = _head(title, about, parents, max(body.width, _NARROWEST))
    width = max(head.width, body.width) + 2 * _MARGIN
    whole = canvas_for(width, head.height + body.height + 2 * _MARGIN + _GAP)
    whole.paste(head, (_MARGIN, _MARGIN))
    whole.paste(body, (_MARGIN, _MARGIN + head.height + _GAP))
    return whole


def canvas_for(width: int, height: int, colour: str = PAPER) -> Image.Image:
    """An empty sheet."""
    return Image.new("RGB", (width, height), colour)


def _box(picture: Image.Image) -> tuple[int, int]:
    """A cell's width and height: of a finished picture's shape, within bounds."""
    low, high = _CELL
    factor = min(max(max(picture.size), low), high) / max(picture.size)
    return max(140, round(picture.width * factor)), max(1, round(picture.height * factor))


def _head(title: str, about: Sequence[str], parents: Sequence[Cell], width: int) -> Image.Image:
    drawn = [_drawn(cell, _box_of(cell.picture), lines=1) for cell in parents]
    taken = sum(picture.width + _GAP for picture in drawn)
    height = max([picture.height for picture in drawn], default=0)
    room = width - taken
    large, small = font(34, bold=True), font(17)
    heading = wrapped(title, large, room)
    told = [line for text in about for line in (*wrapped(text, small, room, lines=6), "")][:-1]
    top = _HEADING * len(heading) + 12
    head = canvas_for(width, max(height, top + _LINE * len(told)))
    pen = ImageDraw.Draw(head)
    for i, line in enumerate(heading):
        pen.text((0, _HEADING * i - 6), line, INK, large)
    for i, line in enumerate(told):
        pen.text((0, top + _LINE * i), line, QUIET, small)
    left = room + _GAP
    for picture in drawn:
        head.paste(picture, (left, 0))
        left += picture.width + _GAP
    return head


def _box_of(picture: Image.Image) -> tuple[int, int]:
    shown = fitted(picture, _PARENT * 4 // 3, _PARENT)
    return max(120, shown.width), shown.height


def _flow(cells: Sequence[Cell], box: tuple[int, int]) -> Image.Image:
    most = max(1, min(len(cells), (_WIDEST - 2 * _MARGIN + _GAP) // (box[0] + _GAP)))
    # Lines as even as can be; a few pictures stand in one.
    lines = math.ceil(len(cells) / most) if len(cells) <= 5 else max(2, -(-len(cells) // most))
    count = math.ceil(len(cells) / lines)
    drawn = [_drawn(cell, box) for cell in cells]
    height = max(picture.height for picture in drawn)
    body = canvas_for(
        count * (box[0] + _GAP) - _GAP,
        lines * (height + _GAP) - _GAP,
    )
    for i, picture in enumerate(drawn):
        body.paste(picture, (i % count * (box[0] + _GAP), i // count * (height + _GAP)))
    return body


def _table(
    cells: Sequence[Cell], rows: list[str], columns: list[str], box: tuple[int, int]
) -> Image.Image:
    """Rows named on the left and columns above: captions are left out, notes stay."""
    face = font(17, bold=True)
    side = max(int(max(face.getlength(word) for row in rows for word in row.split())) + 2, 60)
    drawn = {(c.row, c.column): _drawn(Cell(c.picture, "", c.note), box) for c in cells}
    height = max(picture.height for picture in drawn.values())
    heads = [wrapped(name, face, box[0], lines=3) for name in columns]
    top = 24 * max(len(lines) for lines in heads) + 10
    body = canvas_for(
        side + len(columns) * (box[0] + _GAP), top + len(rows) * (height + _GAP) - _GAP
    )
    pen = ImageDraw.Draw(body)
    for j, lines in enumerate(heads):
        pen.text((side + _GAP + j * (box[0] + _GAP), 0), "\n".join(lines), INK, face)
    for i, row in enumerate(rows):
        y = top + i * (height + _GAP)
        pen.text((0, y), "\n".join(wrapped(row, face, side, lines=3)), INK, face)
        for j, column in enumerate(columns):
            if (row, column) in drawn:
                body.paste(drawn[row, column], (side + _GAP + j * (box[0] + _GAP), y))
    return body


def _drawn(cell: Cell, box: tuple[int, int], lines: int = 2) -> Image.Image:
    """A picture in its box, with caption and note below."""
    large, small = font(17, bold=True), font(14)
    caption = wrapped(cell.caption, large, box[0], lines) if cell.caption else []
    note = wrapped(cell.note, small, box[0], lines) if cell.note else []
    height = box[1] + (6 if caption or note else 0) + 23 * len(caption) + 19 * len(note)
    whole = canvas_for(box[0], height)
    shown = fitted(cell.picture, *box)
    whole.paste(shown, (0, box[1] - shown.height))
    pen = ImageDraw.Draw(whole)
    y = box[1] + 6
    for line in caption:
        pen.text((0, y), line, INK, large)
        y += 23
    for line in note:
        pen.text((0, y), line, QUIET, small)
        y += 19
    return whole
