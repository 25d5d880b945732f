"""How a run is carried out, beside what it paints: with how much memory, and from where on."""

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
            asks for each of them once and copies it, so a mapping may read them from a file one by
            one.
        numbers: by name; whole or not, and possibly infinite.
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
        """A copy of a tensor, contiguous.

        Args:
            like: whose shape it must have, and on whose device it comes; else it is any picture.
            kinds: number types that it may be of.

        Raises:
            ResumeError: it is not there, or not such a tensor.
        """
        if name not in self.tensors:
            raise ResumeError(f"The saved state has no tensor {name!r}. {_AGAIN}")
        found = self.tensors[name]
        shape = tuple(found.shape)
        if like is not None and found.shape != like.shape:
            raise ResumeError(
                f"The saved state's {name!r} measures {shape}, and this run's {tuple(like.shape)}. "
                f"{_AGAIN}"
            )
        if len(shape) != 4 or shape[:2] != (1, 3) or not all(shape):
            raise ResumeError(
                f"The saved state's {name!r} measures {shape}, and a picture (1, 3, height, "
                f"width). {_AGAIN}"
            )
        if found.dtype not in kinds:
            allowed = " or ".join(str(kind) for kind in kinds)
            raise ResumeError(
                f"The saved state's {name!r} holds {found.dtype}, and not {allowed}. {_AGAIN}"
            )
        there = torch.empty(
            shape, dtype=found.dtype, device=device if like is None else like.device
        )
        return there.copy_(found)

    def number(self, name: str) -> float:
        """A number as it was saved.

        Raises:
            ResumeError: it is not there, or not a number.
        """
        found: object = self.numbers.get(name)
        if not isinstance(found, (int, float)) or not _fits(found):
            raise ResumeError(f"The saved state has no number {name!r}. {_AGAIN}")
        return float(found)

    def whole(self, name: str) -> int:
        """A whole number that is not negative.

        Raises:
            ResumeError: it is not there, or not such a number.
        """
        found = self.number(name)
        if found < 0 or not found.is_integer():
            raise ResumeError(f"The saved state's {name!r} is {found:g}, no count. {_AGAIN}")
        return int(found)


def _fits(number: float) -> bool:
    """Whether it is a float, infinite perhaps: a whole number may be too large."""
    try:
        return not math.isnan(number)
    except OverflowError:
        return False


# How every message about a saved state ends.
_AGAIN = "It is damaged or of another run: begin the run again."


@dataclass(frozen=True)
class Execution:
    """How a method is carried out.

    Attributes:
        snapshot: where to go on; None begins.
        extra: iterations at the last scale beyond those of the config. A run that goes on from its
            own end with none left gives one step, the picture as it is.
    """

    plan: MemoryPlan = field(default_factory=MemoryPlan)
    snapshot: Snapshot | None = None
    extra: int = 0


# All at once, from the beginning.
DEFAULT_EXECUTION = Execution()
