"""One frame of a film, and when it is shown."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["Frame"]


@dataclass(frozen=True)
class Frame:
    """A frame as it is seen: turned upright, in sRGB.

    Attributes:
        index: its place among the film's frames in the order in which they are shown, from 0.
        pts: when it is shown, in the film's own time base; never counted from a rate.
        seconds: the same in seconds from the film's first frame.
        pixels: sRGB values in [0, 1].
        alpha: coverage in [0, 1], if the film has any.
    """

    index: int
    pts: int
    seconds: float
    pixels: Float[Tensor, "1 3 h w"]
    alpha: Float[Tensor, "1 1 h w"] | None = None
