"""Where every pixel of a shot's frames is in its key frames: those that somebody drew or painted.

The offsets to a key are followed from frame to frame, never the picture, which is sampled once and
so does not blur. Errors would add up: each step ends with a search between the frame and the key
itself, from what was followed, which also finds again what was hidden for a while.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import OptionError
from impasto.files import atomic
from impasto.film.flow import Sampling, sample
from impasto.film.following import confidence, enlarged, followed
from impasto.film.key_track_files import Step, load_step, load_track, save_step, save_track
from impasto.film.search import Bytes, Field, both_ways, in_bytes, size_for
from impasto.film.shots import Readable
from impasto.film.trust import Map, trust

__all__ = ["KeyTrack", "KeyTracks", "nearness"]

_SIDE = 480  # the long side at which tracks are found


@dataclass(frozen=True)
class KeyTrack:
    """Where a frame's pixels are in a key frame.

    Attributes:
        key: the key frame's index.
        offsets: from the frame to the key, in pixels of a small grid: x, then y.
        confidence: how far they are trusted, in [0, 1], on the frame's grid.
    """

    key: int
    offsets: Field
    confidence: Map

    def draw(
        self, picture: Float[Tensor, "1 c H W"], size: tuple[int, int], sampling: Sampling
    ) -> Float[Tensor, "1 c h w"]:
        """Draw a picture of the key frame, of any size, as the frame shows it.

        Args:
            size: height and width of what is drawn.
        """
        height, width = size
        rows, columns = self.offsets.shape[:2]
        fine = enlarged(self.offsets, size)
        x = np.arange(width) + fine[..., 0] * (width / columns)
        y = np.arange(height)[:, None] + fine[..., 1] * (height / rows)
        places = torch.from_numpy(np.stack([x, y]))[None].float()
        # From pixels of the frame to those of the picture.
        factors = places.new_tensor([picture.shape[-1] / width, picture.shape[-2] / height])
        places = (places + 0.5) * factors.view(1, 2, 1, 1) - 0.5
        return sample(picture, places, sampling)

    def trust(self, size: tuple[int, int]) -> Float[Tensor, "1 1 h w"]:
        """Return the confidence at a height and width."""
        small = torch.from_numpy(self.confidence)[None, None]
        return F.interpolate(small, size, mode="bilinear").clamp(0, 1)


class KeyTracks:
    """The tracks of a film's frames to the key frames of their shots, in a folder.

    They are found when they are first asked for, for all frames from one key to the next: read in
    order, two frames in memory. On disc a frame takes up to five bytes a pixel of the small grid
    for each of its keys.

    Args:
        clip: the film.
        keys: indices of the key frames.
        shots: the film's; no track leads over a cut.
        folder: where they are kept; it is made. Another film's needs a folder of its own.

    Raises:
        OptionError: a key is no frame of the shots.
    """

    def __init__(
        self, clip: Readable, keys: Collection[int], shots: Sequence[range], folder: Path
    ) -> None:
        self.clip, self.keys, self.shots, self.folder = clip, sorted(set(keys)), shots, folder
        outside = [key for key in self.keys if not any(key in shot for shot in shots)]
        if outside:
            raise OptionError(
                f"Frame {outside[0]} is not among those painted, "
                f"{shots[0].start} to {shots[-1].stop - 1}: give a map or painting for one of them."
            )
        folder.mkdir(parents=True, exist_ok=True)

    def check(self, frames: range) -> None:
        """Check that every shot that frames are of has a key.

        Raises:
            OptionError: a shot has none.
        """
        for shot in self.shots:
            touched = shot.start < frames.stop and frames.start < shot.stop
            if touched and not any(key in shot for key in self.keys):
                raise OptionError(
                    f"Frames {shot.start} to {shot.stop - 1} are a shot of their own, of which no "
                    "picture was given, and none can be carried over a cut: give one of a frame "
                    "among them."
                )

    def of(self, index: int) -> tuple[KeyTrack, ...]:
        """Return a frame's tracks: to the key before it and to that after it, in its shot.

        Raises:
            OptionError: its shot has no key, or a key frame cannot be decoded.
        """
        if index in self.keys:
            return (self._identity(index),)
        segment = self._segment(index)
        if not self._marker(segment).is_file():
            _find(self.clip, segment, self.folder)
            atomic.replace(self._marker(segment), b"", force=True)
        return tuple(
            KeyTrack(key, *load_track(self.folder, key, index))
            for key in (segment.before, segment.after)
            if key is not None
        )

    def _segment(self, index: int) -> _Segment:
        self.check(range(index, index + 1))
        shot = next(shot for shot in self.shots if index in shot)
        keys = [key for key in self.keys if key in shot]
        place = bisect_right(keys, index)
        before = keys[place - 1] if place else None
        after = keys[place] if place < len(keys) else None
        first = shot.start if before is None else before
        last = shot.stop - 1 if after is None else after
        return _Segment(first, last, before, after)

    def _marker(self, segment: _Segment) -> Path:
        return self.folder / f"{segment.first:08d}-{segment.last:08d}.done"

    def _identity(self, index: int) -> KeyTrack:
        frame = next(iter(self.clip.frames(index, index + 1, size=_SIDE)))
        height, width = size_for(*_sides(frame.pixels), _SIDE)
        return KeyTrack(
            index, np.zeros((height, width, 2), np.float32), np.ones((height, width), np.float32)
        )


def nearness(tracks: Sequence[KeyTrack], index: int) -> list[float]:
    """Return how near a frame is to each of its keys, in shares of 1."""
    if len(tracks) == 1:
        return [1.0]
    (a, b) = (abs(index - track.key) for track in tracks)
    return [b / (a + b), a / (a + b)]


@dataclass(frozen=True)
class _Segment:
    """Frames from one key to the next, or from a key to an end of its shot; both are within."""

    first: int
    last: int
    before: int | None
    after: int | None


class _Chain:
    """Tracks to one key frame, followed from frame to frame and saved."""

    def __init__(self, folder: Path, key: int, picture: Bytes) -> None:
        self.folder, self.key, self.picture = folder, key, picture
        self.track: Field = np.zeros((*picture.shape[:2], 2), np.float32)

    def add(self, index: int, step: Step) -> None:
        """Follow one more step: from a frame to the one that was added before it."""
        self.track = followed(self.track, step, self.picture)
        trusted = confidence(step.frame, self.picture, self.track)
        save_track(self.folder, self.key, index, self.track, trusted)


def _find(clip: Readable, segment: _Segment, folder: Path) -> None:
    """Find the tracks of a segment's frames, forwards from its first key, back from its second."""
    previous = chain = None
    indices: list[int] = []
    for index, now in _small(clip, segment):
        if previous is None:
            _check_key(segment.before, index)
            chain = None if segment.before is None else _Chain(folder, segment.before, now)
        else:
            forth, back = both_ways(now, previous)
            if chain is not None:
                chain.add(index, Step(now, forth, trust(forth, back, now, previous)))
            if segment.after is not None:
                step = Step(previous, back, trust(back, forth, previous, now))
                save_step(folder, indices[-1], step)
        previous = now
        indices.append(index)
    if segment.after is not None and previous is not None:
        _check_key(segment.after, indices[-1])
        chain = _Chain(folder, segment.after, previous)
        for index in reversed(indices[:-1]):
            chain.add(index, load_step(folder, index))


def _check_key(key: int | None, found: int) -> None:
    if key is not None and key != found:
        raise OptionError(
            f"Frame {key} cannot be decoded, so nothing drawn for it can be carried along: give a "
            "picture of a frame beside it."
        )


def _small(clip: Readable, segment: _Segment) -> Iterator[tuple[int, Bytes]]:
    for frame in clip.frames(segment.first, segment.last + 1, size=_SIDE):
        yield frame.index, in_bytes(frame.pixels, size_for(*_sides(frame.pixels), _SIDE))


def _sides(pixels: Float[Tensor, "1 3 h w"]) -> tuple[int, int]:
    return pixels.shape[-2], pixels.shape[-1]
