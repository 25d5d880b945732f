"""The picture that the painting of a sketch starts from: each area in the colours of its part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from impasto.sketch.libraries import load_cv2

__all__ = ["coloured", "with_lines"]

# Long side in pixels of what is taken of a part: how its colours pass into each other, not what it
# shows.
_BROAD = 48

# The reach of that, in shares of the part, and how much of it an area has.
_REACH, _SHARE = 0.16, 0.8


def coloured(
    labels: np.ndarray, parts: np.ndarray, pairs: Sequence[int | None], pixels: np.ndarray
) -> Float[Tensor, "1 3 h w"]:
    """Return a picture in which each area passes through the broad colours of its part.

    What is left in a part is left in its area, and so on; an area without a part is white.

    Args:
        labels: the area of each pixel, (h, w).
        parts: the part of each pixel of the picture, (ph, pw).
        pairs: by area, its part.
        pixels: the picture, sRGB (ph, pw, 3) in [0, 1].
    """
    cv2 = load_cv2()
    canvas = np.ones((*labels.shape, 3), np.float32)
    for area, part in enumerate(pairs):
        if part is None:
            continue
        where = labels == area
        box = _box(where)
        height, width = where[box].shape
        broad = _broad(pixels, parts == part)
        large = cv2.resize(broad, (width, height), interpolation=cv2.INTER_CUBIC)
        canvas[box][where[box]] = large[where[box]]
    return torch.from_numpy(canvas.clip(0, 1)).permute(2, 0, 1)[None].contiguous()


def with_lines(
    painted: Float[Tensor, "1 3 h w"],
    lines: Float[Tensor, "1 1 h w"],
    weight: float,
    colour: tuple[float, float, float],
) -> Float[Tensor, "1 3 h w"]:
    """Return a painted picture with ink laid over it, by multiplication.

    Args:
        lines: how dark the ink is, from 0 to 1.
        weight: 0 for no lines.
        colour: of the ink, sRGB in [0, 1].
    """
    ink = painted.new_tensor(colour)[None, :, None, None]
    return painted * (1 - (weight * lines.to(painted)).clamp(0, 1) * (1 - ink))


def _broad(pixels: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return a part's box with its colours blurred, also beyond its outline (normalised)."""
    cv2 = load_cv2()
    box = _box(where)
    inside, colours = where[box].astype(np.float32), pixels[box]
    mean = colours[where[box]].mean(0)
    factor = min(1.0, _BROAD / max(inside.shape))
    size = max(2, round(inside.shape[1] * factor)), max(2, round(inside.shape[0] * factor))
    weights = cv2.resize(inside, size, interpolation=cv2.INTER_AREA)[..., None]
    sums = cv2.resize(colours * inside[..., None], size, interpolation=cv2.INTER_AREA)
    sigma = max(1.0, _REACH * max(size))
    blurred = cv2.GaussianBlur(np.concatenate([sums, weights], -1), (0, 0), sigma)
    # A little of the mean stands where the part is far.
    local = (blurred[..., :3] + 0.02 * mean) / (blurred[..., 3:] + 0.02)
    broad: np.ndarray = mean + _SHARE * (local - mean)
    return broad.astype(np.float32)


def _box(where: np.ndarray) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
