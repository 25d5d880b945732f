"""How steady a film is: what differs between its frames where they show the same.

The warping error of Lai et al. ("Learning Blind Video Temporal Consistency", ECCV 2018, section
4.2): a frame is warped onto the one before it by the flow of the *original* frames and compared
with it, where both can be seen. The original's own error is the floor, as the flow is an estimate
and light changes; frames that are painted each by itself are the ceiling.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from impasto.film.flow import both_flows, visible, warp
from impasto.film.frame import Frame

__all__ = ["ORIGINAL", "Steadiness", "warping_errors"]

Pixels = Float[Tensor, "1 3 h w"]
Offsets = Float[Tensor, "1 2 h w"]
Mask = Bool[Tensor, "1 1 h w"]

ORIGINAL = "the film itself"  # its row among those of painted ones


@dataclass(frozen=True)
class Steadiness:
    """The warping error of a film, in values of [0, 1].

    Attributes:
        pairs: of each pair of frames, by the index of the later one: the root mean square.
    """

    pairs: Mapping[int, float]

    @property
    def error(self) -> float:
        """The mean over pairs.

        Lai et al. average squares. Roots are in the pictures' own units, and no single pair of a
        film that moves fast outweighs all others.
        """
        return statistics.fmean(self.pairs.values())

    @property
    def squared(self) -> float:
        """The mean of squares, as Lai et al. print it."""
        return statistics.fmean(error**2 for error in self.pairs.values())

    def at(self, indices: Collection[int]) -> float:
        """Return the mean over the pairs whose later frames are given, such as a chunk's first."""
        return statistics.fmean(self.pairs[index] for index in indices)


def warping_errors(
    original: Iterable[Frame],
    films: Mapping[str, Iterable[Pixels]],
    cuts: Collection[int] = (),
    apart: int = 1,
) -> dict[str, Steadiness]:
    """Measure the warping error of painted films of one original, and its own.

    All are read once, side by side; `apart` frames of each are in memory.

    Args:
        original: the film's frames, of the painted ones' size.
        films: painted frames by name, one for each of the original.
        cuts: indices of frames that begin a shot: they are not compared with those before.
        apart: frames between two that are compared: more show what drifts slowly.

    Raises:
        ValueError: a film has fewer frames, or more.
        OptionError: OpenCV is not installed.
    """
    errors: dict[str, dict[int, float]] = {name: {} for name in (ORIGINAL, *films)}
    before: deque[tuple[Pixels, ...]] = deque(maxlen=apart)
    starts = set(cuts)
    for frame, *painted in zip(original, *films.values(), strict=True):
        if frame.index in starts:
            before.clear()
        pictures = (frame.pixels, *painted)
        if len(before) == apart:
            pairs = zip(errors.values(), _pair(before[0], pictures), strict=True)
            for row, error in pairs:
                row[frame.index] = error
        before.append(pictures)
    return {name: Steadiness(row) for name, row in errors.items()}


def _pair(before: tuple[Pixels, ...], after: tuple[Pixels, ...]) -> list[float]:
    """Return the error of each film's two frames; the first film's is the original."""
    forth, back = both_flows(before[0], after[0])
    seen = visible(forth, back)
    return [_error(a, b, forth, seen) for a, b in zip(before, after, strict=True)]


def _error(before: Pixels, after: Pixels, forth: Offsets, seen: Mask) -> float:
    off = (warp(after, forth) - before).square().mean(1, keepdim=True)
    return math.sqrt(float((off * seen).sum() / seen.sum().clamp(min=1)))
