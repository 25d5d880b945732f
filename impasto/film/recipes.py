"""The recipe that a film holds."""

from __future__ import annotations

from pathlib import Path

from impasto.film.animation_frames import is_animation
from impasto.film.container import opened
from impasto.image.opening import read_recipe

__all__ = ["film_recipe"]


def film_recipe(path: Path) -> str | None:
    """Return the recipe that `join` put into a film, or None.

    Raises:
        PictureError: the file cannot be read.
    """
    if is_animation(path):
        return read_recipe(path)
    with opened(path) as container:
        words = {key.lower(): value for key, value in container.metadata.items()}
    comment = words.get("comment", "")
    return comment if comment.startswith("{") else None
