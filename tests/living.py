"""Pictures and clips for the tests of live painting."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from impasto.film.live_sources import Rgb

__all__ = ["flat", "made_clip", "noise"]


def made_clip(path: Path, pictures: Sequence[Rgb], rate: int = 10) -> Path:
    """Write a film of these pictures, without loss."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def flat(level: int, height: int = 48, width: int = 64) -> Rgb:
    return np.full((height, width, 3), level, np.uint8)


def noise(seed: int, low: int = 0, high: int = 256) -> Rgb:
    numbers = np.random.default_rng(seed)
    return numbers.integers(low, high, (96, 128, 3), dtype=np.uint8)
