"""Region maps that were drawn for some frames, carried along the film to all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from impasto.film.following import filled
from impasto.film.frame import Frame
from impasto.film.key_tracks import KeyTrack, KeyTracks, nearness
from impasto.film.libraries import load_cv2
from impasto.film.trust import Map
from impasto.image.labels import LabelMap

__all__ = ["CarriedMaps"]

_TRUSTED = 0.2  # the least confidence with which a pixel's region is believed
_ISLAND = 9  # pixels on a side: what is believed on less is a chance likeness, and would spread
_VOTES = 5  # pixels on a side of the window whose majority decides


class CarriedMaps:
    """Region maps of every frame (`FilmLabels`), from those that were drawn for some.

    A frame between two of them takes each pixel's region from the one that is nearer and trusted
    more; where neither is, from the nearest pixel. No region appears that nobody drew.

    Args:
        tracks: the film's, to the frames for which maps were drawn.
        maps: by the frames' indices, of any size and the film's proportions.
    """

    def __init__(self, tracks: KeyTracks, maps: Mapping[int, LabelMap]) -> None:
        self.tracks = tracks
        self.colours = tuple(dict.fromkeys(c for drawn in maps.values() for c in drawn.colours))
        self._maps = {index: _renumbered(drawn, self.colours) for index, drawn in maps.items()}

    def at(self, frame: Frame) -> LabelMap:
        """Return a frame's map, in any order of frames; a drawn one as it is.

        Raises:
            OptionError: its shot has no map, or the frame of a map cannot be decoded.
        """
        if frame.index in self._maps:
            return LabelMap(self._maps[frame.index], self.colours)
        tracks = self.tracks.of(frame.index)
        drawn = [_drawn(track, self._maps[track.key]) for track in tracks]
        weights = [
            near * (track.confidence + 1e-3)
            for near, track in zip(nearness(tracks, frame.index), tracks, strict=True)
        ]
        best = np.argmax(np.stack(weights), 0)
        labels = np.take_along_axis(np.stack(drawn), best[None], 0)[0]
        believed = _believed(np.stack([track.confidence for track in tracks]).max(0))
        voted = _majority(filled(labels, believed), len(self.colours))
        return LabelMap(torch.from_numpy(voted), self.colours)


def _renumbered(drawn: LabelMap, colours: Sequence[str]) -> Int[Tensor, "h w"]:
    places = torch.tensor([colours.index(colour) for colour in drawn.colours])
    return places[drawn.labels.long()]


def _drawn(track: KeyTrack, labels: Int[Tensor, "H W"]) -> np.ndarray:
    """Draw a map on the track's grid, label by label as they are."""
    rows, columns = track.confidence.shape
    whole: Float[Tensor, "1 1 H W"] = labels[None, None].float()
    drawn = track.draw(whole, (rows, columns), "nearest")
    return drawn[0, 0].round().long().numpy()


def _believed(trusted: Map) -> Bool[np.ndarray, "h w"]:
    cv2 = load_cv2()
    window = np.ones((_ISLAND, _ISLAND), np.uint8)
    opened = cv2.morphologyEx((trusted > _TRUSTED).astype(np.uint8), cv2.MORPH_OPEN, window)
    return np.asarray(opened > 0)


def _majority(labels: np.ndarray, count: int) -> np.ndarray:
    """Give each pixel the label of most around it, so that outlines are not frayed."""
    cv2 = load_cv2()
    votes = [
        cv2.blur((labels == label).astype(np.float32), (_VOTES, _VOTES)) for label in range(count)
    ]
    return np.asarray(np.argmax(np.stack(votes), 0))
