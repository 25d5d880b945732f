"""What the solver asks of an optimiser, and what they share."""

from __future__ import annotations

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
    """What the solver asks of each.

    Attributes:
        origin: the pixels that the last step at this size started from; None before the first.
    """

    origin: Tensor | None

    def step(self, pixels: Pixels, gradient: Pixels) -> None:
        """Move the pixels, in place. The gradient is the optimiser's from now on."""
        ...

    def leave(self) -> None:
        """Let go of what is of use at this size only."""
        ...

    def resize(self, height: int, width: int, *, wrap: bool = False) -> None:
        """Bring what has been learnt to another size; one tensor after the other, to spare memory.

        Args:
            wrap: as a tile, whose opposite edges meet.
        """
        ...

    def state(self) -> State:
        """All that it goes on from: its own tensors, not copies, and numbers."""
        ...

    def restore(self, saved: Snapshot, like: Pixels) -> None:
        """Take up a state, of a picture of this shape.

        Raises:
            ResumeError: a part is missing, or of another shape.
        """
        ...


def copied(values: Tensor, spare: list[Tensor]) -> Tensor:
    """A copy, written into a tensor that is no longer of use if there is one."""
    return spare.pop().copy_(values) if spare else values.clone()


def restored_tensor(saved: Snapshot, name: str, like: Tensor, kind: str) -> StoredTensor:
    """A tensor of an optimiser's memory, in the number type that is wanted now."""
    kinds = (torch.float32, torch.float16)
    held = StoredTensor(saved.tensor(name, like, kinds=kinds), saved.number(name))
    return held if held.is_half == (kind == "float16") else StoredTensor.of(held.whole(), kind)


def resized_values(values: Tensor, height: int, width: int, mode: str, wrap: bool) -> Tensor:
    """Values as they are: a sum's gradient does not depend on how many pixels there are."""
    if wrap:
        return resized(values, height, width, mode)
    return F.interpolate(values, size=(height, width), mode=mode, align_corners=False)
