"""Films of frames that were made, not painted after a clip: one rate, and no sound."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path

from impasto.errors import PictureError
from impasto.files import atomic
from impasto.film.encoding import Target, encode
from impasto.film.failures import unwritten
from impasto.film.formats import FilmFormat
from impasto.film.frame import Frame
from impasto.film.libraries import load_av

__all__ = ["make_film"]


def make_film(
    path: Path, frames: Iterable[Frame], rate: Fraction | int, film_format: FilmFormat
) -> None:
    """Write frames into a film; its file appears complete or not at all.

    Args:
        path: a film's, no animation's; a file there is replaced.
        frames: at least one, all of one size; `pts` counts them from 0.
        rate: frames a second.

    Raises:
        PictureError: there is no frame, they differ in size, or the file cannot be written.
    """
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise PictureError(f"{path} is not written: there are no frames for it.")
    rate = Fraction(rate)
    target = Target(film_format.container.muxer, 1 / rate, rate, {})
    try:
        with atomic.replacing(path, path.suffix) as temporary:
            encode(temporary, chain([first], rest), target, film_format)
    except (OSError, load_av().FFmpegError) as problem:
        raise unwritten(path, problem) from problem
