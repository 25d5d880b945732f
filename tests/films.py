"""Small films as tests make them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

__all__ = ["film_file"]


def film_file(
    frames: int = 12, width: int = 96, height: int = 64, *, kind: str = "mp4", has_sound: bool = False
) -> bytes:
    """Return a film of a bright square that goes to the right, 12 frames a second.

    Args:
        kind: FFmpeg's name of the container: `mp4`, `matroska` or `gif`.
    """
    av = pytest.importorskip("av", reason="the extra `film` is not installed")
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream("gif" if kind == "gif" else "libx264", rate=12)
        stream.width, stream.height = width, height
        stream.pix_fmt = "rgb8" if kind == "gif" else "yuv420p"
        sound = container.add_stream("aac", rate=44_100) if has_sound else None
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(_frame(number, frames, width, height), "rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
        if sound is not None:
            _add_tone(container, sound, frames / 12)
    return file.getvalue()


def _frame(number: int, frames: int, width: int, height: int) -> Any:
    down, across = np.mgrid[:height, :width]
    pixels = np.stack([across * 255 // width, down * 255 // height, 0 * across + 90], axis=-1)
    left = number * (width - 16) // frames
    pixels[height // 3 : height // 3 + 16, left : left + 16] = (250, 240, 60)
    return pixels.astype(np.uint8)


def _add_tone(container: Any, stream: Any, seconds: float) -> None:
    import av

    times = np.arange(int(44_100 * seconds)) / 44_100
    tone = (0.2 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
    frame.sample_rate = 44_100
    container.mux(stream.encode(frame))
    container.mux(stream.encode())
