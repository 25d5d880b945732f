"""Films as a painter paints them, measured frame by frame while they are painted.

Frames are neither written to files nor read from them: what a codec does to them does not count.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from impasto.evaluation.judge import Judge
from impasto.evaluation.warping import ORIGINAL, Steadiness, warping_errors
from impasto.film.chunk_painting import sample_of
from impasto.film.clip import Clip
from impasto.film.frame import Frame
from impasto.film.painter import FilmPainter

__all__ = ["ClipPart", "FilmRow", "PaintedFilm", "as_image", "measured"]

Pixels = Float[Tensor, "1 3 _ _"]

_JUDGED = 8  # frames of a film whose style is measured


@dataclass(frozen=True)
class ClipPart:
    """Frames of a clip that are painted.

    Attributes:
        size: their long side in pixels.
        shots: those frames, shot by shot.
    """

    clip: Clip
    size: int
    shots: Sequence[range]

    @property
    def bounds(self) -> range:
        """The indices of all its frames."""
        return range(self.shots[0].start, self.shots[-1].stop)

    @property
    def judged(self) -> list[int]:
        """The indices of frames whose style is measured, from all over the part."""
        count = min(_JUDGED, len(self.bounds))
        return [self.bounds[len(self.bounds) * (2 * i + 1) // (2 * count)] for i in range(count)]

    def frames(self) -> Iterator[Frame]:
        """Yield them at their size."""
        return self.clip.frames(self.bounds.start, self.bounds.stop, self.size)


@dataclass(frozen=True)
class FilmRow:
    """The figures of a film.

    Attributes:
        warping_error: its mean, in values of [0, 1].
        times_the_clip: the same over that of the clip itself.
        style: the mean distance to the painting, as `impasto evaluate` measures it; None without
            a painting.
        seconds: that a frame takes, in the median: the first of a shot may take longer.
    """

    warping_error: float
    times_the_clip: float
    style: float | None
    seconds: float


@dataclass
class PaintedFilm:
    """The frames of a part, painted as they are asked for.

    Attributes:
        judge: measures their style.
        alone: each frame is painted as if there were no other.
        pictures: what was painted, small.
    """

    part: ClipPart
    painter: FilmPainter
    judge: Judge
    alone: bool = False
    seconds: list[float] = field(default_factory=list)
    styles: list[float] = field(default_factory=list)
    pictures: list[Image.Image] = field(default_factory=list)

    def __iter__(self) -> Iterator[Pixels]:
        for frame in self.part.frames():
            self._begin(frame)
            began = time.perf_counter()
            pixels = self.painter.paint(frame)
            self.seconds.append(time.perf_counter() - began)
            style = self.judge.distances(pixels)[1] if frame.index in self.part.judged else None
            self.styles += [] if style is None else [style]
            self.pictures.append(as_image(pixels))
            yield pixels

    def _begin(self, frame: Frame) -> None:
        if self.alone:
            self.painter.begin([frame])
        for shot in self.part.shots:
            if not self.alone and frame.index == shot.start:
                bounds = (shot.start, shot.stop)
                self.painter.begin(sample_of(self.part.clip, bounds, self.part.size))

    def row(self, steadiness: Steadiness, floor: Steadiness) -> FilmRow:
        """Return its figures."""
        return FilmRow(
            warping_error=steadiness.error,
            times_the_clip=steadiness.error / floor.error if floor.error else 1.0,
            style=statistics.fmean(self.styles) if self.styles else None,
            seconds=statistics.median(self.seconds),
        )


def measured(part: ClipPart, films: Mapping[str, PaintedFilm]) -> tuple[float, dict[str, FilmRow]]:
    """Paint films side by side; return the warping error of the clip itself, and their figures.

    Raises:
        ImpastoError: a frame cannot be painted.
    """
    errors = warping_errors(part.frames(), films, [shot.start for shot in part.shots])
    floor = errors[ORIGINAL]
    return floor.error, {name: film.row(errors[name], floor) for name, film in films.items()}


def as_image(pixels: Pixels) -> Image.Image:
    """Return pixels as a picture in bytes."""
    levels = (pixels[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(levels.contiguous().numpy())
