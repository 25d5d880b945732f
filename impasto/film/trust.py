"""Where a flow can be trusted, on OpenCV's arrays (Ruder et al. 2016, section 4.2)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32

from impasto.film.libraries import load_cv2
from impasto.film.search import Bytes, Field, moved

__all__ = ["Map", "alike", "seen", "softened", "trust"]

Map = Float32[np.ndarray, "h w"]
Mask = Bool[np.ndarray, "h w"]

# How far colours may differ, in values of [0, 1], where the flow is right: full and no confidence.
_SAME, _OTHER = 0.12, 0.30
_GROWTH = 1.0  # standard deviation, in pixels, by which a mask is softened


def trust(forth: Field, back: Field, now: Bytes, before: Bytes) -> Map:
    """Return how far the flow `forth` is trusted, in [0, 1] on its own grid.

    Args:
        forth: from now to before.
        back: from before to now.
    """
    cv2 = load_cv2()
    # Without specks, which would grow.
    clear = cv2.medianBlur(seen(forth, back).astype(np.uint8), 5)
    return softened(np.asarray(clear * alike(now, before, forth), np.float32))


def seen(forth: Field, back: Field) -> Mask:
    """Return where a flow leads to what both frames show, on its own grid."""
    height, width = forth.shape[:2]
    x, y = np.arange(width) + forth[..., 0], np.arange(height)[:, None] + forth[..., 1]
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    returned = moved(back, forth)
    length = (forth**2).sum(2) + (returned**2).sum(2)
    occluded = ((forth + returned) ** 2).sum(2) >= 0.01 * length + 0.5
    steep = sum((np.gradient(forth[..., i], axis=j) ** 2) for i in (0, 1) for j in (0, 1))
    # Ruder et al. have 0.002. Dense inverse search leaves gentle slopes in flat places, where that
    # would have a wall painted anew in every frame.
    boundary = steep > 0.01 * (forth**2).sum(2) + 0.02
    both: Mask = inside & ~occluded & ~boundary
    return both


def alike(now: Bytes, before: Bytes, forth: Field) -> Map:
    """Return how alike both frames are along the flow, in [0, 1].

    A departure from Ruder et al.: dense inverse search errs more than their DeepFlow, in both
    directions alike where something small moves fast; and what changes its colour, as in a flash,
    is to be painted anew.
    """
    cv2 = load_cv2()
    off = cv2.blur(cv2.absdiff(now, moved(before, forth)), (5, 5)).max(2).astype(np.float32) / 255
    same: Map = np.clip((_OTHER - off) / (_OTHER - _SAME), 0, 1)
    return same


def softened(trusted: Map) -> Map:
    """Soften a mask so that what is not trusted grows outwards, and none of it is lost."""
    cv2 = load_cv2()
    width = 2 * round(2 * _GROWTH) + 1
    worst = cv2.erode(trusted, np.ones((width, width), np.uint8))
    # A blur of the eroded mask reaches as far as the erosion did: it never exceeds the mask itself.
    soft = cv2.GaussianBlur(worst, (width, width), _GROWTH, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.minimum(soft, trusted), np.float32)
