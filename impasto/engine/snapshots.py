"""How a run is executed, apart from what it paints: with how much memory, and from which state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from impasto.config.memory import MemoryPlan
from impasto.errors import ResumeError

__all__ = ["DEFAULT_EXECUTION", "Execution", "Snapshot"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A run between two iterations: all that it needs to go on as if it had never stopped.

    Attributes:
        tensors: by name; of the picture's size, or what the optimiser made of it. They are the
            run's own, which its next step changes: copy or write them before. A run that goes on
            reads each of them once and copies it, so a mapping may read them from a file one by
            one.
        numbers: by name; integers or not, and possibly infinite.
    """

    tensors: Mapping[str, Tensor]
    numbers: Mapping[str, float | int] = field(default_factory=dict)

    def tensor(
        self,
        name: str,
        like: Tensor | None = None,
        device: torch.device | None = None,
        kinds: tuple[torch.dtype, ...] = (torch.float32,),
    ) -> Tensor:
        """Return a copy of a tensor, contiguous.

        Args:
            like: a tensor of the shape and device that it must have; None for any picture.
            kinds: number types that it may have.

        Raises:
            ResumeError: it is missing, or not such a tensor.
        """
        if name not in self.tensors:
            raise _damaged(name, "is missing")
        saved = self.tensors[name]
        shape = tuple(saved.shape)
        if like is not None and saved.shape != like.shape:
            raise _damaged(name, f"measures {shape}, and this run's {tuple(like.shape)}")
        if len(shape) != 4 or shape[:2] != (1, 3) or not all(shape):
            raise _damaged(name, f"measures {shape}, and a picture (1, 3, height, width)")
        if saved.dtype not in kinds:
            allowed = " or ".join(str(kind) for kind in kinds)
            raise _damaged(name, f"holds {saved.dtype}, and not {allowed}")
        device = device if like is None else like.device
        return torch.empty(shape, dtype=saved.dtype, device=device).copy_(saved)

    def number(self, name: str) -> float:
        """Return a number as it was saved.

        Raises:
            ResumeError: it is missing, or not a number.
        """
        saved: object = self.numbers.get(name)
        if not isinstance(saved, (int, float)) or not _is_float(saved):
            raise _damaged(name, "is not a number")
        return float(saved)

    def count(self, name: str) -> int:
        """Return an integer of at least 0.

        Raises:
            ResumeError: it is missing, or not such a number.
        """
        number = self.number(name)
        if number < 0 or not number.is_integer():
            raise _damaged(name, f"is {number:g}, not a count")
        return int(number)


def _is_float(number: float) -> bool:
    """Return whether it is a float and not NaN: an integer may be too large for one."""
    try:
        return not math.isnan(number)
    except OverflowError:
        return False


def _damaged(name: str, problem: str) -> ResumeError:
    return ResumeError(
        f"The saved state's {name!r} {problem}. It is damaged or of another run: begin the run "
        "again."
    )


@dataclass(frozen=True)
class Execution:
    """How a method is executed.

    Attributes:
        snapshot: the state to go on from; None begins a run.
        extra: iterations at the last scale beyond those of the config. A run that goes on from its
            end with none left yields one step, the picture as it is.
    """

    plan: MemoryPlan = field(default_factory=MemoryPlan)
    snapshot: Snapshot | None = None
    extra: int = 0


DEFAULT_EXECUTION = Execution()
"""The whole picture at once, from the beginning."""
