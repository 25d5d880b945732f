"""The areas of a drawing: what its lines enclose, also where they leave small gaps.

By trapped balls (S.-H. Zhang, T. Chen, Y.-F. Zhang, S.-M. Hu and R. R. Martin, "Vectorizing cartoon
animations", TVCG 2009, section 4): where a ball can roll without touching a line is one area, and a
gap narrower than the ball does not let it out. Large balls go first, small ones fill the corners.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from impasto.errors import OptionError
from impasto.sketch.drawing import Drawing
from impasto.sketch.libraries import load_cv2, load_segmentation

__all__ = ["MOST_AREAS", "areas_of"]

MOST_AREAS = 48
"""Areas of a drawing, at most: the largest; smaller ones belong to what is around them."""

# Radii of the balls, in shares of the long side, and the least area of what each finds, in shares
# of the picture: the smaller a ball, the more of what it finds is a corner.
_BALLS = ((0.016, 2e-3), (0.010, 1.5e-3), (0.006, 1e-3), (0.0035, 7e-4))

# A gap is closed up to this, in shares of the long side, where a line ends.
_GAP = 0.05

# A drawing with more line ends is hatched, and they mean nothing.
_MOST_ENDS = 160

# Two areas are one if what is open between them is this wide, in shares of the long side, or in
# shares of the smaller one's own width.
_OPEN, _OPEN_OF_OWN = 0.022, 0.45

# Width over which hatching is one tone, in shares of the long side, and how dark it is.
_TONE, _DARK = 0.012, 0.42
_LEAST_TONE = 4e-3

# Areas below this share join a neighbour.
_LEAST = 5e-4


def areas_of(drawing: Drawing, name: str = "The drawing") -> Int[Tensor, "h w"]:
    """Return the number of each pixel's area, from 0; neighbours meet in the middle of a line.

    The areas follow each other by size. They are as large as `drawing.strokes`.

    Args:
        name: what messages call it.

    Raises:
        OptionError: the lines enclose nothing, so that there is one area only.
    """
    strokes: np.ndarray = drawing.strokes.numpy()
    barrier = strokes | _bridges(drawing.thin.numpy())
    tones = _tones(drawing, strokes.shape)
    labels = _joined(_trapped(barrier, tones), barrier, int(tones.max()))
    labels = _merged(_grown(labels, strokes), strokes)
    if len(np.unique(labels)) < 2:
        raise OptionError(
            f"{name} has one area only: its lines enclose nothing. Close a shape, or let a line "
            "cross the sheet."
        )
    return torch.from_numpy(_by_size(labels))


def _bridges(thin: np.ndarray) -> np.ndarray:
    """Return straight lines over the gaps between a line's end and what lies ahead of it."""
    cv2 = load_cv2()
    bridges = np.zeros(thin.shape, np.uint8)
    count = cv2.filter2D(thin.astype(np.uint8), -1, np.ones((3, 3), np.uint8), borderType=0)
    ends = np.argwhere(thin & (count == 2))
    if len(ends) > _MOST_ENDS:
        return bridges > 0
    reach = round(_GAP * max(thin.shape))
    for y, x in ends:
        target = _ahead(thin, int(y), int(x), reach)
        if target is not None:
            cv2.line(bridges, (int(x), int(y)), target, 1, 2)
    return bridges > 0


def _ahead(thin: np.ndarray, y: int, x: int, reach: int) -> tuple[int, int] | None:
    """Return the nearest point of another line, or the sheet's edge, that a line's end points to.

    It is within 40 degrees of the direction that the line has at its end.
    """
    direction = _direction(thin, y, x, max(4, reach // 4))
    if direction is None:
        return None
    top, left = max(0, y - reach), max(0, x - reach)
    window = thin[top : y + reach + 1, left : x + reach + 1]
    points = np.argwhere(window) - (y - top, x - left)
    edges = [(-y - 1, 0), (thin.shape[0] - y, 0), (0, -x - 1), (0, thin.shape[1] - x)]
    near = [p for p in edges if max(map(abs, p)) <= reach // 2]
    points = np.concatenate([points, near or points[:0]])
    distances = np.hypot(*points.T)
    along = points @ direction
    is_ahead = (distances > 2) & (distances <= reach) & (along > 0.76 * distances)
    if not is_ahead.any():
        return None
    dy, dx = points[is_ahead][distances[is_ahead].argmin()]
    return int(x + dx), int(y + dy)


def _direction(thin: np.ndarray, y: int, x: int, length: int) -> np.ndarray | None:
    """Return where a line that ends here is going; None for a speck."""
    top, left = max(0, y - length), max(0, x - length)
    window = np.ascontiguousarray(thin[top : y + length + 1, left : x + length + 1])
    _, labels = load_cv2().connectedComponents(window.astype(np.uint8), connectivity=8)
    own = np.argwhere(labels == labels[y - top, x - left]) - (y - top, x - left)
    if len(own) < length:
        return None
    back = own.mean(0)
    norm = float(np.hypot(*back))
    return None if norm < 1 else -back / norm


def _tones(drawing: Drawing, shape: tuple[int, ...]) -> np.ndarray:
    """Return where hatching or shading is one dark tone, in which no ball could roll."""
    cv2 = load_cv2()
    small = cv2.resize(drawing.lines.numpy(), shape[::-1], interpolation=cv2.INTER_AREA)
    sigma = _TONE * max(shape)
    dark = cv2.GaussianBlur(small, (0, 0), sigma) > _DARK
    ball = _ball(round(1.5 * sigma))
    opened = cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, ball)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] >= _LEAST_TONE * dark.size
    large[0] = False
    tones: np.ndarray = np.where(large[labels], labels, 0)
    return tones if count > 1 else np.zeros(shape, np.int32)


def _trapped(barrier: np.ndarray, tones: np.ndarray) -> np.ndarray:
    """Return labels from 1 of what balls find between the lines, and of tones; 0 elsewhere."""
    cv2 = load_cv2()
    labels = tones.astype(np.int32)
    for radius, least in _BALLS:
        ball = _ball(max(1, round(radius * max(barrier.shape))))
        free = ((labels == 0) & ~barrier).astype(np.uint8)
        free = cv2.copyMakeBorder(free, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        core = cv2.erode(free, ball, borderType=cv2.BORDER_CONSTANT, borderValue=1)
        count, cores, stats, _ = cv2.connectedComponentsWithStats(core, connectivity=4)
        for k in range(1, count):
            if stats[k, cv2.CC_STAT_AREA] < 4:
                continue
            rolled = cv2.dilate((cores == k).astype(np.uint8), ball)[1:-1, 1:-1]
            new = (rolled > 0) & (labels == 0)
            if new.sum() >= least * labels.size:
                labels[new] = labels.max() + 1
    return labels


def _grown(labels: np.ndarray, strokes: np.ndarray) -> np.ndarray:
    """Return labels without gaps: each area grows to the middle of its lines.

    Free places go first, so that an area fills its own corners before it enters a line.
    """
    cv2 = load_cv2()
    if not labels.any():
        return np.ones_like(labels)
    inner = cv2.distanceTransform(strokes.astype(np.uint8), cv2.DIST_L2, 5)
    grown: np.ndarray = load_segmentation().watershed(inner, labels)
    return grown


def _joined(labels: np.ndarray, barrier: np.ndarray, tones: int) -> np.ndarray:
    """Return labels in which areas that only a ball told apart are one: no line is between them.

    Args:
        tones: labels up to this are of hatching, whose edge is no line.
    """
    count = int(labels.max()) + 1
    sizes = np.bincount(labels.ravel(), minlength=count).astype(float)
    balls = np.where(labels > tones, labels, 0)
    # Only what a ball's area reaches without crossing a line is open to it.
    free = ~barrier & ((labels == 0) | (balls > 0))
    reached = load_segmentation().watershed(barrier, balls, mask=free)
    opened = _open_borders(reached, count)
    parents = np.arange(count)
    while True:
        smaller = np.sqrt(np.minimum(sizes[:, None], sizes[None]))
        limit = np.minimum(_OPEN * max(labels.shape), _OPEN_OF_OWN * smaller)
        excess = opened - np.maximum(limit, 1.0)
        a, b = np.unravel_index(int(excess.argmax()), excess.shape)
        if excess[a, b] <= 0:
            found: np.ndarray = parents[labels]
            return found
        parents[parents == b] = a
        sizes[a], sizes[b] = sizes[a] + sizes[b], 1.0
        opened[a] = np.maximum(opened[a], opened[b])
        opened[:, a] = opened[a]
        opened[b] = opened[:, b] = 0
        opened[a, a] = 0


def _open_borders(labels: np.ndarray, count: int) -> np.ndarray:
    """Return the widest opening between each two labels, in pixels; the label 0 touches nothing."""
    cv2 = load_cv2()
    right, below = np.roll(labels, -1, 1), np.roll(labels, -1, 0)
    right[:, -1], below[-1] = 0, 0
    widest = np.zeros((count, count))
    for other in (right, below):
        touch = (labels != other) & (labels > 0) & (other > 0)
        _, places = cv2.connectedComponents(touch.astype(np.uint8), connectivity=8)
        keys = np.stack([labels[touch], other[touch], places[touch]], 1)
        for (a, b, _), width in zip(*np.unique(keys, axis=0, return_counts=True), strict=True):
            widest[a, b] = widest[b, a] = max(widest[a, b], width)
    return widest


def _merged(labels: np.ndarray, strokes: np.ndarray) -> np.ndarray:
    """Return labels in which small areas, and those beyond the most, have joined a neighbour.

    The neighbour is the one with which the border has the least line.
    """
    labels = labels.copy()
    least = _LEAST * labels.size
    while True:
        numbers, counts = np.unique(labels, return_counts=True)
        smallest = int(counts.argmin())
        if len(numbers) == 1 or (counts[smallest] >= least and len(numbers) <= MOST_AREAS):
            return labels
        labels[labels == numbers[smallest]] = _neighbour(labels, strokes, int(numbers[smallest]))


def _neighbour(labels: np.ndarray, strokes: np.ndarray, number: int) -> int:
    cv2 = load_cv2()
    own = labels == number
    ys, xs = np.nonzero(own)
    box = (
        slice(max(0, ys.min() - 2), ys.max() + 3),
        slice(max(0, xs.min() - 2), xs.max() + 3),
    )
    part, line = labels[box], strokes[box]
    ring = (cv2.dilate(own[box].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~own[box]
    others = part[ring]
    weights = np.bincount(others, np.where(line[ring], 0.3, 1.0))
    return int(weights.argmax())


def _by_size(labels: np.ndarray) -> np.ndarray:
    numbers, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    rank = np.empty(len(numbers), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(numbers))
    ranked: np.ndarray = rank[places].reshape(labels.shape)
    return ranked


def _ball(radius: int) -> Any:
    cv2 = load_cv2()
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
