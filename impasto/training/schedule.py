"""How long a training takes: its learning rate by step, and when it ends early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

__all__ = ["Patience", "Schedule"]


@dataclass(frozen=True)
class Schedule:
    """The learning rate over its peak: a short warm-up, a plateau, a straight fall to zero.

    Attributes:
        steps: of the whole training.
        cool_down: the share of them that the fall takes.
        warm_up: steps.
        ends_from: the step at which an earlier end was decided, and the rate then, which falls to
            zero from there.
    """

    steps: int
    cool_down: float = 0.73
    warm_up: int = 200
    ends_from: tuple[int, float] | None = None

    def rate(self, step: int) -> float:
        """Return the rate at a step, counted from 0."""
        if self.ends_from is not None:
            since, rate = self.ends_from
            return rate * (self.steps - step) / max(1, self.steps - since)
        left = (self.steps - step) / (self.steps * self.cool_down)
        return min((step + 1) / self.warm_up, 1.0, left)

    def ending(self, step: int, after: int) -> Schedule:
        """Return the same until `step`, with an end of `after` steps from there."""
        return replace(self, steps=min(self.steps, step + after), ends_from=(step, self.rate(step)))


@dataclass(frozen=True)
class Patience:
    """When a training no longer improves.

    Attributes:
        figure: the measured figure that should fall.
        times: how many measurements in a row may bring nothing; 0 for a training that takes all its
            steps.
        gain: the share by which the figure must fall to count as an improvement.
        end: steps of the end, in which the rate falls to zero, as a share of those done.
    """

    figure: str = "loss"
    times: int = 0
    gain: float = 0.005
    end: float = 0.15

    def is_over(self, values: Sequence[float]) -> bool:
        """Return whether the last of these figures are no improvement."""
        if not self.times or len(values) <= self.times:
            return False
        before = min(values[: -self.times])
        return min(values[-self.times :]) > before * (1 - self.gain)
