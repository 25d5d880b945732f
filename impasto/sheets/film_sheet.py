"""What shows a film on paper: frames in rows, and strips of one column over time.

In a strip what stands still is a level line, and what moves a slanting one. A flicker shows as
noise: upright lines, each of one frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from PIL import Image, ImageDraw

from impasto.sheets.contact_sheet import columns, draw_row, stack
from impasto.sheets.drawing import INK, Font, blank, dejavu, fit_into, wrap

__all__ = ["column_strip", "draw_frames", "draw_strips"]

_GAP, _MARGIN, _NAME = 10, 24, 26
_FRAME = 300  # a frame's long side on a sheet
_STRIP = 900  # a strip's width, at least: that of one frame is a whole number of pixels


def column_strip(frames: Iterable[Image.Image], place: float = 0.5, wide: int = 1) -> Image.Image:
    """Put one column of every frame beside that of the frame before.

    Args:
        frames: of one size; they are looked at one by one.
        place: of the column, from 0 at the left to 1 at the right.
        wide: pixels that a frame takes in the strip.

    Raises:
        ValueError: there is no frame.
    """
    cut = [_column(frame, place, wide) for frame in frames]
    if not cut:
        raise ValueError("a strip of no frames")
    strip = Image.new("RGB", (wide * len(cut), cut[0].height))
    for i, column in enumerate(cut):
        strip.paste(column, (i * wide, 0))
    return strip


def _column(frame: Image.Image, place: float, wide: int) -> Image.Image:
    x = min(int(place * frame.width), frame.width - 1)
    column = frame.convert("RGB").crop((x, 0, x + 1, frame.height))
    return column.resize((wide, frame.height), Image.Resampling.NEAREST)


def draw_strips(films: Mapping[str, Sequence[Image.Image]], place: float = 0.5) -> Image.Image:
    """Draw each film's strip below its name, all at one column.

    Raises:
        ValueError: a film has no frames.
    """
    face = dejavu(17, bold=True)
    rows = []
    for name, frames in films.items():
        strip = column_strip(frames, place, max(1, -(-_STRIP // max(1, len(frames)))))
        rows.append(stack([_name(name, strip.width, face), strip]))
    return stack(rows, _GAP, _MARGIN)


def draw_frames(
    films: Mapping[str, Sequence[Image.Image]], captions: Sequence[str] = ()
) -> Image.Image:
    """Draw frames of several films in a table: a row for each film, a column for each moment.

    Args:
        films: each one's frames, of the same moments, by name.
        captions: of the moments.
    """
    face = dejavu(17, bold=True)
    first = next(iter(films.values()))
    fitted = fit_into(first[0], _FRAME, _FRAME)
    lefts = columns(max(len(frames) for frames in films.values()), fitted.width, _GAP)
    width = lefts[-1] + fitted.width
    rows = []
    for name, frames in films.items():
        drawn = [fit_into(frame, *fitted.size) for frame in frames]
        row = draw_row(drawn, lefts, width, fitted.height)
        rows.append(stack([_name(name, width, face), row]))
    if captions:
        rows.insert(0, _captions(captions, lefts, width, fitted.width))
    return stack(rows, _GAP, _MARGIN)


def _captions(captions: Sequence[str], lefts: Sequence[int], width: int, cell: int) -> Image.Image:
    drawn = [_name(caption, cell, dejavu(14)) for caption in captions]
    return draw_row(drawn, lefts, width, _NAME)


def _name(text: str, width: int, face: Font) -> Image.Image:
    line = blank(width, _NAME)
    ImageDraw.Draw(line).text((0, 2), wrap(text, face, width, most=1)[0], INK, face)
    return line
