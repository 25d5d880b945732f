"""Dense inverse search (Kroeger et al., ECCV 2016), by OpenCV and on its arrays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from impasto.film.libraries import load_cv2

__all__ = ["Bytes", "Field", "both_ways", "in_bytes", "moved", "one_way", "size_for"]

Field = Float32[np.ndarray, "h w 2"]  # offsets in pixels: x, then y
Bytes = UInt8[np.ndarray, "h w 3"]

_LEAST = 32  # the short side below which the search has no pyramid


def size_for(height: int, width: int, side: int) -> tuple[int, int]:
    """Return the height and width at which to search: a long side of `side`, unless it is less.

    A side too short for the search is enlarged.
    """
    factor = min(1.0, side / max(height, width))
    factor = max(factor, _LEAST / min(height, width))
    return max(_LEAST, round(height * factor)), max(_LEAST, round(width * factor))


def in_bytes(frame: Float[Tensor, "1 3 H W"], size: tuple[int, int]) -> Bytes:
    """Return a frame in bytes at a height and width, reduced by area."""
    cv2 = load_cv2()
    pixels = (frame.detach()[0].clamp(0, 1) * 255).round().to(torch.uint8)
    array = np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())
    height, width = size
    if array.shape[:2] == size:
        return array
    smaller = height * width < array.shape[0] * array.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    resized: Bytes = cv2.resize(array, (width, height), interpolation=how)
    return resized


def one_way(
    first: Bytes, second: Bytes, guess: Field | None = None, *, quick: bool = False
) -> Field:
    """Find the flow from the first frame to the second.

    Args:
        guess: from where to search; it stays as it is.
        quick: as good as it takes to tell whether both show the same.
    """
    cv2 = load_cv2()
    # The search shares a picture out among threads, and its result depends on how many: one alone
    # finds the same flow on every machine.
    cv2.setNumThreads(1)
    preset = cv2.DISOPTICAL_FLOW_PRESET_FAST if quick else cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
    start = None if guess is None else guess.copy()
    found: Field = cv2.DISOpticalFlow_create(preset).calc(*grey, start)
    return found


def both_ways(first: Bytes, second: Bytes, guess: Field | None = None) -> tuple[Field, Field]:
    """Find the flow from the first frame to the second, and back, beside each other."""
    back = None if guess is None else -guess
    with ThreadPoolExecutor(2) as pool:
        ways = (
            pool.submit(one_way, first, second, guess),
            pool.submit(one_way, second, first, back),
        )
        return ways[0].result(), ways[1].result()


def moved(picture: Any, along: Field) -> Any:
    """Draw an array of the second frame on the first one's grid; the border goes on outside."""
    cv2 = load_cv2()
    height, width = along.shape[:2]
    x = np.arange(width, dtype=np.float32) + along[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + along[..., 1]
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
