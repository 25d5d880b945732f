"""A weighted sum of named terms, each made of what can be measured of a picture tile by tile."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.features.tiles import Tile

__all__ = [
    "PIXELS",
    "Distance",
    "Features",
    "Measurement",
    "Term",
    "Values",
    "differentiated",
    "evaluate",
    "numbers",
]

Features = dict[str, Tensor]
Values = tuple[Tensor, ...]

# The layer of a measurement of the picture itself.
PIXELS = "pixels"


@dataclass(frozen=True, eq=False)
class Measurement:
    """What a loss reads of one layer: values that add up over its tiles to those of the whole.

    Attributes:
        layer: a layer's name, or `PIXELS`.
        compute: (the layer's activations, which of them count) → values, differentiable.
        reach: how many cells before and after a tile's own are needed.
        grid: tiles begin at multiples of this number of cells.
        positions: where a tile's values are among those of the whole, along their last axis, and
            how many those are; None if they are sums.
        gradient: (a tile's activations, the tile, the gradient of the whole's values) → the
            gradient of the activations; None if autograd computes it.
    """

    layer: str
    compute: Callable[[Tensor, Tile], Values]
    reach: int = 0
    grid: int = 1
    positions: Callable[[Tile], tuple[Int[Tensor, " n"], int]] | None = None
    gradient: Callable[[Tensor, Tile, Values], Tensor] | None = None


@dataclass(frozen=True, eq=False)
class Distance:
    """A scalar of the values of several measurements."""

    measurements: tuple[Measurement, ...]
    value: Callable[[Sequence[Values]], Tensor]

    @staticmethod
    def sum(measurement: Measurement) -> Distance:
        """Return a distance that is a measurement's only value."""
        return Distance((measurement,), lambda values: values[0][0])


@dataclass(frozen=True, eq=False)
class Term:
    """One loss, closed over its target."""

    name: str
    weight: float
    distance: Distance


def evaluate(
    terms: Sequence[Term], values: Sequence[Sequence[Values]]
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Return the weighted sum, and each term's value before its weight.

    Args:
        values: for each term those of its measurements.
    """
    losses = {t.name: t.distance.value(v) for t, v in zip(terms, values, strict=True)}
    weighted = [term.weight * losses[term.name] for term in terms]
    total = torch.stack(weighted).sum() if weighted else torch.zeros(())
    return total, {name: loss.detach() for name, loss in losses.items()}


def differentiated(
    objective: Callable[[Tensor], tuple[Tensor, dict[str, Tensor]]],
    pixels: Float[Tensor, "1 3 h w"],
) -> tuple[dict[str, float], Float[Tensor, "1 3 h w"]]:
    """Return each loss and their `total`, and the gradient of the total as a *sum* over pixels."""
    variable = pixels.clone().requires_grad_()
    try:
        total, values = objective(variable)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        # A matrix with NaN cannot be decomposed; elsewhere NaN would be passed on.
        return {"total": math.nan}, torch.zeros_like(pixels)
    losses = numbers(total, values)
    if not total.requires_grad:
        return losses, torch.zeros_like(pixels)
    (gradient,) = torch.autograd.grad(total * pixels.numel(), variable)
    return losses, gradient.contiguous()


def numbers(total: Tensor, values: Mapping[str, Tensor]) -> dict[str, float]:
    """Return each loss and their `total`, as plain numbers."""
    return {name: float(value) for name, value in values.items()} | {"total": float(total.detach())}
