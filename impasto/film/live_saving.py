"""A live picture as a file: the photograph, and a painting of it that its recipe repeats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from impasto.errors import PictureError
from impasto.film.live import LivePicture
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.run.events import consume
from impasto.run.output import Output
from impasto.run.runner import run

__all__ = ["save_live"]


def save_live(picture: LivePicture, folder: Path) -> Path:
    """Write what is seen into a folder as `live-1.png`, and its photograph as `live-1-photo.png`.

    The painting is painted once more from that photograph alone, so that the recipe in it tells
    all: what was carried over from the pictures before is not in it.

    Returns:
        The painting's file.

    Raises:
        ImpastoError: it cannot be painted or written.
    """
    number = 1
    while (painting := folder / f"live-{number}.png").exists():
        number += 1
    photograph = folder / f"live-{number}-photo.png"
    try:
        Image.fromarray(np.asarray(picture.photograph)).save(photograph)
    except OSError as problem:
        raise PictureError(
            f"{photograph} cannot be written: {problem.strerror or problem}."
        ) from problem
    look = picture.look
    sources = Sources(content=photograph, styles=look.styles)
    consume(run(prepare(sources, replace(look.config, size=picture.size)), Output(painting)))
    return painting
