"""The interface of optimisers to the solver, and what they share."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.engine.half_precision import StoredTensor
from impasto.engine.seamless import resized
from impasto.engine.snapshots import Snapshot

__all__ = ["Optimiser", "Pixels", "State", "copied", "resized_values", "restored_tensor"]


Pixels = Float[Tensor, "1 3 h w"]


State = tuple[dict[str, Tensor], dict[str, float]]


@runtime_checkable
class Optimiser(Protocol):
    """An optimiser of pixels, as the solver uses it.

    Attributes:
        origin: the pixels that the last step at this size started from; None before the first.
    """

    origin: Tensor | None

    def step(self, pixels: Pixels, gradient: Pixels, loss: float = math.inf) -> None:
        """Move the pixels in place. The optimiser takes over the gradient tensor.

        Args:
            loss: at these pixels, in the gradient's unit, and 0 at best; infinite if unknown.
        """
        ...

    def leave(self) -> None:
        """Release what is only useful at this size."""
        ...

    def resize(self, height: int, width: int, *, wrap: bool = False) -> None:
        """Resize what has been learnt; one tensor after the other, to save memory.

        Args:
            wrap: the opposite edges of the picture meet.
        """
        ...

    def state(self) -> State:
        """Return all that it needs to go on: its tensors, not copies, and numbers."""
        ...

    def restore(self, saved: Snapshot, like: Pixels) -> None:
        """Restore a state, of a picture of this shape.

        Raises:
            ResumeError: a part is missing, or of another shape.
        """
        ...


def copied(values: Tensor, spare: list[Tensor]) -> Tensor:
    """Return a copy, written into a spare tensor if there is one."""
    return spare.pop().copy_(values) if spare else values.clone()


def restored_tensor(saved: Snapshot, name: str, like: Tensor, kind: str) -> StoredTensor:
    """Return a tensor of an optimiser's memory, in the number type `kind`."""
    kinds = (torch.float32, torch.float16)
    stored = StoredTensor(saved.tensor(name, like, kinds=kinds), saved.number(name))
    if stored.is_half == (kind == "float16"):
        return stored
    return StoredTensor.of(stored.to_float32(), kind)


def resized_values(stored: StoredTensor, height: int, width: int, mode: str, wrap: bool) -> Tensor:
    """Resize values without a factor: a sum's gradient does not depend on the number of pixels."""
    values = stored.to_float32()
    if wrap:
        return resized(values, height, width, mode)
    return F.interpolate(values, size=(height, width), mode=mode, align_corners=False)
