"""The parts of a drawing and of a picture, each with what it is matched by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impasto.sketch.drawing import luma
from impasto.sketch.foreground import Mark, foreground_of
from impasto.sketch.libraries import load_cv2, load_measure, load_segmentation

__all__ = ["PARTS_LOOK", "Parts", "parts_of_drawing", "parts_of_map", "parts_of_picture"]

PARTS_LOOK = 384
"""Long side in pixels at which a picture is divided, whatever the size of the result."""

# Superpixels to begin with, and parts of the foreground and of the background to end with.
_PIECES, _MOST = 260, 7

# Below this a part is merged whatever it looks like; and beyond that difference two stay apart, in
# squared units of Lab times the share of the picture.
_LEAST, _APART = 8e-3, 3.0

# Areas of a drawing are background if so much of what they border on is the sheet's edge.
_EDGE = 0.10


@dataclass(frozen=True)
class Parts:
    """Parts of a drawing or of a picture.

    Attributes:
        labels: the part of each pixel, from 0; (h, w).
        statistics: of each part, (n, 7): √(area / total), perimeter² / 4π area, eccentricity,
            solidity, the middle's x and y as shares, and how light it is.
        is_foreground: of each part.
    """

    labels: np.ndarray
    statistics: np.ndarray
    is_foreground: np.ndarray

    def __len__(self) -> int:
        return len(self.statistics)


def parts_of_drawing(labels: np.ndarray, lines: np.ndarray, marks: Sequence[Mark] = ()) -> Parts:
    """Return the areas of a drawing as parts: background is what reaches far along the edge.

    Args:
        labels: the area of each pixel (h, w).
        lines: how dark the ink is, from 0 to 1, of any size.
        marks: places that a person knows.
    """
    height, width = labels.shape
    count = int(labels.max()) + 1
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    along = np.bincount(edge, minlength=count) / edge.size
    inner = np.bincount(labels.ravel(), minlength=count) / labels.size
    is_foreground = (along < _EDGE) & (along < inner)
    for x, y, is_fore in marks:
        at = min(int(y * height), height - 1), min(int(x * width), width - 1)
        is_foreground[labels[at]] = is_fore
    small = load_cv2().resize(lines, (width, height), interpolation=load_cv2().INTER_AREA)
    return Parts(labels, _statistics(labels, 1 - small), is_foreground)


def parts_of_map(labels: np.ndarray, pixels: np.ndarray) -> Parts:
    """Return the parts that a person has drawn over a picture."""
    height, width = labels.shape
    small = _resized(pixels, (height, width))
    fore = foreground_of(small)
    share = np.bincount(labels.ravel(), fore.ravel()) / np.bincount(labels.ravel())
    return Parts(labels, _statistics(labels, luma(small)), share > 0.5)


def parts_of_picture(pixels: np.ndarray, marks: Sequence[Mark] = ()) -> Parts:
    """Return the parts of a picture: superpixels of its foreground and background, merged.

    Args:
        pixels: sRGB (h, w, 3) in [0, 1].
        marks: places that are known to be foreground, or background.
    """
    height, width = pixels.shape[:2]
    factor = min(1.0, PARTS_LOOK / max(height, width))
    small = _resized(pixels, (max(2, round(height * factor)), max(2, round(width * factor))))
    fore = foreground_of(small, marks)
    smooth = load_cv2().bilateralFilter(small, 7, 0.12, 5.0)
    lab = load_cv2().cvtColor(smooth, load_cv2().COLOR_RGB2Lab)
    labels = np.zeros(fore.shape, np.int64)
    pieces = _pieces(smooth)
    beyond = int(pieces.max()) + 1
    for k, side in enumerate((fore, ~fore)):
        if side.any():
            labels[side] = _merged(pieces, lab, side)[side] + k * beyond
    numbers, labels = np.unique(labels, return_inverse=True)
    labels = labels.reshape(fore.shape)
    return Parts(labels, _statistics(labels, luma(small)), numbers < beyond)


def _pieces(pixels: np.ndarray) -> np.ndarray:
    """Return superpixels (R. Achanta et al., "SLIC superpixels", TPAMI 2012)."""
    found: np.ndarray = load_segmentation().slic(
        pixels, n_segments=_PIECES, compactness=8, start_label=0, channel_axis=-1
    )
    return found


def _merged(labels: np.ndarray, lab: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Return superpixels merged into a few parts: those first that differ least (J. H. Ward, 1963).

    Two that do not touch differ a little more, so that a sky behind branches is one part still.
    """
    count = int(labels.max()) + 1
    sizes = np.bincount(labels[side], minlength=count) / side.size
    sums = [np.bincount(labels[side], lab[..., c][side], count) / side.size for c in range(3)]
    means = np.stack(sums, 1) / np.maximum(sizes, 1e-9)[:, None]
    means *= (0.7, 1.0, 1.0)  # a shadow is the same thing, darker
    touch = _touching(labels, side, count)
    parents, alive = np.arange(count), sizes > 0
    while alive.sum() > 1:
        costs = _costs(sizes, means, touch, alive)
        a, b = np.unravel_index(int(costs.argmin()), costs.shape)
        if costs[a, b] > _APART and alive.sum() <= _MOST:
            break
        total = sizes[a] + sizes[b]
        means[a] = (sizes[a] * means[a] + sizes[b] * means[b]) / total
        sizes[a], alive[b] = total, False
        touch[a] |= touch[b]
        touch[:, a] |= touch[:, b]
        parents[parents == b] = a
    found: np.ndarray = parents[labels]
    return found


def _costs(
    sizes: np.ndarray, means: np.ndarray, touch: np.ndarray, alive: np.ndarray
) -> np.ndarray:
    """Return what is lost by merging each two."""
    weights = sizes[:, None] * sizes[None] / np.maximum(sizes[:, None] + sizes[None], 1e-9)
    costs = weights * ((means[:, None] - means[None]) ** 2).sum(-1)
    costs = np.where(touch, costs, 3 * costs + 1e-3)
    small = np.minimum(sizes[:, None], sizes[None]) < _LEAST
    costs = np.where(small & touch, 0.02 * costs, costs)
    dead = ~alive[:, None] | ~alive[None] | np.eye(len(sizes), dtype=bool)
    found: np.ndarray = np.where(dead, np.inf, costs)
    return found


def _touching(labels: np.ndarray, side: np.ndarray, count: int) -> np.ndarray:
    touch = np.zeros((count, count), bool)
    for cut in ((slice(1, None), slice(None)), (slice(None), slice(1, None))):
        back = tuple(slice(None, -1) if s.start else s for s in cut)
        both = side[cut] & side[back]
        touch[labels[cut][both], labels[back][both]] = True
    return touch | touch.T


def _statistics(labels: np.ndarray, light: np.ndarray) -> np.ndarray:
    height, width = labels.shape
    rows = []
    for part in load_measure().regionprops(labels + 1, intensity_image=light):
        y, x = part.centroid
        rows.append(
            (
                np.sqrt(part.area / labels.size),
                np.log(max(part.perimeter, 1.0) ** 2 / (4 * np.pi * part.area)),
                part.eccentricity,
                part.solidity,
                x / width,
                y / height,
                part.intensity_mean,
            )
        )
    return np.array(rows)


def _resized(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    cv2 = load_cv2()
    found: np.ndarray = cv2.resize(
        pixels.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA
    )
    return found
