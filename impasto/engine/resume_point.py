"""Where a run goes on from a snapshot."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from impasto.engine.optimisers import OPTIMISERS
from impasto.engine.scale import LOSS_PREFIX, Place, Scale
from impasto.engine.snapshots import Snapshot
from impasto.engine.step import Picture, Problem, Settings, Step
from impasto.errors import ResumeError

__all__ = ["ResumePoint"]

_SAME_OPTIONS = "Go on with the options that the run began with."


@dataclass(frozen=True)
class ResumePoint:
    """A snapshot, and where in the run it was taken; `index` is the scale's, from 0."""

    saved: Snapshot
    index: int
    iteration: int
    iterations: int

    @staticmethod
    def of(saved: Snapshot, scales: int, settings: Settings) -> ResumePoint:
        """Read where a snapshot was taken, and refuse one of another run."""
        optimisers = {key.split(".")[0] for key in saved.numbers if "." in key} & set(OPTIMISERS)
        if settings.optimizer not in optimisers:
            names = ", ".join(sorted(optimisers)) or "an unknown optimiser"
            raise ResumeError(
                f"The saved state is of {names}, and this run's optimiser is {settings.optimizer}. "
                f"{_SAME_OPTIONS}"
            )
        if saved.count("scales") != scales or not 1 <= saved.count("scale") <= scales:
            raise ResumeError(
                f"The saved state is of scale {saved.count('scale')} of {saved.count('scales')}, "
                f"and this run has {scales}. {_SAME_OPTIONS}"
            )
        position = (saved.count("scale") - 1, saved.count("iteration"), saved.count("iterations"))
        return ResumePoint(saved, *position)

    def is_done(self, extra: int) -> bool:
        """Return whether nothing is left to do at its scale."""
        return self.iteration >= self.iterations + extra

    def step(self, run: Scale, place: Place) -> Step:
        """Return the step after which it was taken."""
        place = replace(place, extra=max(0, self.iteration - self.iterations))
        before = self.before(run.pixels.device)
        return place.step(run, before, self.iterations, self.iteration, self._losses())

    def _losses(self) -> dict[str, float]:
        losses = {
            key.removeprefix(LOSS_PREFIX): float(number)
            for key, number in self.saved.numbers.items()
            if key.startswith(LOSS_PREFIX)
        }
        return {**losses, "total": losses.get("total", math.nan)}

    def before(self, device: torch.device) -> Picture:
        """Return the picture that the scale was made from."""
        return self.saved.tensor("before", device=device)

    def run(
        self, settings: Settings, device: torch.device, problem: Problem | None = None
    ) -> Scale:
        """Return the state of the scale.

        Args:
            problem: the scale's, if there is still work to do.
        """
        if problem is not None and problem.iterations != self.iterations:
            raise ResumeError(
                f"The saved state is of a scale of {self.iterations} iterations, and this run's "
                f"has {problem.iterations}. {_SAME_OPTIONS}"
            )
        like = None if problem is None else problem.start
        pixels = self.saved.tensor("pixels", like, device)
        return Scale.restored(pixels, settings, self.saved)
