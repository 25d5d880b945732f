"""Which part of a picture gives its colours to which area of a drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impasto.errors import OptionError
from impasto.sketch.libraries import load_optimize
from impasto.sketch.parts import Parts

__all__ = ["matched", "with_pairs"]

# What each statistic counts: size, roundness, length, bulges, place across and down, light.
_WEIGHTS = np.array([1.0, 0.15, 0.2, 0.2, 0.8, 1.2, 0.5])

# A foreground that is matched with a background, and a part that is taken once more.
_ACROSS, _AGAIN = 4.0, 0.35

# How far twins may differ: in the logarithm of their length, and in roundness, length and bulges.
_SIZES, _SHAPES = 0.12, np.array([0.15, 0.12, 0.05])

# Above this cost an area stays white.
_NO_MATCH = 16.0


def matched(areas: Parts, parts: Parts) -> list[int | None]:
    """Return the part for each area, by the least sum of differences; None where none is alike.

    A drawing has often more areas than a picture has parts, so that each part can be taken several
    times, at a cost (linear assignment with columns for "no match"). Areas that are twins, such as
    petals, windows and ears, have one part together.
    """
    ours, theirs = _standardised(areas.statistics, parts.statistics)
    costs = (_WEIGHTS * (ours[:, None] - theirs) ** 2).sum(-1)
    costs += _ACROSS * (areas.is_foreground[:, None] != parts.is_foreground)
    groups = _twins(areas)
    costs = np.stack([costs[groups == k].mean(0) for k in range(groups.max() + 1)])
    times = -(-len(costs) // len(parts)) + 1
    columns = np.concatenate([costs + _AGAIN * k for k in range(times)], axis=1)
    none = np.full((len(costs), len(costs)), _NO_MATCH)
    _, chosen = load_optimize().linear_sum_assignment(np.concatenate([columns, none], axis=1))
    return [
        int(chosen[group]) % len(parts) if chosen[group] < columns.shape[1] else None
        for group in groups
    ]


def _twins(areas: Parts) -> np.ndarray:
    """Return a number for each area; those of one number have one size and shape.

    Only in the foreground: two halves of a sky are no twins.
    """
    size, shape = np.log(areas.statistics[:, 0]), areas.statistics[:, 1:4]
    groups = np.arange(len(areas))
    for a in range(len(areas)):
        for b in range(a):
            is_near = abs(size[a] - size[b]) < _SIZES and (np.abs(shape[a] - shape[b]) < _SHAPES)
            if areas.is_foreground[a] and areas.is_foreground[b] and np.all(is_near):
                groups[a] = groups[b]
                break
    numbers: np.ndarray = np.unique(groups, return_inverse=True)[1]
    return numbers


def with_pairs(
    found: Sequence[int | None], typed: dict[int, int | None], parts: int
) -> list[int | None]:
    """Return what was matched, changed as a person says.

    Args:
        typed: the part for some areas; None for white paper.
        parts: how many the picture has.

    Raises:
        OptionError: there is no such area, or no such part.
    """
    changed = list(found)
    for area, part in typed.items():
        if area >= len(found):
            raise OptionError(
                f"--pair {area}={'none' if part is None else part} names the area {area}, and the "
                f"drawing has the areas 0 to {len(found) - 1}. --show-pairs draws them with their "
                "numbers."
            )
        if part is not None and part >= parts:
            raise OptionError(
                f"--pair {area}={part} names the part {part}, and the picture has the parts 0 to "
                f"{parts - 1}. --show-pairs draws them with their numbers."
            )
        changed[area] = part
    return changed


def _standardised(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both in units of the deviation over all parts of both."""
    both = np.concatenate([ours, theirs])
    mean, deviation = both.mean(0), np.maximum(both.std(0), 1e-3)
    return (ours - mean) / deviation, (theirs - mean) / deviation
