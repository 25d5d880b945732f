"""Styles that turn into each other while a film is shown."""

from __future__ import annotations

import math

__all__ = ["weights_at"]

# Steps from one style to the next: each is too small to be seen, and some frames share one.
_STEPS = 96


def weights_at(seconds: float, count: int, change: float) -> tuple[float, ...]:
    """Return how much each of several styles counts; the sum is 1.

    The first style turns into the second, that into the third, and the last stays.

    Args:
        seconds: since the film began.
        count: of the styles.
        change: seconds that one style takes to turn into the next.
    """
    place = min(max(0.0, seconds / change), count - 1)
    place = round(place * _STEPS) / _STEPS
    first = min(math.floor(place), count - 2) if count > 1 else 0
    share = place - first
    weights = [0.0] * count
    weights[first] = 1 - share
    if share:
        weights[first + 1] = share
    return tuple(weights)
