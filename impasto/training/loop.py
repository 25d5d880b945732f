"""The one training loop: every network here is trained by it, whatever it learns."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from impasto.errors import DivergedError
from impasto.run.checkpoint_pace import CheckpointPace
from impasto.runtime import pick_precision
from impasto.training import parallel
from impasto.training.lesson import Figures
from impasto.training.schedule import Patience
from impasto.training.training_state import TrainingState

__all__ = ["Loop"]

# Of a training's time, that writing states between the measurements may take.
_SHARE = 0.02

# Steps after which the pace is taken again, where there is a deadline.
_PACE_EVERY = 20

Watch = Callable[[Mapping[str, Any]], object]


@dataclass
class Loop(TrainingState):
    """A training that can be run.

    Attributes:
        save_every, log_every: steps; where a state is saved, the network is measured too.
        save_seconds: a state is also written as often as this, as steps can be long.
        patience: when it ends before its last step.
        deadline: when it is to have ended, on the clock of `time.monotonic`: the schedule gets as
            many steps as there is time for, and the rate has fallen by then.
    """

    log_every: int = 100
    save_every: int = 1000
    save_seconds: float = 60.0
    patience: Patience = field(default_factory=Patience)
    deadline: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.device = next(self.lesson.network.parameters()).device
        self.has_bfloat16 = pick_precision("auto", self.device) == torch.bfloat16

    def run(self, watch: Watch | None = None) -> bool:
        """Train to the end; write the state and the log on the way, and after the last step.

        Args:
            watch: called with each line of the log; when it returns False the training stops, with
                its state saved.

        Returns:
            Whether the training came to its end.
        """
        sums: dict[str, Tensor] = {}
        summed = 0
        pace = CheckpointPace(self.save_seconds, _SHARE, time.monotonic())
        beginning = (time.monotonic(), self.step)
        while self.step < self.schedule.steps:
            started = time.perf_counter()
            for name, figure in self.advance().items():
                sums[name] = sums.get(name, torch.zeros_like(figure)) + figure
            summed += 1
            self.seconds += time.perf_counter() - started
            self._heed_deadline(*beginning)
            is_last = self.step >= self.schedule.steps
            is_saved = is_last or self.step % self.save_every == 0
            if not is_saved:
                self._save_if_due(pace)
            if self.step % self.log_every and not is_saved:
                continue
            train = {name: round(float(v) / summed, 5) for name, v in sums.items()}
            sums, summed = {}, 0
            line = self._line(train, is_measured=is_saved)
            if is_saved:
                self._save_at(pace)
            if not self._log(line, watch) and self.step < self.schedule.steps:
                self.save()
                return False
        return True

    def advance(self) -> Figures:
        """Take one step of all optimisers; return the lesson's figures on it."""
        rate = self.schedule.rate(self.step)
        for optimiser, peak in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = peak * rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.has_bfloat16):
            loss, figures = self.lesson.loss(self.step)
        loss.backward()  # type: ignore[no-untyped-call]
        parallel.average(self.lesson.network.parameters())
        for optimiser, _ in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.average.update(self.lesson.network, self.step)
        self.step += 1
        return figures

    def _heed_deadline(self, since: float, first: int) -> None:
        """Give the schedule the steps that there is time for, at the pace since its first one."""
        done = self.step - first
        if self.deadline is None or done % _PACE_EVERY:
            return
        now = time.monotonic()
        left = int((self.deadline - now) / (now - since) * done)
        steps = parallel.shared(self.step + max(0, left))
        self.schedule = replace(self.schedule, steps=steps)

    def _save_if_due(self, pace: CheckpointPace) -> None:
        """Save between two measurements; the first process's clock decides for all."""
        # All states are of one size, so any number serves to estimate the time of the next.
        is_due = pace.is_due(time.monotonic(), lambda: 1) and self._is_finite()
        if parallel.shared(is_due):
            self._save_at(pace)

    def _is_finite(self) -> bool:
        """Return whether every weight is a number: the last good state must not be replaced."""
        return all(bool(p.isfinite().all()) for p in self.lesson.network.parameters())

    def _save_at(self, pace: CheckpointPace) -> None:
        began = time.monotonic()
        self.save()
        pace.wrote(began, time.monotonic(), 1)

    def _line(self, train: Mapping[str, float], *, is_measured: bool) -> dict[str, Any]:
        """Return a line of the log; after a measurement, decide on the end as well."""
        line: dict[str, Any] = {"step": self.step, "seconds": round(self.seconds, 1)}
        line["train"] = train
        if is_measured:
            # The first process's figures, as on other cards the last digits may differ.
            line["held_out"] = parallel.shared(dict(self.lesson.measure(self.average.network)))
            self._consider(line["held_out"])
        return line

    def _consider(self, figures: Mapping[str, Any]) -> None:
        """End soon if the network no longer improves."""
        value = float(figures.get(self.patience.figure, 0.0))
        if not math.isfinite(value):  # before it is saved: the last good state stays
            raise DivergedError(
                f"The training in {self.folder} has diverged: after {self.step} steps its values "
                "are not finite. Its last good state is still there; start again with lower rates, "
                "other pictures or another seed."
            )
        self.measured.append(value)
        if self.schedule.ends_from is None and self.patience.is_over(self.measured):
            after = max(1, round(self.patience.end * self.step))
            self.schedule = self.schedule.ending(self.step, after)

    def _log(self, line: Mapping[str, Any], watch: Watch | None) -> bool:
        """Write a line; return whether to go on, which the first process decides for all."""
        goes_on = True
        if parallel.is_first():
            with self.log.open("a") as file:
                file.write(json.dumps(line) + "\n")
            goes_on = watch is None or watch(line) is not False
        return bool(parallel.shared(goes_on))
