"""A batch's contact sheet: a row for each photograph, a column for each style."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from jaxtyping import Float
from PIL import Image, ImageDraw
from torch import Tensor

from impasto.errors import ImpastoError
from impasto.image.picture import Picture, resize
from impasto.image.reading import read
from impasto.image.writing import to_pil
from impasto.jobs.batch import style_file
from impasto.jobs.messages import DrawJob, SheetPicture
from impasto.sheets import contact_sheet as sheets
from impasto.sheets.drawing import INK, PAPER, QUIET, blank, font, jpeg
from impasto.styles import about, card

__all__ = ["draw"]

_FIELD = "#e5e1d8"  # where a picture is missing
_RULE = "#d9d4c8"
_MARGIN, _GAP, _FIRST_GAP = 40, 14, 32  # the last one sets the photographs apart
_BLEND_GAP = 2  # between the paintings of a blend
_LINE = 22
_HIGHEST = 1.25  # of a picture, in widths
_HEAD, _LOW = 0.75, 0.4  # of a painting above, and where a photograph cannot be read, in widths
_CENTRED = (0.5, 0.0)

Box = tuple[int, int]


def draw(job: DrawJob, target: Path) -> Iterator[float]:
    """Draw a sheet and write it as a JPEG; yield the share that is done.

    A picture that cannot be read is an empty field with a label in it.

    Raises:
        PictureError: the sheet cannot be written.
    """
    rows = [_draw_heads(job)]
    for number, row in enumerate(job.rows, start=1):
        rows.append(_draw_row(job, *row))
        yield number / (len(job.rows) + 1)
    # The last row's own space below is part of the margin.
    rows[-1] = rows[-1].crop((0, 0, rows[-1].width, rows[-1].height - 2 * _GAP))
    jpeg(sheets.stack(rows, margin=_MARGIN), target)


def _lefts(job: DrawJob) -> list[int]:
    """Return where the styles' columns begin."""
    return sheets.columns(len(job.columns), job.width, _GAP, first=job.width + _FIRST_GAP)


def _lettering(size: int, colour: str) -> sheets.Lettering:
    return sheets.Lettering(font(size), font(size), colour)


def _draw_heads(job: DrawJob) -> Image.Image:
    """Draw the paintings with their names, above a rule."""
    box, lettering = (job.width, round(job.width * _HEAD)), _lettering(16, INK)
    heads = [
        sheets.draw_cell(sheets.Cell(_side_by_side(cell.sources, box), name), box, lettering)
        for cell, name in job.columns
    ]
    lefts = _lefts(job)
    row = sheets.draw_row(heads, lefts, lefts[-1] + job.width, box[1] + 2 * _LINE + _GAP)
    y = row.height - _GAP
    ImageDraw.Draw(row).line((0, y, row.width, y), _RULE)
    return row


def _draw_row(
    job: DrawJob, photograph: SheetPicture, name: str, cells: Sequence[SheetPicture]
) -> Image.Image:
    """Draw a photograph with its name, and what was painted from it."""
    box = (job.width, round(job.width * _HIGHEST))
    original = _picture(photograph, box, round(job.width * _LOW))
    pictures = [original, *(_picture(cell, box, original.height) for cell in cells)]
    box = (job.width, max(picture.height for picture in pictures))
    lettering = _lettering(14, QUIET)
    drawn = [
        sheets.draw_cell(sheets.Cell(picture, caption), box, lettering, _CENTRED)
        for picture, caption in zip(pictures, [name, *[""] * len(cells)], strict=True)
    ]
    lefts = [0, *_lefts(job)]
    return sheets.draw_row(drawn, lefts, lefts[-1] + job.width, box[1] + _LINE + 2 * _GAP)


def _picture(cell: SheetPicture, box: Box, height: int) -> Image.Image:
    """Return the picture in its box, or an empty field of that height."""
    label = cell.instead
    if cell.sources:
        try:
            return _fitted(_over_paper(read(cell.sources[0])), box)
        except ImpastoError:
            label = "unreadable"
    field = blank(box[0], height, _FIELD)
    pen = ImageDraw.Draw(field)
    pen.text((box[0] / 2, height / 2), label, QUIET, font(15), anchor="mm")
    return field


def _side_by_side(sources: Sequence[str], box: Box) -> Image.Image:
    """Return a painting that fills the box, or those of a blend side by side."""
    width = (box[0] - _BLEND_GAP * (len(sources) - 1)) // len(sources)
    lefts = sheets.columns(len(sources), width, _BLEND_GAP)
    return sheets.draw_row([_style(source, (width, box[1])) for source in sources], lefts, *box)


def _style(source: str, box: Box) -> Image.Image:
    """Return the middle of a painting, or of the swatch on its card."""
    try:
        file = style_file(source)
        if file.suffix.lower() == about.SUFFIX:
            return _filling(card.load(file).swatch[None].float() / 255, box)
        return _filling(_over_paper(read(file)), box)
    except ImpastoError:
        return blank(*box, _FIELD)


def _over_paper(picture: Picture) -> Float[Tensor, "1 3 h w"]:
    """Lay a picture over the sheet's own colour."""
    if picture.alpha is None:
        return picture.pixels
    paper = picture.pixels.new_tensor([int(PAPER[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return picture.pixels * picture.alpha + paper[None, :, None, None] * (1 - picture.alpha)


def _fitted(pixels: Float[Tensor, "1 3 h w"], box: Box) -> Image.Image:
    """Scale a picture until it just fits into the box."""
    height, width = pixels.shape[-2:]
    return _scaled(pixels, min(box[0] / width, box[1] / height))


def _filling(pixels: Float[Tensor, "1 3 h w"], box: Box) -> Image.Image:
    """Scale a picture until it fills the box, and cut out its middle."""
    height, width = pixels.shape[-2:]
    scaled = _scaled(pixels, max(box[0] / width, box[1] / height))
    left, top = (scaled.width - box[0]) // 2, (scaled.height - box[1]) // 2
    return scaled.crop((left, top, left + box[0], top + box[1]))


def _scaled(pixels: Float[Tensor, "1 3 h w"], factor: float) -> Image.Image:
    height, width = (max(1, round(side * factor)) for side in pixels.shape[-2:])
    return to_pil(Picture(resize(pixels, height, width).clamp(0, 1)))
