"""A drawing as it is scanned, photographed or exported: its lines, apart from its paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from impasto.errors import OptionError
from impasto.image.picture import Picture, fit
from impasto.image.transparency import on_white
from impasto.sketch.libraries import load_cv2, load_morphology

__all__ = ["LOOK", "Drawing", "drawing_of", "luma", "reduced"]

LOOK = 768
"""Long side in pixels of what lines and areas are found in, whatever the size of the result.

Pencils leave nothing smaller, and areas keep their numbers.
"""

# Cells along the long side, for the light that falls on the paper.
_CELLS = 24

# Shares of the picture. Of a drawing, even one shaded all over, more is bare paper than of nearly
# every photograph (benchmarks/sketch.py).
_BARE, _LIGHT = 0.28, 0.62
_COLOURFUL = 0.08
_LEAST_INK = 4e-4

# Darkness against the paper that is grain, and that is ink.
_GRAIN, _INK = 0.05, 0.30


@dataclass(frozen=True)
class Drawing:
    """The lines of a drawing.

    Attributes:
        lines: how dark the ink is, shading too: 0 for bare paper, 1 for the darkest; at the
            drawing's own size.
        strokes: where there is a line, without smooth shading; at most 768 pixels long.
        thin: the same, thinned to one pixel.
        paper: its colour, sRGB in [0, 1].
    """

    lines: Float[Tensor, "h w"]
    strokes: Bool[Tensor, "sh sw"]
    thin: Bool[Tensor, "sh sw"]
    paper: tuple[float, float, float]


def drawing_of(picture: Picture, name: str = "The drawing") -> Drawing:
    """Return the lines of a drawing that was read.

    Light that falls unevenly is taken out, light lines on a dark ground are turned round, and a
    drawing on transparency is laid over white.

    Args:
        name: what messages call it.

    Raises:
        OptionError: it is a photograph, or a blank page.
    """
    pixels = _opaque(picture)
    shares, paper = _against_paper(pixels)
    _check_photograph(shares, name)
    darkness = 1 - luma(shares)
    lines = _ink(darkness)
    strokes = _strokes(lines)
    if strokes.mean() < _LEAST_INK:
        raise OptionError(
            f"{name} is a blank page: no line is darker than its paper. Draw with a darker pen, or "
            "scan it with more contrast."
        )
    thin = load_morphology().skeletonize(strokes)
    return Drawing(
        torch.from_numpy(lines), torch.from_numpy(strokes), torch.from_numpy(thin), paper
    )


def reduced(picture: Picture, long_side: int) -> Picture:
    """Return a picture with at most so many pixels along its long side."""
    if max(picture.width, picture.height) <= long_side:
        return picture
    alpha = None if picture.alpha is None else fit(picture.alpha, long_side)
    return replace(picture, pixels=fit(picture.pixels, long_side), alpha=alpha)


def luma(pixels: np.ndarray) -> np.ndarray:
    """Return the light of sRGB values (h, w, 3) in [0, 1], by Rec. 601."""
    light: np.ndarray = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    return light


def _opaque(picture: Picture) -> np.ndarray:
    """Return (h, w, 3) with dark lines on a light ground."""
    pixels = on_white(picture)
    if picture.alpha is not None and float(picture.alpha.mean()) < 0.5:
        # Most is transparent, so that what is opaque is the ink, whatever its colour: white lines
        # for a dark slide would vanish on white.
        pixels = torch.minimum(pixels, 1 - picture.alpha)
    values = np.ascontiguousarray(pixels[0].permute(1, 2, 0).numpy())
    return 1 - values if np.median(luma(values)) < 0.35 else values


def _against_paper(pixels: np.ndarray) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Return the pixels as shares of the paper's light where they are, and the paper's colour."""
    cv2 = load_cv2()
    height, width = pixels.shape[:2]
    light = luma(pixels)
    bright = light >= np.percentile(light, 90) - 1e-6
    paper = np.median(pixels[bright], axis=0)
    surface = _surface(light)
    scale = np.maximum(paper / max(float(luma(paper[None])[0]), 1e-3), 0.05)
    field = cv2.resize(surface.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    shares = np.clip(pixels / (np.clip(field, 0.1, 1)[..., None] * scale), 0, 1)
    red, green, blue = (float(value) for value in paper)
    return shares.astype(np.float32), (red, green, blue)


def _surface(light: np.ndarray) -> np.ndarray:
    """Return the light of the paper itself: a quadratic surface through the brightest of each cell.

    A lamp or a window falls off smoothly, and shading does not: cells that are darker than the
    surface are left out of the next fit.
    """
    cv2 = load_cv2()
    factor = _CELLS / max(light.shape)
    rows, columns = (max(4, round(side * factor)) for side in light.shape)
    blocks = cv2.resize(light, (columns * 8, rows * 8), interpolation=cv2.INTER_AREA)
    cells = blocks.reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3).reshape(rows, columns, 64)
    best = np.percentile(cells, 90, axis=-1)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], -1)
    used = best >= np.median(best)
    fit = np.full(best.shape, float(np.percentile(best, 95)))
    for _ in range(4):
        if used.sum() < 12:
            break
        weights, *_ = np.linalg.lstsq(terms[used], best[used], rcond=None)
        fit = terms @ weights
        used = best > fit - 0.04
    return np.clip(fit, 0.2, 1.0)


def _check_photograph(shares: np.ndarray, name: str) -> None:
    """Refuse a picture with neither bare paper nor a single ink.

    Raises:
        OptionError: it is a photograph or a painting.
    """
    darkness = 1 - luma(shares)
    bare, light = float((darkness < 0.1).mean()), float((darkness < 0.25).mean())
    colourful = float((shares.max(-1) - shares.min(-1)).mean())
    if (bare < _BARE and light < _LIGHT) or (colourful > _COLOURFUL and bare < 2 * _BARE):
        raise OptionError(
            f"{name} looks like a photograph or a painting: {bare:.0%} of it is bare paper. A "
            "sketch has lines on paper. To give a photograph the look of a painting, take "
            "`impasto stylize`."
        )


def _ink(darkness: np.ndarray) -> np.ndarray:
    """Return darkness from 0, the paper's grain, to 1, the darkest ink."""
    dark = darkness[darkness > _INK]
    full = float(np.percentile(dark, 90)) if dark.size else 1.0
    return np.clip((darkness - _GRAIN) / max(full - _GRAIN, 0.2), 0, 1).astype(np.float32)


def _strokes(lines: np.ndarray) -> np.ndarray:
    """Return where there are lines: darker than what is around them, or dark altogether."""
    cv2 = load_cv2()
    small = _at_most(lines, LOOK)
    reach = 2 * round(0.012 * max(small.shape)) + 1
    # The ground around thin lines: the opening of the darkness has none of them.
    ground = cv2.morphologyEx(small, cv2.MORPH_OPEN, _ball(cv2, reach))
    strong, weak = (small - ground > 0.28) | (small > 0.75), (small - ground > 0.14)
    # Hysteresis, as in Canny: a weak line counts where it continues a strong one.
    count, labels = cv2.connectedComponents((strong | weak).astype(np.uint8), connectivity=8)
    held = np.zeros(count, bool)
    held[np.unique(labels[strong])] = True
    held[0] = False
    found: np.ndarray = held[labels]
    return found


def _at_most(values: np.ndarray, long_side: int) -> np.ndarray:
    cv2 = load_cv2()
    height, width = values.shape[:2]
    factor = min(1.0, long_side / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    resized: np.ndarray = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    return resized


def _ball(cv2: Any, width: int) -> Any:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
