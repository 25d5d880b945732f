"""How far two sets of lines are apart: the truncated chamfer distance, with orientation.

Both ways: from each line of one to the nearest of the other, so that neither an empty picture nor
one full of lines is near to everything. Small moves and turns of the drawing are tried.

Source: Shotton, Blake and Cipolla, "Multi-scale categorical object recognition using contour
fragments", PAMI 2008, section 3.1 (truncation and orientation).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int

from impasto.sketch.edges import FRAME
from impasto.sketch.libraries import load_cv2

__all__ = ["Lines", "best_move", "distance", "lines_of", "still"]

_FARTHEST = 10.0  # pixels of the frame: what is farther away counts as much
_ORIENTATION = 0.5  # the part of `_FARTHEST` that a line across another one adds
_POINTS = 300  # of each set that are compared, in all its places alike
_TURNS = (-5.0, 0.0, 5.0)  # degrees
_SHIFTS = (-6.0, 0.0, 6.0)  # pixels of the frame, about 5 %
_SCALES = (0.94, 1.0, 1.06)

Points = Float[np.ndarray, "n 2"]
Moves = Float[np.ndarray, "m 4"]  # turns in radians, factors, shifts down and to the right


@dataclass(frozen=True, eq=False)
class Lines:
    """Framed lines, as they are compared.

    Attributes:
        points: some of their pixels, as y and x from the middle of the frame.
        angles: the direction there, in radians modulo π.
        away: of each pixel of the frame, how far the nearest line is, in pixels.
        along: of each pixel of the frame, the direction of that line.
    """

    points: Points
    angles: Float[np.ndarray, "n"]
    away: Float[np.ndarray, "128 128"]
    along: Float[np.ndarray, "128 128"]


def lines_of(square: Bool[np.ndarray, "128 128"]) -> Lines:
    """Prepare framed lines, of which there is at least one pixel.

    Raises:
        OptionError: the libraries of sketches are not installed.
    """
    cv2 = load_cv2()
    y, x = np.nonzero(square)
    directions = _directions(square)
    away, nearest = cv2.distanceTransformWithLabels(
        (~square).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(nearest.max()) + 1, np.float32)
    of_label[nearest[y, x]] = directions[y, x]
    some = np.linspace(0, len(y) - 1, min(len(y), _POINTS)).astype(np.intp)
    points = np.stack([y, x], axis=1)[some].astype(np.float32) - (FRAME - 1) / 2
    return Lines(points, directions[y, x][some], np.asarray(away), of_label[nearest])


def still() -> Moves:
    """Return the move that leaves all where it is."""
    return np.array([[0.0, 1.0, 0.0, 0.0]], np.float32)


def distance(drawing: Lines, picture: Lines, moves: Moves) -> Float[np.ndarray, "m"]:
    """Return how far apart the lines are after each move of the drawing, 0 = the same, 1 = far."""
    turn, factor, shift = moves[:, 0], moves[:, 1], moves[:, 2:]
    there = _one_way(drawing, picture, turn, factor, shift)
    # The picture's lines by the inverse: turned back, scaled back, after they are shifted back.
    back = np.asarray(-_turned(shift[:, None], -turn)[:, 0] / factor[:, None])
    return np.asarray((there + _one_way(picture, drawing, -turn, 1 / factor, back)) / 2)


def best_move(drawing: Lines, picture: Lines) -> float:
    """Return the smallest distance of all moves that are tried: turns with shifts, then scales."""
    first = _moves(_TURNS, (1.0,), _SHIFTS)
    found = distance(drawing, picture, first)
    turn, _, down, right = first[int(found.argmin())]
    near = (-3.0, 0.0, 3.0)
    second = _moves((float(np.degrees(turn)),), _SCALES, near) + np.array([0, 0, down, right])
    return float(min(found.min(), distance(drawing, picture, second.astype(np.float32)).min()))


def _moves(turns: tuple[float, ...], scales: tuple[float, ...], shifts: tuple[float, ...]) -> Moves:
    rows = product(np.radians(turns), scales, shifts, shifts)
    return np.array(list(rows), np.float32)


def _one_way(
    lines: Lines,
    others: Lines,
    turn: Float[np.ndarray, "m"],
    factor: Float[np.ndarray, "m"],
    shift: Float[np.ndarray, "m 2"],
) -> Float[np.ndarray, "m"]:
    """Return the mean distance from each line to the nearest of the others, in [0, 1]."""
    moved = _turned(lines.points[None], turn) * factor[:, None, None] + shift[:, None]
    y, x = _pixels(moved[..., 0]), _pixels(moved[..., 1])
    across = np.abs(np.sin(lines.angles + turn[:, None] - others.along[y, x]))
    far = others.away[y, x] + _ORIENTATION * _FARTHEST * across
    return np.asarray(np.minimum(far, _FARTHEST).mean(axis=1) / _FARTHEST)


def _turned(
    points: Float[np.ndarray, "#m n 2"], turn: Float[np.ndarray, "m"]
) -> Float[np.ndarray, "m n 2"]:
    """Turn points about the middle by angles that are added to their directions."""
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    y, x = points[..., 0], points[..., 1]
    return np.stack([y * cos + x * sin, x * cos - y * sin], axis=-1)


def _pixels(places: Float[np.ndarray, "m n"]) -> Int[np.ndarray, "m n"]:
    """Return the pixels of places from the middle; those outside become the nearest inside."""
    return np.clip(np.rint(places + (FRAME - 1) / 2), 0, FRAME - 1).astype(np.intp)


def _directions(square: Bool[np.ndarray, "128 128"]) -> Float[np.ndarray, "128 128"]:
    """Return the direction of the lines around each pixel, from the structure tensor."""
    cv2 = load_cv2()
    soft = cv2.GaussianBlur(square.astype(np.float32), (0, 0), 1.0)
    dx, dy = (cv2.Sobel(soft, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    xx, yy, xy = (cv2.GaussianBlur(p, (0, 0), 2.0) for p in (dx * dx, dy * dy, dx * dy))
    return np.asarray(np.arctan2(2 * xy, xx - yy) / 2 + np.pi / 2)
