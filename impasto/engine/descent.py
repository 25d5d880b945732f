"""Plain gradient descent on pixels."""

from __future__ import annotations

import math

from torch import Tensor

from impasto.engine.half_precision import dot
from impasto.engine.optimiser import Pixels, State, copied
from impasto.engine.snapshots import Snapshot

__all__ = ["Descent"]


class Descent:
    """Plain gradient descent, with one length of step for the whole run.

    A rate that suits one picture diverges or crawls on another. So the first step moves the pixels
    by `rate` on average (root of the mean square), and the length found there, a factor of the
    gradient, holds for all others. As gradients are those of a sum, it suits every size. It is
    halved when a step went past the minimum, where the gradient turns back, and grows again up to
    what it was.

    Args:
        rate: how far the first step moves the pixels.
    """

    def __init__(self, rate: float = 0.06) -> None:
        self.rate = rate
        self.full = self.length = 0.0
        self.origin: Tensor | None = None
        self.last: Tensor | None = None

    def step(self, pixels: Pixels, gradient: Pixels, loss: float = math.inf) -> None:  # noqa: ARG002
        """Move the pixels in place. The optimiser takes over the gradient tensor."""
        if not self.full:
            size = float(gradient.square().mean().sqrt())
            self.full = self.length = self.rate / size if size else 0.0
        if self.last is not None:
            turns_back = dot(gradient, self.last, "float32") < 0
            self.length = self.length / 2 if turns_back else min(_REGROWTH * self.length, self.full)
        self.last = gradient
        self.origin = copied(pixels, [] if self.origin is None else [self.origin])
        pixels.sub_(gradient, alpha=self.length)

    def leave(self) -> None:
        """Release what is only useful at this size."""
        self.origin = self.last = None

    def resize(self, height: int, width: int, *, wrap: bool = False) -> None:  # noqa: ARG002
        """Keep the length of step; the last position is of no use at another size."""
        self.leave()

    def state(self) -> State:
        """Return all that it needs to go on: its tensors, not copies, and numbers."""
        tensors: dict[str, Tensor] = {}
        numbers = {"gd.full": self.full, "gd.length": self.length}
        numbers["gd.begun"] = int(self.origin is not None)
        if self.origin is not None and self.last is not None:
            tensors = {"gd.origin": self.origin, "gd.gradient": self.last}
        return tensors, numbers

    def restore(self, saved: Snapshot, like: Pixels) -> None:
        """Restore a state, of a picture of this shape."""
        self.full, self.length = saved.number("gd.full"), saved.number("gd.length")
        if saved.count("gd.begun"):
            self.origin = saved.tensor("gd.origin", like)
            self.last = saved.tensor("gd.gradient", like)


# The factor by which the length grows again, step after step, once it was halved.
_REGROWTH = 1.1
