"""Frames that an artist painted, carried along a film (as users of EbSynth do)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.film.frame import Frame
from impasto.film.key_tracks import KeyTrack, KeyTracks, nearness

__all__ = ["KeyframePainter"]

Pixels = Float[Tensor, "1 3 h w"]

# The least that a place is trusted: where neither painting shows it, the nearest in time has the
# say, with what the search found to look most like it.
_LEAST = 0.01


class KeyframePainter:
    """A `FilmPainter` that carries paintings of single frames to all others of their shots.

    Between two paintings both are carried and blended, by time and by how far each is trusted.

    Args:
        tracks: the film's, to the frames that were painted.
        paintings: of those frames, by index; of any size and the film's proportions.
    """

    def __init__(
        self, tracks: KeyTracks, paintings: Mapping[int, Float[Tensor, "1 3 _ _"]]
    ) -> None:
        self.tracks, self.paintings = tracks, paintings

    def begin(self, sample: Sequence[Frame]) -> None:
        """Do nothing: a frame depends on the paintings alone."""

    def paint(self, frame: Frame) -> Pixels:
        """Draw a frame as it would have been painted.

        Raises:
            OptionError: its shot has no painting, or a painted frame cannot be decoded.
        """
        size = (frame.pixels.shape[-2], frame.pixels.shape[-1])
        tracks = self.tracks.of(frame.index)
        drawn = [self._drawn(track, size) for track in tracks]
        shares = _shares(tracks, frame.index, size)
        return sum((a * b for a, b in zip(drawn, shares, strict=True)), torch.zeros(())).clamp(0, 1)

    def _drawn(self, track: KeyTrack, size: tuple[int, int]) -> Pixels:
        # Once, from the painting itself: it is as sharp in the last frame as in the first.
        return track.draw(self.paintings[track.key], size, "bicubic").clamp(0, 1)


def _shares(
    tracks: Sequence[KeyTrack], index: int, size: tuple[int, int]
) -> list[Float[Tensor, "1 1 h w"]]:
    """Return each track's share of every pixel; they add up to 1."""
    near = nearness(tracks, index)
    each = [n * track.trust(size).clamp(min=_LEAST) for n, track in zip(near, tracks, strict=True)]
    whole = torch.stack(each).sum(0)
    return [share / whole for share in each]
