"""What a training needs to know of what it teaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

__all__ = ["Figures", "Lesson", "Randomness"]

Figures = Mapping[str, Tensor]


@runtime_checkable
class Randomness(Protocol):
    """A source of random numbers, such as a `torch.Generator`."""

    def get_state(self) -> Tensor:
        """Return what all numbers to come depend on."""
        ...

    def set_state(self, state: Tensor) -> object:
        """Continue from a state."""
        ...


@runtime_checkable
class Lesson(Protocol):
    """A network, how it is trained and how it is measured."""

    @property
    def network(self) -> nn.Module:
        """All that is trained."""
        ...

    @property
    def config(self) -> Mapping[str, Any]:
        """What must be the same when a training is resumed, except for `steps`."""
        ...

    @property
    def generators(self) -> Mapping[str, Randomness]:
        """The sources of everything random in the lesson, by name."""
        ...

    def loss(self, step: int) -> tuple[Tensor, Figures]:
        """Return what to lower at a step, and figures for the log, without gradients."""
        ...

    def measure(self, network: nn.Module) -> Mapping[str, Any]:
        """Return figures of the averaged network on held-out data."""
        ...
