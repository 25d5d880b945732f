"""A weighted sum of named terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["Features", "Term", "evaluate"]

Features = dict[str, Tensor]


@dataclass(frozen=True)
class Term:
    """One loss, closed over its target.

    Attributes:
        fn: (image in [0, 1], activations by layer) → scalar.
    """

    name: str
    weight: float
    fn: Callable[[Tensor, Features], Tensor]


def evaluate(
    terms: Sequence[Term], image: Float[Tensor, "b 3 h w"], features: Features
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """The weighted sum, and each term's own value before its weight."""
    total = image.new_zeros(())
    values: dict[str, Tensor] = {}
    for term in terms:
        value = term.fn(image, features)
        values[term.name] = value.detach()
        total = total + term.weight * value
    return total, values
