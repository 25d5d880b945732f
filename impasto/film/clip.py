"""A film as it is read: what it holds, when its frames are shown, and the frames one by one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import OptionError, PictureError
from impasto.film.animation_frames import animation_frames, is_animation
from impasto.film.clip_info import ClipInfo, FrameSource
from impasto.film.container import container_frames
from impasto.film.frame import Frame
from impasto.film.frame_colours import Levels
from impasto.film.libraries import load_cv2
from impasto.film.picture_frames import is_pattern, picture_frames
from impasto.image.picture import fitted

__all__ = ["Clip", "ClipInfo", "open_clip"]

_log = logging.getLogger(__name__)

_MOST_RATE = 1000


@dataclass
class Clip:
    """A film that is open; nothing of it is in memory, and it may be sent to another process.

    Attributes:
        path: what was opened.
        info: what it holds.
        times: when each frame is shown, in `info.time_base`, in order.
        source: where the frames come from.
    """

    path: Path
    info: ClipInfo
    times: list[int] = field(repr=False)
    source: FrameSource = field(repr=False)
    _lost: set[int] = field(default_factory=set, repr=False)

    @property
    def damaged(self) -> int:
        """How many frames did not decode so far, and were passed over."""
        return len(self._lost)

    def frames(
        self, start: int = 0, stop: int | None = None, size: int | None = None
    ) -> Iterator[Frame]:
        """Yield frames in order: the same ones from whichever of them it starts.

        A frame that does not decode is passed over and counted: its index is missing.

        Args:
            start: index of the first, from 0.
            stop: index after the last; None for all.
            size: long side in pixels, resized by area; None as stored.

        Raises:
            OptionError: there are no such frames.
        """
        stop = self.info.frames if stop is None else stop
        if not 0 <= start <= stop <= self.info.frames:
            raise OptionError(
                f"{self.path} has frames 0 to {self.info.frames - 1}: {start} to {stop} are not "
                "among them."
            )
        sides = self.sides(size)
        expected = start
        for index, levels in self.source.levels(start) if start < stop else ():
            if index >= stop:
                break
            self._miss(expected, index)
            expected = index + 1
            yield self._frame(index, _resized(levels, *sides))
        self._miss(expected, stop)

    def sides(self, size: int | None = None) -> tuple[int, int]:
        """Return height and width of frames with a long side; None for those that are stored."""
        if size is None:
            return self.info.height, self.info.width
        return fitted(self.info.height, self.info.width, size)

    def _miss(self, start: int, stop: int) -> None:
        """Note frames that were passed over; each is said once."""
        lost = set(range(start, stop)) - self._lost
        if lost:
            self._lost |= lost
            first, last = min(lost), max(lost)
            _log.warning(
                "%s: frame %s cannot be decoded, it is passed over.",
                self.path,
                first if first == last else f"{first} to {last}",
            )

    def _frame(self, index: int, levels: Levels) -> Frame:
        pixels = _tensor(levels)
        pts = self.times[index]
        return Frame(
            index=index,
            pts=pts,
            seconds=float((pts - self.times[0]) * self.info.time_base),
            pixels=pixels[:, :3],
            alpha=pixels[:, 3:] if pixels.shape[1] == 4 else None,
        )


def open_clip(path: str | Path, rate: Fraction | float | None = None) -> Clip:
    """Open a film: any that FFmpeg reads, an animation, a folder of pictures or a pattern of them.

    Only the packets are read, and a few frames: a film of an hour opens in seconds.

    Args:
        path: a file, a folder of numbered pictures, or a pattern such as `frames/%05d.png`.
        rate: frames a second, of pictures and of streams without times.

    Raises:
        PictureError: it cannot be read, or is no film.
        OptionError: pictures without a rate, or a rate for a film that has times.
    """
    path = Path(path)
    given = _checked(rate)
    source: FrameSource
    if path.is_dir() or is_pattern(path):
        source = picture_frames(path, given)
    elif is_animation(path):
        source = animation_frames(path)
    else:
        source = container_frames(path, given)
    _check_moves(source.info, path)
    return Clip(path, source.info, source.times, source)


def _checked(rate: Fraction | float | None) -> Fraction | None:
    if rate is None:
        return None
    if not 0 < rate <= _MOST_RATE:
        raise OptionError(f"--fps {rate} is not possible: give frames a second, 0.1 to 1000.")
    # 23.976 means 24000/1001, which it is nearest to among fractions of this size.
    return Fraction(rate).limit_denominator(1001)


def _check_moves(info: ClipInfo, path: Path) -> None:
    if info.frames == 0:
        raise PictureError(f"{path} holds no frame: give a film of two frames or more.")
    if info.frames == 1:
        raise PictureError(
            f"{path} holds one frame only, which is a picture and no film: paint it with "
            "`impasto stylize`."
        )


def _resized(levels: Levels, height: int, width: int) -> Levels:
    if levels.shape[:2] == (height, width):
        return levels
    cv2 = load_cv2()
    if levels.shape[2] == 4:  # by coverage: what is transparent must not bleed into what is seen
        return _resized_covered(_unit(levels), height, width)
    smaller = height * width < levels.shape[0] * levels.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(levels, (width, height), interpolation=how))


def _resized_covered(values: Levels, height: int, width: int) -> Levels:
    alpha = values[..., 3:]
    both = _resized(np.ascontiguousarray(values[..., :3] * alpha), height, width)
    cover = _resized(np.repeat(alpha, 3, axis=2), height, width)
    colours = both / np.maximum(cover, 1e-6)
    return np.concatenate([colours, cover[..., :1]], axis=2).astype(np.float32)


def _unit(levels: Levels) -> Levels:
    if levels.dtype == np.float32:
        return levels
    return levels.astype(np.float32) / np.float32(np.iinfo(levels.dtype).max)


def _tensor(levels: Levels) -> Float[Tensor, "1 c h w"]:
    values = torch.from_numpy(_unit(levels)).clamp(0, 1)
    return values.permute(2, 0, 1)[None].contiguous()
