"""A study as a film: H.264 in an MP4 file, which every browser plays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw

from impasto.evaluation.studies.preflight import check_film
from impasto.evaluation.studies.result import StudyResult
from impasto.film.formats import film_format
from impasto.film.frame import Frame
from impasto.film.making import make_film
from impasto.sheets.contact_sheet import Cell
from impasto.sheets.drawing import INK, blank, dejavu, fit_into, wrap

__all__ = ["write_film"]

_FRAMES_A_SECOND = 24
_QUALITY = 72  # captions stay sharp, and a page of studies small

_HOLD, _FADE = 22, 10  # frames that a picture is shown for, and that it takes to the next
_REST = 36  # frames that the last picture of a run is shown for
_SIDE = (512, 1024)  # a frame's long side, at least and at most
_STRIP = 48  # pixels below the picture, for the caption


def write_film(result: StudyResult, cells: Sequence[Cell]) -> str | None:
    """Write a study's film and return its name; None if there is none.

    A film of a run stays as it is where nothing of the run was painted this time.

    Raises:
        PictureError: it cannot be written.
    """
    path = result.folder / "film.mp4"
    if not result.film:
        return None
    if result.study.film == "steps" and not result.frames and path.is_file():
        return path.name
    size = max((cell.picture.size for cell in cells), key=lambda size: size[0] * size[1])
    frames = (_frame(cell, size) for cell in result.frames or cells)
    shown = _hold_last(frames) if result.frames else _fade(list(frames))
    check_film()
    make_film(path, _shown(shown), _FRAMES_A_SECOND, film_format(path, quality=_QUALITY))
    return path.name


def _frame(cell: Cell, size: tuple[int, int]) -> Image.Image:
    """Draw a frame: the picture, as large as the largest is drawn, over its caption.

    Args:
        size: of the study's largest picture.
    """
    low, high = _SIDE
    factor = min(max(max(size), low), high) / max(size)
    width, height = (_even(side * factor) for side in size)
    frame = blank(width, height + _STRIP)
    picture = fit_into(cell.picture, width, height)
    if abs(picture.width - width) <= 4 and abs(picture.height - height) <= 4:  # a scale's rounding
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    frame.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    face = dejavu(20)
    caption = wrap(cell.caption, face, width - 24, most=1)[0]
    ImageDraw.Draw(frame).text((12, height + 12), caption, INK, face)
    return frame


def _fade(frames: Sequence[Image.Image]) -> Iterator[Image.Image]:
    """Yield each frame for about a second, and cross-fade from one to the next."""
    for i, frame in enumerate(frames):
        yield from [frame] * _HOLD
        if i + 1 < len(frames):
            steps = range(1, _FADE)
            yield from (Image.blend(frame, frames[i + 1], step / _FADE) for step in steps)


def _hold_last(frames: Iterable[Image.Image]) -> Iterator[Image.Image]:
    """Yield the frames, and the last one for a second and a half more."""
    frame = None
    for frame in frames:
        yield frame
    if frame is not None:
        yield from [frame] * _REST


def _shown(images: Iterable[Image.Image]) -> Iterator[Frame]:
    for index, image in enumerate(images):
        levels = torch.from_numpy(np.asarray(image.convert("RGB"), np.float32) / 255)
        yield Frame(
            index, index, index / _FRAMES_A_SECOND, levels.permute(2, 0, 1)[None].contiguous()
        )


def _even(side: float) -> int:
    """Round to an even number, as colour is stored for pairs of pixels."""
    return max(2, 2 * round(side / 2))
