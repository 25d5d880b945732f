"""Muon: momentum whose matrices are made orthogonal before each step.

K. Jordan and others, "Muon: an optimizer for hidden layers in neural networks", 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer

from impasto.runtime import has_native_bfloat16

__all__ = ["Muon", "orthogonalise"]

# The quintic of the source: it lifts every singular value into about [0.7, 1.2] in five rounds.
_QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix: Tensor, rounds: int = 5) -> Tensor:
    """Return roughly the nearest (semi-)orthogonal matrix, by Newton-Schulz rounds, not an SVD."""
    a, b, c = _QUINTIC
    x: Tensor = matrix / (matrix.norm() + 1e-7)
    x = x.bfloat16() if has_native_bfloat16() else x  # the rounds forgive its rounding
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(rounds):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)


class Muon(Optimizer):
    """An optimiser of weights of two or more dimensions, flattened to (outputs, everything else).

    Differs from `torch.optim.Muon`, which takes matrices only: here convolutions are flattened.

    Args:
        params: weights of convolutions or linear layers.
        lr: the length of a step, relative to an orthogonal matrix.
        momentum: Nesterov momentum.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step on every weight that has a gradient.

        Raises:
            TypeError: there is a closure.
        """
        if closure is not None:
            raise TypeError("Muon takes no closure: compute the gradients first, then call step().")
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._step_one(weight, weight.grad, group["lr"], group["momentum"])

    def _step_one(self, weight: Tensor, grad: Tensor, lr: float, momentum: float) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        average = state["momentum"].lerp_(grad, 1 - momentum)
        nesterov = torch.lerp(grad, average, momentum).reshape(len(weight), -1)
        rows, columns = nesterov.shape
        scale = max(1.0, rows / columns) ** 0.5
        weight.add_(orthogonalise(nesterov).reshape(weight.shape), alpha=-lr * scale)
