"""Options of a film, each declared once: flags, the studio's form and a job's checks share it.

Needs no PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from impasto.config.fields import check, option
from impasto.config.numbers import SHARE
from impasto.config.output import SHOWN
from impasto.config.times import TIME, clock
from impasto.errors import OptionError

__all__ = ["CODECS", "FILM", "STEADY", "FilmSettings"]

CODECS = ("auto", "h264", "hevc", "av1", "vp9", "prores", "ffv1")
"""How a film's pictures may be compressed, as `film.formats` has them."""

FILM, STEADY = "The film", "How it keeps still"
"""The headings that help shows these options under."""

_CHUNK, _OPTIMISED_CHUNK = 96, 24  # frames

# The longest film, in seconds: a week.
_LONGEST = 7 * 24 * 3600.0


def _option(default: Any, help: str, **more: Any) -> Any:
    return option(default, help, panel=STEADY, **more)


@dataclass(frozen=True)
class FilmSettings:
    """What may be chosen of a film, whatever paints its frames.

    Raises:
        OptionError: a value out of its range.
    """

    steady: float = _option(
        1.0,
        "How firmly a frame keeps to what was painted before, where the same is to be seen: 0 "
        "paints each frame by itself.",
        low=0.0,
        high=1.0,
        spelling=SHARE,
    )
    change: float = _option(
        0.0,
        "How long one --style takes to turn into the next; 0 blends them all by their weights.",
        low=0.0,
        high=_LONGEST,
        spelling=TIME,
    )

    start: float = option(
        0.0,
        "Where to begin, in seconds of the film or as a time.",
        low=0.0,
        high=_LONGEST,
        spelling=TIME,
        panel=FILM,
        also="from",
    )
    stop: float = option(
        0.0,
        "Where to end, likewise; 0 for the film's end.",
        low=0.0,
        high=_LONGEST,
        spelling=TIME,
        panel=FILM,
        also="to",
    )
    fps: float = option(
        0.0,
        "Frames a second of pictures, which have no times of their own; 0 for a film's own times.",
        low=0.0,
        high=1000.0,
        panel=FILM,
    )
    chunk: int = option(
        0,
        "Frames that are painted together: a kill costs at most so many, and workers share a film "
        "in such parts. 0 takes 96, or 24 where pixels are optimised.",
        low=0,
        high=100_000,
        panel=FILM,
    )
    overlap: int = option(
        6,
        "Frames over which one chunk of a shot fades into the next.",
        low=1,
        high=1000,
        panel=FILM,
    )

    codec: str = option(
        "auto",
        "How the film's pictures are compressed; auto takes H.264, and what else a file needs.",
        choices=CODECS,
        panel=SHOWN,
    )
    quality: int = option(80, "Of the film's pictures.", low=1, high=100, panel=SHOWN)
    bits: int = option(
        0,
        "Per channel: 8, or 10 where the codec has them, or 16 in pictures; 0 for the usual.",
        choices=(0, 8, 10, 16),
        panel=SHOWN,
    )
    recipe: bool = option(
        True,
        "Keep in the film's metadata how it was painted.",
        off="Leave out of the film's metadata how it was painted.",
        panel=SHOWN,
    )

    def __post_init__(self) -> None:
        check(self)
        if self.stop and self.stop <= self.start:
            raise OptionError(
                f"--start is {clock(self.start)} and --stop {clock(self.stop)}: the end comes "
                "after the beginning."
            )
        if self.chunk and self.chunk < 3 * self.overlap:
            raise OptionError(
                f"--chunk is {self.chunk} and --overlap {self.overlap}: a chunk has at least three "
                f"overlaps, {3 * self.overlap} frames."
            )

    def chunk_length(self, *, optimises: bool) -> int:
        """Return the frames of a chunk.

        Args:
            optimises: whether pixels are optimised, which takes long.
        """
        usual = _OPTIMISED_CHUNK if optimises else _CHUNK
        return self.chunk or max(usual, 3 * self.overlap)
