"""Offsets to a key frame, followed from frame to frame, on OpenCV's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float32

from impasto.film.key_track_files import Step
from impasto.film.libraries import load_cv2
from impasto.film.search import Bytes, Field, moved, one_way
from impasto.film.trust import Map, alike, softened

__all__ = ["confidence", "enlarged", "filled", "followed"]

_TORN = 1.5  # in pixels: neighbours whose offsets are further apart are of different things
_TRUSTED = 0.5  # of a step: less is taken from the neighbours


def followed(track: Field, step: Step, key: Bytes) -> Field:
    """Return a frame's offsets to the key, from those of the frame that a step leads to.

    Where the step is not trusted they are the nearest neighbour's. Then the key itself is searched
    from there, so that errors do not add up; what it finds is taken where it looks more alike.

    Args:
        track: from the step's other frame to the key.
        key: the key frame.
    """
    along = filled(step.forth + _drawn(track, step.forth), step.trusted > _TRUSTED)
    found = one_way(step.frame, key, along)
    better = _difference(step.frame, key, found) < _difference(step.frame, key, along)
    return np.where(better[..., None], found, along).astype(np.float32)


def _drawn(track: Field, forth: Field) -> Field:
    """Draw offsets along a flow; between things that move apart they are not mixed."""
    height, width = forth.shape[:2]
    x = np.clip(np.arange(width) + forth[..., 0], 0, width - 1)
    y = np.clip(np.arange(height)[:, None] + forth[..., 1], 0, height - 1)
    nearest = track[np.rint(y).astype(int), np.rint(x).astype(int)]
    return _unmixed(moved(track, forth), nearest)


def enlarged(offsets: Float32[np.ndarray, "H W 2"], size: tuple[int, int]) -> Field:
    """Return offsets on a finer grid, in the same pixels, not mixed between different things."""
    cv2 = load_cv2()
    if offsets.shape[:2] == size:
        return offsets
    smooth, nearest = (
        cv2.resize(offsets, size[::-1], interpolation=how)
        for how in (cv2.INTER_LINEAR, cv2.INTER_NEAREST_EXACT)
    )
    return _unmixed(smooth, nearest)


def _unmixed(smooth: Field, nearest: Field) -> Field:
    torn = np.abs(smooth - nearest).max(2, keepdims=True) > _TORN
    return np.asarray(np.where(torn, nearest, smooth), np.float32)


def filled(values: Any, trusted: Bool[np.ndarray, "h w"]) -> Any:
    """Give what the nearest trusted pixel has, offsets or labels, to those that are not trusted."""
    cv2 = load_cv2()
    if trusted.all() or not trusted.any():
        return values
    _, places = cv2.distanceTransformWithLabels(
        (~trusted).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros((places.max() + 1, *values.shape[2:]), values.dtype)
    nearest[places[trusted]] = values[trusted]
    filled_in = values.copy()
    filled_in[~trusted] = nearest[places[~trusted]]
    return filled_in


def _difference(now: Bytes, key: Bytes, offsets: Field) -> np.ndarray:
    cv2 = load_cv2()
    off: np.ndarray = cv2.blur(cv2.absdiff(now, moved(key, offsets)), (7, 7)).max(2)
    return off


def confidence(now: Bytes, key: Bytes, offsets: Field) -> Map:
    """Return where a track shows what the frame shows, in one piece."""
    height, width = offsets.shape[:2]
    x, y = np.arange(width) + offsets[..., 0], np.arange(height)[:, None] + offsets[..., 1]
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    steep = sum((np.gradient(offsets[..., i], axis=j) ** 2) for i in (0, 1) for j in (0, 1))
    whole = inside & (steep < _TORN**2)
    return softened(np.asarray(whole * alike(now, key, offsets), np.float32))
