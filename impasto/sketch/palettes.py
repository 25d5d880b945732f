"""How much of which colour a picture has, in 144 bytes, so that pictures like one can be found."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from impasto.sketch.libraries import load_cv2

__all__ = ["COLOURS", "alike", "palette"]

_LIGHTNESSES, _HUES = 4, 6
COLOURS = _LIGHTNESSES * _HUES * _HUES
"""The numbers of a palette: 4 steps of lightness by 6 × 6 of Lab's a and b."""

_SIDE = 48  # pixels that are looked at, each way
_REACH = 50.0  # of a and b that the steps cover, to either side of grey; beyond is the last one


def palette(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "144"]:
    """Return the roots of the shares of a picture's colours, the length of all of them 255.

    Raises:
        OptionError: the libraries of sketches are not installed.
    """
    cv2 = load_cv2()
    small = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    counts = np.zeros((_LIGHTNESSES, _HUES, _HUES), np.float32)
    places = (
        _shared(lab[:, 0] / 100, _LIGHTNESSES),
        *(_shared(lab[:, i] / (2 * _REACH) + 0.5, _HUES) for i in (1, 2)),
    )
    for corner in np.ndindex(2, 2, 2):
        index = tuple(place[side][0] for place, side in zip(places, corner, strict=True))
        weight = np.prod([place[side][1] for place, side in zip(places, corner, strict=True)], 0)
        np.add.at(counts, index, weight)
    roots = np.sqrt(counts.ravel() / counts.sum())
    return np.asarray(np.rint(roots * 255), np.uint8)


def alike(
    palettes: UInt8[np.ndarray, "n 144"], wanted: UInt8[np.ndarray, "144"]
) -> Float[np.ndarray, "n"]:
    """Return how much each palette is like one: Bhattacharyya's coefficient, 0 to 1."""
    return np.clip(palettes.astype(np.float32) @ wanted.astype(np.float32) / 255**2, 0, 1)


def _shared(
    values: Float[np.ndarray, "n"], steps: int
) -> list[tuple[np.ndarray, Float[np.ndarray, "n"]]]:
    """Return the two steps next to each value in [0, 1], with their shares in it."""
    place = np.clip(values, 0, 1) * (steps - 1)
    low = np.minimum(place.astype(np.intp), steps - 2)
    return [(low, 1 - (place - low)), (low + 1, place - low)]
