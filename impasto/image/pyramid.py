"""From coarse to fine: the sizes that a picture passes through."""

from __future__ import annotations

__all__ = ["scale_schedule"]


def scale_schedule(size: int, smallest: int) -> list[int]:
    """Long sides from `smallest` or just above it up to `size`, each √2 times the one before."""
    sizes = [float(size)]
    while sizes[-1] / 2**0.5 >= smallest - 0.5:
        sizes.append(sizes[-1] / 2**0.5)
    return [round(s) for s in reversed(sizes)]
