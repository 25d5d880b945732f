"""Lines as 1,764 numbers: histograms of oriented gradients, with which a library is searched.

Source: Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005; for
sketches, Hu and Collomosse, "A performance evaluation of gradient field HOG descriptor for sketch
based image retrieval", CVIU 2013.
"""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Bool, Float, UInt8

from impasto.sketch.edges import FRAME
from impasto.sketch.libraries import load_cv2

__all__ = ["NUMBERS", "describe", "quantised"]

_CELL, _BINS, _BLOCK = 16, 9, 2
_CELLS = FRAME // _CELL
_BLOCKS = _CELLS - _BLOCK + 1
NUMBERS = _BLOCKS * _BLOCKS * _BLOCK * _BLOCK * _BINS
"""The length of a descriptor: 7 × 7 blocks of 2 × 2 cells with 9 orientations."""

_BLUR = 1.6  # pixels: a line that is slightly elsewhere has nearly the same gradients
_MOST = 0.2  # of a normalised number in a block, Dalal and Triggs, section 6.4
_LEVELS = 1000.0  # quantised: the largest numbers of a whole descriptor are about 0.1


def describe(square: Bool[np.ndarray, "128 128"]) -> Float[np.ndarray, "1764"]:
    """Return the descriptor of framed lines, of length 1; zeros where there is no line.

    Raises:
        OptionError: the libraries of sketches are not installed.
    """
    cv2 = load_cv2()
    # Departs from the paper: of lines, not of a picture, so they are blurred to have gradients.
    soft = cv2.GaussianBlur(square.astype(np.float32), (0, 0), _BLUR)
    dx, dy = (cv2.Sobel(soft, cv2.CV_32F, *order, ksize=1) for order in ((1, 0), (0, 1)))
    shares = _shares()
    cells = shares @ _orientations(dx, dy) @ shares.T
    blocks = np.lib.stride_tricks.sliding_window_view(cells, (_BLOCK, _BLOCK), axis=(1, 2))
    blocks = np.moveaxis(blocks, 0, 2)
    rows = blocks.reshape(_BLOCKS * _BLOCKS, -1)
    rows = np.minimum(_unit(rows, 0.02 * float(np.abs(cells).max() or 1)), _MOST)
    return np.asarray(_unit(_unit(rows, 1e-3).reshape(1, -1), 1e-12)[0])


def quantised(descriptor: Float[np.ndarray, "1764"]) -> UInt8[np.ndarray, "1764"]:
    """Return a descriptor in bytes: 0 to 0.255 in steps of a thousandth."""
    return np.asarray(np.clip(np.rint(descriptor * _LEVELS), 0, 255), np.uint8)


def _orientations(
    dx: Float[np.ndarray, "128 128"], dy: Float[np.ndarray, "128 128"]
) -> Float[np.ndarray, "9 128 128"]:
    """Return gradients by orientation, without sign, each shared by the two bins next to it."""
    place = np.mod(np.arctan2(dy, dx) / np.pi, 1.0) * _BINS
    low = np.floor(place)
    share = (place - low).astype(np.float32)
    size = np.hypot(dx, dy)
    first = low.astype(np.intp) % _BINS
    rows, columns = np.indices(first.shape)
    planes = np.zeros((_BINS, *first.shape), np.float32)
    planes[first, rows, columns] += size * (1 - share)
    planes[(first + 1) % _BINS, rows, columns] += size * share
    return planes


@functools.cache
def _shares() -> Float[np.ndarray, "8 128"]:
    """Return how much each pixel of a side counts for each cell: 1 in its middle, 0 at the next."""
    middles = (np.arange(_CELLS) + 0.5) * _CELL - 0.5
    away = np.abs(np.arange(FRAME) - middles[:, None]) / _CELL
    return np.maximum(0, 1 - away).astype(np.float32)


def _unit(rows: Float[np.ndarray, "n k"], least: float) -> Float[np.ndarray, "n k"]:
    """Return rows of length 1; rows much shorter than `least` stay short."""
    return np.asarray(rows / np.sqrt((rows**2).sum(axis=1, keepdims=True) + least**2))
