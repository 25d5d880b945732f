"""What a film holds, and where its frames come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol, runtime_checkable

from impasto.film.frame_colours import Levels

__all__ = ["ClipInfo", "FrameSource", "Transfer", "constant_rate"]

Transfer = Literal["sdr", "pq", "hlg"]


@dataclass(frozen=True)
class ClipInfo:
    """What a film holds.

    Attributes:
        width: of a frame as it is seen: upright, with square pixels.
        height: the same.
        frames: how many there are.
        seconds: from the first frame to the end of the last.
        time_base: the film's unit of time, in seconds.
        rate: frames a second; None where the time between frames varies.
        bits: of a channel.
        has_alpha: whether the frames have coverage.
        transfer: ordinary range, or a high one: PQ or HLG.
        has_sound: whether there is any.
        is_interlaced: whether the frames are stored as two fields.
        end: when the last frame's time is over, in `time_base`.
        kind: what it is read from: FFmpeg's name of the container, `frames` or `animation`.
        codec: of the frames.
        first_number: of a row of pictures, in the name of the first; 0 for films.
    """

    width: int
    height: int
    frames: int
    seconds: float
    time_base: Fraction
    rate: Fraction | None
    bits: int = 8
    has_alpha: bool = False
    transfer: Transfer = "sdr"
    has_sound: bool = False
    is_interlaced: bool = False
    end: int = 0
    kind: str = ""
    codec: str = ""
    first_number: int = 0

    @property
    def average_rate(self) -> Fraction:
        """Frames a second, on the average where the time between them varies."""
        if self.rate is not None:
            return self.rate
        return Fraction(self.frames / max(self.seconds, 1e-6)).limit_denominator(1000)


@runtime_checkable
class FrameSource(Protocol):
    """Where frames come from; small enough to be sent to another process.

    Attributes:
        info: what the film holds.
        times: when each frame is shown, in the film's time base, in order.
    """

    @property
    def info(self) -> ClipInfo:
        """What the film holds."""

    @property
    def times(self) -> list[int]:
        """When each frame is shown, in the film's time base, in order."""

    def levels(self, start: int) -> Iterator[tuple[int, Levels]]:
        """Yield the frames from one on, with their indices, upright; damaged ones are left out."""


def constant_rate(times: list[int], time_base: Fraction) -> Fraction | None:
    """Return the frames a second where the time between frames is the same, else None.

    A container's unit may be too coarse for the rate (24 frames a second in milliseconds): the
    times may then differ by one unit from even ones.
    """
    if len(times) < 2:
        return None
    gap = Fraction(times[-1] - times[0], len(times) - 1)
    if any(abs(pts - times[0] - i * gap) > 1 for i, pts in enumerate(times)):
        return None
    rate = 1 / (gap * time_base)
    slack = Fraction(1, times[-1] - times[0])  # by which the unit blurs the whole length
    return next((r for r in _usual(rate) if abs(r / rate - 1) <= slack), rate)


def _usual(rate: Fraction) -> list[Fraction]:
    whole = round(rate)
    return [
        Fraction(max(whole, 1)),
        Fraction(max(round(rate * Fraction(1001, 1000)), 1) * 1000, 1001),
    ]
