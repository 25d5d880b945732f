"""A study's contact sheet: photograph and painting above, the pictures in a grid or a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from impasto.evaluation.studies.result import StudyResult
from impasto.sheets.contact_sheet import (
    Cell,
    Lettering,
    columns,
    draw_cell,
    draw_names,
    draw_row,
    stack,
)
from impasto.sheets.drawing import INK, QUIET, blank, dejavu, fit_into, wrap

__all__ = ["draw_sheet"]

_GAP = 18
_MARGIN = 36
_CELL = (220, 384)  # a picture's long side on the sheet, at least and at most
_PARENT = 190  # the same of the photograph and the painting in its head
_WIDEST, _NARROWEST = 2200, 900
_HEADING, _LINE = 44, 25  # from line to line
_NAME_LINE = 24

Box = tuple[int, int]


def draw_sheet(result: StudyResult, cells: Sequence[Cell]) -> Image.Image:
    """Draw every picture of a study on one sheet.

    Cells that name a row and a column are put there; others follow each other.
    """
    parents = result.parents
    if len(cells) == 1:  # which needs no head to be compared with: all three side by side
        parents, cells = [], [*parents, *cells]
    settings = ", ".join(f"{name} {value}" for name, value in result.settings[2:])
    box = _box(cells[-1].picture)
    rows = list(dict.fromkeys(cell.row for cell in cells))
    names = list(dict.fromkeys(cell.column for cell in cells))
    is_table = len(rows) * len(names) > 1
    body = _table(cells, rows, names, box) if is_table else _grid(cells, box)
    about = [result.study.about, settings]
    head = _head(result.study.title, about, parents, max(body.width, _NARROWEST))
    return stack([head, body], _GAP, _MARGIN)


def _lettering(most: int = 2) -> Lettering:
    fonts = (dejavu(17, bold=True), dejavu(14))
    return Lettering(*fonts, line=23, note_line=19, above=6, most=most)


def _box(picture: Image.Image) -> Box:
    """Return a cell's width and height: of a finished picture's shape, within bounds."""
    low, high = _CELL
    factor = min(max(max(picture.size), low), high) / max(picture.size)
    return max(140, round(picture.width * factor)), max(1, round(picture.height * factor))


def _parent_box(picture: Image.Image) -> Box:
    fitted = fit_into(picture, _PARENT * 4 // 3, _PARENT)
    return max(120, fitted.width), fitted.height


def _head(title: str, about: Sequence[str], parents: Sequence[Cell], width: int) -> Image.Image:
    """Draw title and paragraphs, with the parents on their right."""
    drawn = [draw_cell(cell, _parent_box(cell.picture), _lettering(most=1)) for cell in parents]
    room = width - sum(picture.width + _GAP for picture in drawn)
    large, small = dejavu(34, bold=True), dejavu(17)
    heading = wrap(title, large, room)
    lines = [line for text in about for line in (*wrap(text, small, room, most=6), "")][:-1]
    top = _HEADING * len(heading) + 12
    height = max([top + _LINE * len(lines), *(picture.height for picture in drawn)])
    head = blank(width, height)
    pen = ImageDraw.Draw(head)
    for i, line in enumerate(heading):
        pen.text((0, _HEADING * i - 6), line, INK, large)
    for i, line in enumerate(lines):
        pen.text((0, top + _LINE * i), line, QUIET, small)
    left = room + _GAP
    for picture in drawn:
        head.paste(picture, (left, 0))
        left += picture.width + _GAP
    return head


def _grid(cells: Sequence[Cell], box: Box) -> Image.Image:
    """Draw cells in rows as even as can be; a few are in one."""
    most = max(1, min(len(cells), (_WIDEST - 2 * _MARGIN + _GAP) // (box[0] + _GAP)))
    rows = math.ceil(len(cells) / most) if len(cells) <= 5 else max(2, -(-len(cells) // most))
    count = math.ceil(len(cells) / rows)
    drawn = [draw_cell(cell, box, _lettering()) for cell in cells]
    height = max(picture.height for picture in drawn)
    lefts = columns(count, box[0], _GAP)
    width = lefts[-1] + box[0]
    each = [drawn[i * count : (i + 1) * count] for i in range(rows)]
    return stack([draw_row(pictures, lefts, width, height) for pictures in each], _GAP)


def _table(
    cells: Sequence[Cell], rows: Sequence[str], names: Sequence[str], box: Box
) -> Image.Image:
    """Draw rows named on the left and columns above: captions are left out, notes stay."""
    face = dejavu(17, bold=True)
    side = max(int(max(face.getlength(word) for row in rows for word in row.split())) + 2, 60)
    drawn = {
        (c.row, c.column): draw_cell(Cell(c.picture, note=c.note), box, _lettering()) for c in cells
    }
    height = max(picture.height for picture in drawn.values())
    lefts = columns(len(names), box[0], _GAP, first=side + _GAP)
    lines = max(len(wrap(name, face, box[0], most=3)) for name in names)
    head = draw_names(names, lefts, box[0], _NAME_LINE * lines + 10, face, most=3)
    strips = []
    for row in rows:
        strip = draw_row([drawn.get((row, name)) for name in names], lefts, head.width, height)
        text = "\n".join(wrap(row, face, side, most=3))
        ImageDraw.Draw(strip).text((0, 0), text, INK, face)
        strips.append(strip)
    return stack([head, stack(strips, _GAP)])
