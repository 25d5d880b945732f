"""Where a photograph's subject probably is: quick and rough, for searching a library of them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, UInt8

from impasto.sketch.libraries import load_cv2

__all__ = ["rough_subject"]

_SIDE, _RIM = 64, 5  # pixels: of the square that is looked at, and of its rim
_COLOURS = 4  # of the rim
_CENTRE = 0.28  # deviation of the weight towards the middle, in sides
_LENIENT = 0.8  # of Otsu's threshold
_SMALLEST = 0.2  # of the largest piece: smaller ones are none of the subject


def rough_subject(picture: UInt8[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
    """Return the part of a picture whose colours its rim does not have, near the middle.

    May be empty, as that of a plain picture is.

    Raises:
        OptionError: the libraries of sketches are not installed.
    """
    cv2 = load_cv2()
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    unlike = _unlike_rim(small) * _middle()
    levels = np.rint(unlike / max(float(unlike.max()), 1.0) * 255).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)
    mask = (levels > _LENIENT * max(threshold, 1)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    mask = _largest(mask).astype(np.uint8)
    return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) > 0)


def _unlike_rim(small: UInt8[np.ndarray, "64 64 3"]) -> np.ndarray:
    """Return how far each colour is from the nearest of the rim's main ones, in Lab."""
    cv2 = load_cv2()
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab = cv2.GaussianBlur(lab, (0, 0), 1)
    rim = np.ones((_SIDE, _SIDE), dtype=bool)
    rim[_RIM:-_RIM, _RIM:-_RIM] = False
    away = np.stack([np.linalg.norm(lab - colour, axis=-1) for colour in _main(lab[rim])])
    return np.asarray(away.min(axis=0))


def _main(colours: np.ndarray) -> np.ndarray:
    """Return the means of groups of colours, ordered by lightness and cut into equal numbers.

    Departs from clustering proper, which begins at random places: the same picture gives the same.
    """
    groups = np.array_split(colours[np.argsort(colours[:, 0], kind="stable")], _COLOURS)
    centres = np.stack([group.mean(axis=0) for group in groups])
    for _ in range(5):  # of k-means
        away = np.linalg.norm(colours[:, None] - centres, axis=-1)
        nearest = away.argmin(axis=1)
        for number in range(_COLOURS):
            if (nearest == number).any():
                centres[number] = colours[nearest == number].mean(axis=0)
    return centres


def _middle() -> np.ndarray:
    y, x = np.mgrid[:_SIDE, :_SIDE] / (_SIDE - 1) - 0.5
    return np.asarray(np.exp(-(x * x + y * y) / (2 * _CENTRE**2)))


def _largest(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected piece, with those that are not much smaller."""
    cv2 = load_cv2()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count == 1:
        return np.zeros(mask.shape, dtype=bool)
    areas = stats[:, cv2.CC_STAT_AREA]
    keep = areas >= _SMALLEST * areas[1:].max()
    keep[0] = False
    return np.asarray(keep[labels])
