"""How far a film is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.film.frame import Frame
from impasto.film.recipe import FilmRecipe

__all__ = ["Outcome", "Progress", "StoppedError", "Tell", "Watch"]


@dataclass(frozen=True)
class Progress:
    """How far a film is.

    Attributes:
        done: from 0 to 1.
        place: where the work is, in words.
        frame: that was painted just now, if any.
        note: what a person should know, if anything.
    """

    done: float
    place: str
    frame: Frame | None = None
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a film.

    Attributes:
        path: the film's file, or the pattern of its files; None if it was stopped.
        folder: what is left of one that was stopped.
        width: in pixels.
        height: in pixels.
        frames: of the film.
        missing: frames of the clip that could not be decoded.
        chunks: in which it was painted.
        kept: those of them that an earlier run had painted.
        seconds: that it took.
    """

    path: Path | None
    folder: Path | None
    width: int
    height: int
    frames: int
    missing: int
    chunks: int
    kept: int
    seconds: float
    recipe: FilmRecipe

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds of it."""
        places = {
            name: None if path is None else str(path)
            for name, path in (("output", self.path), ("folder", self.folder))
        }
        numbers = ("width", "height", "frames", "missing", "chunks", "kept")
        return {
            **places,
            **{name: getattr(self, name) for name in numbers},
            "seconds": round(self.seconds, 3),
            "recipe": self.recipe.to_dict(),
        }


class StoppedError(Exception):
    """The film is to be stopped; what is finished of it is kept."""


Watch = Callable[[Progress], bool]
"""Is called with each progress; returns whether to go on."""

Tell = Callable[[float, str, Frame | None], None]
"""Is called with how much is done, where, and a painted frame; what it raises ends the work."""
