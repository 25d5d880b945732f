"""Tracks and steps between frames in files of a folder, in about two bytes a pixel."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from impasto.files import atomic
from impasto.film.search import Bytes, Field
from impasto.film.trust import Map

__all__ = ["Step", "load_step", "load_track", "save_step", "save_track"]

_STEPS = 16  # to a pixel, in which offsets are stored; in 16 bits they reach over 2,000 pixels


@dataclass(frozen=True)
class Step:
    """A frame, and its flow to another one.

    Attributes:
        trusted: how far the flow is, in [0, 1].
    """

    frame: Bytes
    forth: Field
    trusted: Map


def save_track(folder: Path, key: int, index: int, offsets: Field, trusted: Map) -> None:
    """Save a frame's offsets to a key, and how far they are trusted."""
    atomic.replace(_track_file(folder, key, index), _packed(offsets, trusted), force=True)


def load_track(folder: Path, key: int, index: int) -> tuple[Field, Map]:
    """Load a frame's offsets to a key, and how far they are trusted."""
    offsets, trusted, _ = _unpacked(_track_file(folder, key, index).read_bytes())
    return offsets, trusted


def save_step(folder: Path, index: int, step: Step) -> None:
    """Save a frame's step."""
    data = _packed(step.forth, step.trusted) + step.frame.tobytes()
    atomic.replace(_step_file(folder, index), data, force=True)


def load_step(folder: Path, index: int) -> Step:
    """Load a frame's step, and delete its file."""
    path = _step_file(folder, index)
    forth, trusted, rest = _unpacked(path.read_bytes())
    path.unlink()
    return Step(np.frombuffer(rest, np.uint8).reshape(*trusted.shape, 3), forth, trusted)


def _track_file(folder: Path, key: int, index: int) -> Path:
    return folder / f"{index:08d}-{key:08d}.track"


def _step_file(folder: Path, index: int) -> Path:
    return folder / f"{index:08d}.step"


def _packed(offsets: Field, confidence: Map) -> bytes:
    """Pack both: height, width, the packed length, and that many bytes."""
    limit = np.iinfo(np.int16).max
    steps = np.clip(np.rint(offsets * _STEPS), -limit, limit).astype("<i2")
    levels = np.rint(confidence * 255).astype(np.uint8)
    packed = zlib.compress(steps.tobytes() + levels.tobytes(), 1)
    return np.array([*confidence.shape, len(packed)], "<u4").tobytes() + packed


def _unpacked(data: bytes) -> tuple[Field, Map, bytes]:
    """Unpack both, and what follows them."""
    height, width, length = (int(number) for number in np.frombuffer(data, "<u4", 3))
    plain = zlib.decompress(data[12 : 12 + length])
    count = height * width
    steps = np.frombuffer(plain, "<i2", 2 * count).reshape(height, width, 2)
    levels = np.frombuffer(plain, np.uint8, count, 4 * count).reshape(height, width)
    return steps / np.float32(_STEPS), levels / np.float32(255), data[12 + length :]
