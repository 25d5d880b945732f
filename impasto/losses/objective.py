"""A weighted sum of named terms, each made of what can be read of a picture window by window."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.features.tiles import Window

__all__ = [
    "PIXELS",
    "Distance",
    "Features",
    "Found",
    "Reading",
    "Term",
    "differentiated",
    "evaluate",
    "numbers",
]

Features = dict[str, Tensor]
Found = tuple[Tensor, ...]

# What a reading of the picture itself, and of no layer, has as its layer.
PIXELS = "pixels"


@dataclass(frozen=True, eq=False)
class Reading:
    """What is read of one layer: numbers that add up over its windows to those of the whole.

    Attributes:
        layer: a layer's name, or `PIXELS`.
        read: (the layer's activations, which of them count) → numbers, differentiable.
        reach: how many cells before and after its own a window has to show besides.
        grid: windows have to begin at multiples of so many cells.
        places: where a window's numbers belong among those of the whole, along their last axis, and
            how many these are; None if they are sums.
        pull: (a window's own activations, the window, what the whole's numbers should change) →
            what the activations should; None where autograd is to find it from `read`.
    """

    layer: str
    read: Callable[[Tensor, Window], Found]
    reach: int = 0
    grid: int = 1
    places: Callable[[Window], tuple[Int[Tensor, " n"], int]] | None = None
    pull: Callable[[Tensor, Window, Found], Tensor] | None = None

    def of(self, image: Tensor, features: Mapping[str, Tensor]) -> Found:
        """The whole picture's numbers."""
        there = image if self.layer == PIXELS else features[self.layer]
        return self.read(there, Window.whole(there))


@dataclass(frozen=True, eq=False)
class Distance:
    """A scalar of what several readings found."""

    readings: tuple[Reading, ...]
    value: Callable[[Sequence[Found]], Tensor]

    def of(self, image: Tensor, features: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """The distance of a whole picture."""
        return self.value([reading.of(image, features) for reading in self.readings])

    @staticmethod
    def sum(reading: Reading) -> Distance:
        """What one reading finds, if that is the distance already."""
        return Distance((reading,), lambda found: found[0][0])


@dataclass(frozen=True, eq=False)
class Term:
    """One loss, closed over its target."""

    name: str
    weight: float
    distance: Distance


def evaluate(
    terms: Sequence[Term], found: Sequence[Sequence[Found]]
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """The weighted sum, and each term's own value before its weight.

    Args:
        found: for each term what its readings found.
    """
    values = {t.name: t.distance.value(f) for t, f in zip(terms, found, strict=True)}
    weighted = [term.weight * values[term.name] for term in terms]
    total = torch.stack(weighted).sum() if weighted else torch.zeros(())
    return total, {name: value.detach() for name, value in values.items()}


def differentiated(
    objective: Callable[[Tensor], tuple[Tensor, dict[str, Tensor]]],
    pixels: Float[Tensor, "1 3 h w"],
) -> tuple[dict[str, float], Float[Tensor, "1 3 h w"]]:
    """Each loss and their `total`, and the gradient of the total as a *sum* over pixels."""
    variable = pixels.clone().requires_grad_()
    try:
        total, values = objective(variable)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        # A matrix that holds no numbers cannot be decomposed; elsewhere NaN would be handed on.
        return {"total": math.nan}, torch.zeros_like(pixels)
    losses = numbers(total, values)
    if not total.requires_grad:
        return losses, torch.zeros_like(pixels)
    (gradient,) = torch.autograd.grad(total * pixels.numel(), variable)
    return losses, gradient.contiguous()


def numbers(total: Tensor, values: Mapping[str, Tensor]) -> dict[str, float]:
    """Each loss and their `total`, as plain numbers."""
    return {name: float(value) for name, value in values.items()} | {"total": float(total.detach())}
