"""Animated WebP and AVIF as films: what FFmpeg does not read, by Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from impasto.film.clip_info import ClipInfo, constant_rate
from impasto.film.frame_colours import Levels
from impasto.image.opening import opened
from impasto.image.size_limits import check_size

__all__ = ["AnimationFrames", "animation_frames", "is_animation"]

_UNIT = Fraction(1, 1000)
_AT_ONCE = 10  # ms and less, of a frame, which browsers show for `_INSTEAD`
_INSTEAD = 100


def is_animation(path: Path) -> bool:
    """Return whether a file is a WebP or an AVIF, by its first bytes."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    is_webp = head[:4] == b"RIFF" and head[8:] == b"WEBP"
    return is_webp or head[4:] in (b"ftypavis", b"ftypavif")


@dataclass(frozen=True)
class AnimationFrames:
    """The frames of an animation's file."""

    path: Path
    info: ClipInfo
    times: list[int] = field(repr=False)

    def levels(self, start: int) -> Iterator[tuple[int, Levels]]:
        """Yield the frames from one on, with their indices; damaged ones are left out."""
        mode = "RGBA" if self.info.has_alpha else "RGB"
        with opened(self.path) as image:
            for index in range(start, self.info.frames):
                try:
                    image.seek(index)
                    levels = np.asarray(image.convert(mode))
                except (OSError, EOFError, ValueError):
                    return  # a decoder that stumbles does not go on
                yield index, levels


def animation_frames(path: Path) -> AnimationFrames:
    """Read when the frames of an animation are shown.

    Raises:
        PictureError: it cannot be read.
    """
    with opened(path) as image:
        check_size(image.size, str(path))
        times, end = [], 0
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            image.load()
            times.append(end)
            shown = int(image.info.get("duration", 0))
            end += shown if shown > _AT_ONCE else _INSTEAD
        info = ClipInfo(
            width=image.width,
            height=image.height,
            frames=len(times),
            seconds=end / 1000,
            time_base=_UNIT,
            rate=constant_rate(times, _UNIT),
            has_alpha=image.mode in ("RGBA", "LA", "PA"),
            end=end,
            kind="animation",
            codec=(image.format or "").lower(),
        )
    return AnimationFrames(path, info, times)
