"""A painted film as a row of pictures, `out/%05d.png`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from impasto.errors import PictureError
from impasto.film.clip import Clip
from impasto.film.formats import FilmFormat
from impasto.film.frame_colours import rgb_of
from impasto.film.segments import Segment, segment_frames
from impasto.image.picture import Picture
from impasto.image.writing import write

__all__ = ["picture_path", "write_pictures"]


def picture_path(pattern: Path, number: int) -> Path:
    """Return the file of a frame: `out/%05d.png` and 7 are `out/00007.png`."""
    return pattern.with_name(pattern.name % number)


def write_pictures(
    parts: Sequence[Segment],
    times: Sequence[int],
    clip: Clip,
    out: Path,
    film_format: FilmFormat,
    recipe: str | None,
) -> None:
    """Write the frames of segments into files, each complete or not there.

    They have the numbers of the clip's own files, else those of its frames, from 0.

    Raises:
        PictureError: one cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise PictureError(f"{out.parent} cannot be made: {problem.strerror}.") from problem
    depth = 16 if film_format.bits == 16 else 8
    frames = (frame for part in parts for frame in segment_frames(part))
    for frame, pts in zip(frames, times, strict=False):
        levels = rgb_of(frame, film_format.bits, film_format.has_alpha)
        number = clip.info.first_number + bisect_left(clip.times, pts)
        write(
            _picture(levels),
            picture_path(out, number),
            recipe=recipe,
            bits=16 if depth == 16 else 8,
            quality=film_format.quality,
            force=True,
        )


def _picture(levels: np.ndarray) -> Picture:
    top = 1 if levels.dtype == np.float32 else 255
    values = torch.from_numpy(levels.astype(np.float32) / top).permute(2, 0, 1)[None]
    return Picture(values[:, :3], values[:, 3:] if values.shape[1] == 4 else None)
