"""Three frames of a film, painted to see how it will look, and how long all of it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from impasto.config.times import clock
from impasto.errors import PictureError
from impasto.film.chunk_painting import sample_of
from impasto.film.disc import in_words
from impasto.film.frame import Frame
from impasto.film.painting_here import painter_of
from impasto.film.prepared import Film, prepared
from impasto.film.spec import FilmSpec
from impasto.image.picture import Picture
from impasto.image.writing import to_pil
from impasto.sheets.contact_sheet import Cell, Lettering, columns, draw_cell, draw_row, stack
from impasto.sheets.drawing import font, jpeg

__all__ = ["Trial", "tried", "try_film"]

_PLACES = (1 / 6, 3 / 6, 5 / 6)  # of the part that is asked for
_TIMED = 3  # frames after the first one that are painted to see how long they take
_WIDTH, _GAP, _MARGIN = 480, 12, 16  # of the sheet, in pixels

Watch = Callable[[float, str], None]


@dataclass(frozen=True)
class Trial:
    """What a trial tells of a film.

    Attributes:
        sheet: a file of three frames, each above its painting; `try_film` writes it.
        seconds: that the film will take, on this machine as busy as it is now.
        room: bytes of disc that it will take while it is painted, at most.
        frames: that it has.
    """

    sheet: Path
    seconds: float
    room: int
    frames: int
    width: int
    height: int

    def in_words(self) -> str:
        """Return what a person wants to know."""
        return (
            f"{self.frames} frames of {self.width}×{self.height} pixels take about "
            f"{_time_in_words(self.seconds)} and, until they are joined, up to "
            f"{in_words(self.room)} of disc"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds of it."""
        return {**vars(self), "sheet": str(self.sheet), "seconds": round(self.seconds, 1)}


def try_film(spec: FilmSpec, watch: Watch = lambda _done, _place: None) -> Trial:
    """Paint three frames, and write them into `OUT-try.jpg`, which is replaced.

    Args:
        watch: is told how much is done.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    trial, frames = tried(spec, watch)
    cells = [_cell(frame, painted) for frame, painted in frames]
    row = draw_row(cells, columns(len(cells), _WIDTH, _GAP), *_size(cells))
    jpeg(stack([row], 0, _MARGIN), trial.sheet)
    return trial


def tried(
    spec: FilmSpec, watch: Watch = lambda _done, _place: None
) -> tuple[Trial, list[tuple[Frame, Any]]]:
    """Paint three frames; return what the film takes, and each frame with its painting.

    Args:
        watch: is told how much is done.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    film = prepared(spec)
    painter = painter_of(spec)
    frames, first, next_ones = list[tuple[Frame, Any]](), 0.0, 0.0
    for number, share in enumerate(_PLACES):
        watch(number / len(_PLACES), "painting three frames")
        index = film.frames.start + int(share * len(film.frames))
        is_timed = number == len(_PLACES) - 1  # by then all is loaded
        last = min(index + 1 + (_TIMED if is_timed else 0), film.frames.stop)
        painter.begin(sample_of(film.clip, (index, last), film.size))
        for frame in film.clip.frames(index, last, film.size):
            began = time.monotonic()
            painted = painter.paint(frame)
            seconds = time.monotonic() - began
            if frame.index == index:
                frames.append((frame, painted))
                first = seconds
            else:
                next_ones += seconds / (last - index - 1)
    if not frames:
        raise PictureError(f"{spec.clip.path}: none of three frames can be decoded.")
    return _trial(film, first, next_ones or first), frames


def _trial(film: Film, first: float, next_ones: float) -> Trial:
    """Return what the film takes, as one shot: how many there are is not known yet."""
    divided, out = film.divided([film.frames]), film.spec.out
    height, width = film.clip.sides(film.size)
    painted = sum(len(chunk.frames) for chunk in divided.chunks)
    return Trial(
        sheet=out.with_name(f"{out.stem.replace('%', '')}-try.jpg"),
        seconds=len(divided.chunks) * (first - next_ones) + painted * next_ones,
        room=divided.room,
        frames=len(film.frames),
        width=width,
        height=height,
    )


def _cell(frame: Frame, painted: Any) -> Image.Image:
    """Draw a frame above its painting."""
    box = (_WIDTH, round(_WIDTH * frame.pixels.shape[-2] / frame.pixels.shape[-1]))
    lettering = Lettering(font(16), font(16))
    before = draw_cell(Cell(_image(frame.pixels)), box, lettering)
    after = draw_cell(Cell(_image(painted), clock(frame.seconds)), box, lettering)
    return stack([before, after], _GAP)


def _image(pixels: Any) -> Image.Image:
    return to_pil(Picture(pixels.cpu()), metadata="none")


def _size(cells: list[Image.Image]) -> tuple[int, int]:
    return len(cells) * (_WIDTH + _GAP) - _GAP, max(cell.height for cell in cells)


def _time_in_words(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
