"""The lines of photographs and of drawings, one pixel thin, so that the two can be compared.

A photograph's are found at two scales: the coarse one says where contours are, the fine one where
exactly. Texture, which nobody draws, has edges at the fine scale alone.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, UInt8

from impasto.sketch.libraries import load_cv2

__all__ = ["FRAME", "SIDE", "drawing_edges", "framed", "photograph_edges", "thinned"]

SIDE = 256
"""The longer side at which lines are found, in pixels."""

FRAME = 128
"""The sides of the square that lines are compared in, in pixels."""

Edges = Bool[np.ndarray, "h w"]
Square = Bool[np.ndarray, "128 128"]

_BILATERAL = (7, 40, 5)  # diameter, deviation of colours in levels, deviation in pixels
_COARSE = 1.5  # deviation of the coarse scale in pixels; the fine one has the bilateral filter's
_STRONG, _WEAK = 0.90, 0.78  # quantiles of the gradient's magnitude: Canny's two thresholds
_FAINTEST = 20.0  # of a strong edge, in Sobel's units: a plain area has none
_REACH = 5  # pixels: a fine edge with a coarse one within half of it stays
_SHORTEST = 8  # pixels of a piece of line that stays
_MARGIN = 3  # pixels along a photograph's sides that count for nothing: frames, scanners' rims
_INK = 0.4  # of the darkest ink in a drawing, from which it is a line
_FAINT = 0.05  # of a pixel's ink, below which it is paper
_GAP, _SOLID = 5, 9  # pixels: hatching closer than this is an area, if it is wider than that
_TRIM = 0.01  # of all line on each side, which the box does not wait for


def photograph_edges(picture: UInt8[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "_ _"]:
    """Return the contours of a photograph with sRGB levels, fitted to a long side of `SIDE`.

    Bilateral filter, then Canny at two scales: fine edges that have a coarse one close by.

    Raises:
        OptionError: the libraries of sketches are not installed.
    """
    cv2 = load_cv2()
    grey = cv2.cvtColor(_fitted(picture), cv2.COLOR_RGB2GRAY)
    fine = _canny(cv2.bilateralFilter(grey, *_BILATERAL))
    coarse = _canny(cv2.GaussianBlur(grey, (0, 0), _COARSE))
    near = cv2.dilate(coarse, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_REACH, _REACH)))
    edges = (fine & near) > 0
    edges[:_MARGIN] = edges[-_MARGIN:] = edges[:, :_MARGIN] = edges[:, -_MARGIN:] = False
    return _without_crumbs(edges)


def drawing_edges(lines: Float[np.ndarray, "h w"]) -> Bool[np.ndarray, "_ _"]:
    """Return the middle of a drawing's lines, fitted to a long side of `SIDE`.

    Args:
        lines: how dark each pixel's line is, 0 = paper, 1 = full ink.

    Raises:
        OptionError: the libraries of sketches are not installed.
    """
    cv2 = load_cv2()
    height, width = lines.shape
    factor = SIDE / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    ink = np.asarray(cv2.resize(lines.astype(np.float32), size, interpolation=how))
    # Thin lines fade where a large drawing becomes small: what counts is the ink of its darkest.
    darkest = np.quantile(ink[ink > _FAINT], 0.9) if (ink > _FAINT).any() else 1.0
    return _outlined(ink > max(_FAINT, _INK * float(darkest)))


def _outlined(ink: Edges) -> Edges:
    """Return the middle of each line, and the outlines of what is hatched or filled."""
    cv2 = load_cv2()
    close, solid = (np.ones((n, n), np.uint8) for n in (_GAP, _SOLID))
    area = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, close)
    area = cv2.morphologyEx(area, cv2.MORPH_OPEN, solid)
    outline = cv2.morphologyEx(area, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
    return thinned((ink & (area == 0)) | outline)


def thinned(mask: Edges) -> Edges:
    """Return the middle of each line, one pixel thin.

    Raises:
        OptionError: the libraries of sketches are not installed.
    """
    load_cv2()
    from skimage.morphology import skeletonize

    return np.asarray(skeletonize(mask), dtype=bool)


def framed(edges: Edges) -> Square:
    """Return lines in a square of `FRAME`: their bounding box, in its middle, as large as it fits.

    So it does not matter where on the paper, and how large, something is drawn. Without lines the
    square is empty.
    """
    square = np.zeros((FRAME, FRAME), dtype=bool)
    y, x = np.nonzero(edges)
    if len(y) == 0:
        return square
    (top, bottom), (left, right) = (np.quantile(v, (_TRIM, 1 - _TRIM)) for v in (y, x))
    centre = np.array([(top + bottom) / 2, (left + right) / 2])
    factor = (FRAME - 1) / max(bottom - top, right - left, 1)
    # Points rather than pixels are scaled, which breaks no line as long as it becomes smaller.
    if factor > 1:
        return _enlarged(edges, square, centre, factor)
    moved = (np.stack([y, x]) - centre[:, None]) * factor + (FRAME - 1) / 2
    places = np.rint(moved).astype(np.intp)
    square[tuple(places[:, ((places >= 0) & (places < FRAME)).all(axis=0)])] = True
    return square


def _enlarged(edges: Edges, square: Square, centre: np.ndarray, factor: float) -> Square:
    """Return few lines enlarged to the square, thin again."""
    cv2 = load_cv2()
    y, x = centre
    middle = (FRAME - 1) / 2
    matrix = np.array([[factor, 0, middle - factor * x], [0, factor, middle - factor * y]])
    drawn = cv2.warpAffine(edges.astype(np.float32), matrix, square.shape[::-1])
    return thinned(drawn > _INK)


def _fitted(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "_ _ 3"]:
    cv2 = load_cv2()
    height, width = picture.shape[:2]
    factor = SIDE / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how))


def _canny(grey: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Return edges as 255, by thresholds that the picture's own gradients give."""
    cv2 = load_cv2()
    dx, dy = (cv2.Sobel(grey, cv2.CV_16S, *order, ksize=3) for order in ((1, 0), (0, 1)))
    size = np.hypot(dx.astype(np.float32), dy.astype(np.float32))
    weak, strong = np.quantile(size, (_WEAK, _STRONG))
    strong = max(float(strong), _FAINTEST)
    weak = min(float(weak), strong * 0.5)
    return np.asarray(cv2.Canny(dx, dy, weak, strong, L2gradient=True))


def _without_crumbs(edges: Edges) -> Edges:
    """Remove pieces of line that are too short to be a contour."""
    cv2 = load_cv2()
    _, labels, stats, _ = cv2.connectedComponentsWithStats(edges.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= _SHORTEST
    keep[0] = False
    return np.asarray(keep[labels])
