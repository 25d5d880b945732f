"""A contact sheet: photographs down, styles across, each picture where they meet."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from impasto.errors import ImpastoError
from impasto.files import atomic
from impasto.image.picture import Picture, resize
from impasto.image.reading import read
from impasto.image.writing import to_pil
from impasto.jobs.batch import style_file
from impasto.jobs.messages import Cell, DrawJob
from impasto.sheets.contact_sheet import INK, PAPER, QUIET, canvas_for, wrapped
from impasto.styles import card

__all__ = ["draw"]

_FIELD = "#e5e1d8"  # where a picture is missing
_RULE = "#d9d4c8"
_MARGIN, _GAP, _BETWEEN = 40, 14, 32  # the last one sets the photographs apart
_SLIT = 2  # between the paintings of a blend
_LINE = 22
_HIGHEST = 1.25  # of a picture, in widths
_HEAD, _LOW = 0.75, 0.4  # of a painting above, and where a photograph cannot be read, in widths
_QUALITY = 90

Box = tuple[int, int]


def draw(job: DrawJob, target: Path) -> Iterator[float]:
    """Draw a sheet and write it as a JPEG; yields the share that is done.

    What cannot be read is an empty field with a word in it.

    Raises:
        PictureError: the sheet cannot be written.
    """
    strips = [_heads(job)]
    for number, row in enumerate(job.rows, start=1):
        strips.append(_strip(job, *row))
        yield number / (len(job.rows) + 1)
    width = strips[0].width + 2 * _MARGIN
    sheet = canvas_for(width, sum(s.height for s in strips) + 2 * _MARGIN - 2 * _GAP)
    y = _MARGIN
    for strip in strips:  # the last one's own space below is part of the margin
        sheet.paste(strip, (_MARGIN, y))
        y += strip.height
    data = io.BytesIO()
    sheet.save(data, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    atomic.replace(target, data.getvalue(), force=True)


def _lefts(job: DrawJob) -> list[int]:
    """Where the styles' columns begin."""
    first = job.width + _BETWEEN
    return [first + i * (job.width + _GAP) for i in range(len(job.columns))]


def _width(job: DrawJob) -> int:
    return _lefts(job)[-1] + job.width


def _heads(job: DrawJob) -> Image.Image:
    """The paintings with their names, above a rule."""
    high = round(job.width * _HEAD)
    strip = canvas_for(_width(job), high + 2 * _LINE + _GAP)
    pen = ImageDraw.Draw(strip)
    for left, (cell, name) in zip(_lefts(job), job.columns, strict=True):
        strip.paste(_beside(cell.sources, (job.width, high)), (left, 0))
        pen.text((left, high + 5), _one_line(name, job.width, 16), INK, _font(16))
    y = strip.height - _GAP
    pen.line((0, y, strip.width, y), _RULE)
    return strip


def _strip(job: DrawJob, photograph: Cell, name: str, cells: Sequence[Cell]) -> Image.Image:
    """A photograph with its name, and what was painted from it."""
    box = (job.width, round(job.width * _HIGHEST))
    original = _shown(photograph, box, round(job.width * _LOW))
    pictures = [_shown(cell, box, original.height) for cell in cells]
    high = max(picture.height for picture in (original, *pictures))
    strip = canvas_for(_width(job), high + _LINE + 2 * _GAP)
    for left, picture in zip([0, *_lefts(job)], (original, *pictures), strict=True):
        # Upright ones are narrower than their column.
        strip.paste(picture, (left + (job.width - picture.width) // 2, 0))
    text = _one_line(name, job.width, 14)
    ImageDraw.Draw(strip).text((0, high + 5), text, QUIET, _font(14))
    return strip


def _shown(cell: Cell, box: Box, high: int) -> Image.Image:
    """The picture in its box, or a field as high as told."""
    word = cell.instead
    if cell.sources:
        try:
            return _fitted(_over_paper(read(cell.sources[0])), box)
        except ImpastoError:
            word = "unreadable"
    field = canvas_for(box[0], high, _FIELD)
    face = _font(15)
    pen = ImageDraw.Draw(field)
    pen.text((box[0] / 2, high / 2), word, QUIET, face, anchor="mm")
    return field


def _beside(sources: Sequence[str], box: Box) -> Image.Image:
    """A painting that fills the box, or those of a blend side by side."""
    whole = canvas_for(*box)
    each = (box[0] - _SLIT * (len(sources) - 1)) // len(sources)
    for i, source in enumerate(sources):
        whole.paste(_style(source, (each, box[1])), (i * (each + _SLIT), 0))
    return whole


def _style(source: str, box: Box) -> Image.Image:
    """The middle of a painting, or of the swatch on its card."""
    try:
        file = style_file(source)
        if file.suffix.lower() == card.SUFFIX:
            return _filling(card.load(file).swatch[None].float() / 255, box)
        return _filling(_over_paper(read(file)), box)
    except ImpastoError:
        return canvas_for(*box, _FIELD)


def _over_paper(picture: Picture) -> Float[Tensor, "1 3 h w"]:
    """The picture with the sheet's own colour where it is transparent."""
    if picture.alpha is None:
        return picture.pixels
    paper = picture.pixels.new_tensor([int(PAPER[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return picture.pixels * picture.alpha + paper[None, :, None, None] * (1 - picture.alpha)


def _fitted(pixels: Float[Tensor, "1 3 h w"], box: Box) -> Image.Image:
    """As large as it goes into the box, its proportions kept."""
    high, wide = pixels.shape[-2:]
    return _scaled(pixels, min(box[0] / wide, box[1] / high))


def _filling(pixels: Float[Tensor, "1 3 h w"], box: Box) -> Image.Image:
    """Large enough for the box, which its middle fills."""
    high, wide = pixels.shape[-2:]
    whole = _scaled(pixels, max(box[0] / wide, box[1] / high))
    left, top = (whole.width - box[0]) // 2, (whole.height - box[1]) // 2
    return whole.crop((left, top, left + box[0], top + box[1]))


def _scaled(pixels: Float[Tensor, "1 3 h w"], factor: float) -> Image.Image:
    high, wide = (max(1, round(side * factor)) for side in pixels.shape[-2:])
    return to_pil(Picture(resize(pixels, high, wide).clamp(0, 1)))


def _one_line(text: str, width: int, size: int) -> str:
    printable = "".join(c if c.isprintable() else "�" for c in text)
    return wrapped(printable, _font(size), width, lines=1)[0]


def _font(size: int) -> ImageFont.FreeTypeFont:
    return cast(ImageFont.FreeTypeFont, ImageFont.load_default(size))
