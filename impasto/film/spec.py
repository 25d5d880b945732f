"""What is asked for when a film is painted, and what is made of it before anything is painted."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from impasto.config.bases import StyledConfig
from impasto.config.film import FilmSettings
from impasto.config.times import clock
from impasto.errors import OptionError
from impasto.film.clip import Clip
from impasto.painting.sources import Sources

__all__ = ["FIRST", "FilmSpec", "PlacedFile", "frames_between", "rate_of", "within"]


FIRST = -1
"""Instead of a number: the first frame that is painted."""


@dataclass(frozen=True)
class PlacedFile:
    """A picture that belongs to a frame.

    Attributes:
        frame: counted from the film's first, which is 0; `FIRST` for the first that is painted.
    """

    frame: int
    file: Path


@dataclass(frozen=True)
class FilmSpec:
    """A film to paint.

    Attributes:
        clip: what is painted.
        out: the film's file, or a pattern.
        sources: the styles, and a file of weights.
        config: of the method that paints the frames; its size is that of the film. None where
            keyframes are all that is painted.
        maps: of regions, drawn for single frames.
        keys: frames that an artist painted.
        force: replace existing files, and begin again.
        resume: go on with what was begun.
        key_size: the long side of a film of keyframes, in pixels; by default the clip's.
    """

    clip: Clip
    out: Path
    sources: Sources
    config: StyledConfig | None
    settings: FilmSettings = field(default_factory=FilmSettings)
    maps: tuple[PlacedFile, ...] = ()
    keys: tuple[PlacedFile, ...] = ()
    force: bool = False
    resume: bool = False
    key_size: int | None = None

    @property
    def size(self) -> int:
        """The long side of what is painted, in pixels."""
        info = self.clip.info
        if self.config is not None:
            return self.config.size
        return self.key_size or max(info.width, info.height)


def rate_of(fps: float) -> Fraction | None:
    """Return frames a second as a fraction; None for 0."""
    return Fraction(fps).limit_denominator(1001) if fps else None


def frames_between(clip: Clip, settings: FilmSettings) -> range:
    """Return the frames that are shown in the part that is asked for.

    Raises:
        OptionError: there are none.
    """
    first = clip.times[0]
    start, stop = (_index(clip, first, seconds) for seconds in (settings.start, settings.stop))
    frames = range(start, stop if settings.stop else len(clip.times))
    if not frames:
        part = f"from {clock(settings.start)}" + (
            f" to {clock(settings.stop)}" if settings.stop else ""
        )
        raise OptionError(
            f"There is no frame {part}: the film is {clock(clip.info.seconds)} long. Give another "
            "--start or --stop."
        )
    return frames


def _index(clip: Clip, first: int, seconds: float) -> int:
    """Return the first frame that is shown at some seconds, or later."""
    pts = first + Fraction(seconds).limit_denominator(10**6) / clip.info.time_base
    return bisect_left(clip.times, math.ceil(pts))


def within(shots: Sequence[range], frames: range) -> list[range]:
    """Return the parts of shots that are among some frames."""
    parts = [range(max(s.start, frames.start), min(s.stop, frames.stop)) for s in shots]
    return [part for part in parts if part]
