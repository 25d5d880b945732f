"""The one training loop: every network here is trained by it, whatever it learns."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from impasto.errors import DivergedError, ImpastoError, WeightsError
from impasto.files import limits
from impasto.run.checkpoint_pace import Pace
from impasto.runtime import pick_precision
from impasto.training import parallel, state

__all__ = ["Average", "Lesson", "Loop", "Patience", "Randomness", "Schedule"]

Figures = Mapping[str, Tensor]

# Of a training's time, that writing states between the measurements may take.
_SHARE = 0.02


@dataclass(frozen=True)
class Schedule:
    """The learning rate over its peak: a short warm-up, a plateau, a straight fall to zero.

    Attributes:
        steps: of the whole training.
        cool_down: the share of them that the fall takes.
        warm_up: steps.
        ends_from: the step at which it was decided to end earlier, and the rate then, which falls
            to zero from there.
    """

    steps: int
    cool_down: float = 0.73
    warm_up: int = 200
    ends_from: tuple[int, float] | None = None

    def rate(self, step: int) -> float:
        """At a step, from 0."""
        if self.ends_from is not None:
            since, rate = self.ends_from
            return rate * (self.steps - step) / max(1, self.steps - since)
        left = (self.steps - step) / (self.steps * self.cool_down)
        return min((step + 1) / self.warm_up, 1.0, left)

    def ending(self, step: int, after: int) -> Schedule:
        """The same until `step`, and from there on a short end of `after` steps."""
        return replace(self, steps=min(self.steps, step + after), ends_from=(step, self.rate(step)))


@dataclass(frozen=True)
class Patience:
    """When a training has learnt all that it will.

    Attributes:
        figure: of those measured, the one that should fall.
        times: how many measurements in a row may bring nothing; 0 for a training that goes to its
            end in any case.
        gain: the share by which it must have fallen to have brought something.
        end: the share of the steps done that the end takes, in which the rate falls to zero.
    """

    figure: str = "loss"
    times: int = 0
    gain: float = 0.005
    end: float = 0.15

    def is_over(self, values: Sequence[float]) -> bool:
        """Whether the last of these brought nothing any more."""
        if not self.times or len(values) <= self.times:
            return False
        before = min(values[: -self.times])
        return min(values[-self.times :]) > before * (1 - self.gain)


@runtime_checkable
class Randomness(Protocol):
    """What random numbers come from, such as a `torch.Generator`."""

    def get_state(self) -> Tensor:
        """All that the numbers to come depend on."""
        ...

    def set_state(self, state: Tensor) -> object:
        """Go on from a state."""
        ...


@runtime_checkable
class Lesson(Protocol):
    """What is learnt: a network, how it is taught and how it is judged."""

    @property
    def network(self) -> nn.Module:
        """All that is trained."""
        ...

    @property
    def config(self) -> Mapping[str, Any]:
        """What must not change when a training is gone on with, but for `steps`."""
        ...

    @property
    def generators(self) -> Mapping[str, Randomness]:
        """Where everything random of the lesson comes from, by name."""
        ...

    def loss(self, step: int) -> tuple[Tensor, Figures]:
        """What to lower at a step, and figures for the log, without gradients."""
        ...

    def measure(self, network: nn.Module) -> Mapping[str, Any]:
        """Figures on what was not trained on, of the averaged network."""
        ...


class Average:
    """Exponential moving average of a network's weights: what is measured and shipped."""

    def __init__(self, network: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """One step of the average; short at first, so that the random start is soon forgotten."""
        decay = min(self.decay, (step + 1) / (step + 10))
        ours: list[Tensor] = list(self.network.parameters())
        theirs: list[Tensor] = list(network.parameters())
        torch._foreach_lerp_(ours, theirs, 1 - decay)


@dataclass
class Loop:
    """A training's whole state, in a folder that it can be gone on from.

    Attributes:
        optimisers: each with its peak rate.
        save_every, log_every: steps; a state is measured, too.
        save_seconds: a state is written as often as this as well, as steps can be long.
        patience: when it ends before its last step.
    """

    lesson: Lesson
    schedule: Schedule
    optimisers: Sequence[tuple[torch.optim.Optimizer, float]]
    folder: Path
    log_every: int = 100
    save_every: int = 1000
    save_seconds: float = 60.0
    patience: Patience = Patience()
    step: int = 0
    seconds: float = 0.0
    measured: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.average = Average(self.lesson.network)
        self.device = next(self.lesson.network.parameters()).device
        self.has_bfloat16 = pick_precision("auto", self.device) == torch.bfloat16

    @property
    def file(self) -> Path:
        """The state's."""
        return self.folder / "state.safetensors"

    @property
    def log(self) -> Path:
        """A line of JSON for every so many steps."""
        return self.folder / "train.jsonl"

    def run(self, told: Callable[[Mapping[str, Any]], object] | None = None) -> bool:
        """Train to the end; the state and the log are written on the way, and after the last step.

        Args:
            told: is given each line of the log; an answer of False stops the training there, with
                its state saved.

        Returns:
            Whether it came to its end.
        """
        sums: dict[str, Tensor] = {}
        summed = 0
        pace = Pace(self.save_seconds, _SHARE, time.monotonic())
        while self.step < self.schedule.steps:
            started = time.perf_counter()
            for name, figure in self.advance().items():
                sums[name] = sums.get(name, torch.zeros_like(figure)) + figure
            summed += 1
            self.seconds += time.perf_counter() - started
            is_last = self.step == self.schedule.steps
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
            if not self._log(line, told) and self.step < self.schedule.steps:
                self.save()
                return False
        return True

    def _save_if_due(self, pace: Pace) -> None:
        """Save between two measurements; the first process's clock decides for all."""
        # States are all as large: what the last one took is foretold by any size.
        is_due = pace.is_due(time.monotonic(), lambda: 1) and self._is_sound()
        if parallel.shared(is_due):
            self._save_at(pace)

    def _is_sound(self) -> bool:
        """Whether there is a number in every weight: the last good state is worth more."""
        return all(bool(p.isfinite().all()) for p in self.lesson.network.parameters())

    def _save_at(self, pace: Pace) -> None:
        began = time.monotonic()
        self.save()
        pace.wrote(began, time.monotonic(), 1)

    def _line(self, train: Mapping[str, float], *, is_measured: bool) -> dict[str, Any]:
        """A line of the log; where it is measured, the end is decided on as well."""
        line: dict[str, Any] = {"step": self.step, "seconds": round(self.seconds, 1)}
        line["train"] = train
        if is_measured:
            # The first process's figures, as on other cards the last digits may differ.
            line["held_out"] = parallel.shared(dict(self.lesson.measure(self.average.network)))
            self._consider(line["held_out"])
        return line

    def _consider(self, found: Mapping[str, Any]) -> None:
        """End soon if nothing is learnt any more."""
        value = float(found.get(self.patience.figure, 0.0))
        if not math.isfinite(value):  # before it is saved: the last good state stays
            raise DivergedError(
                f"The training in {self.folder} has come to values that are no numbers after "
                f"{self.step} steps. Its last good state is there still; begin anew with lower "
                "rates, other pictures or another seed."
            )
        self.measured.append(value)
        if self.schedule.ends_from is None and self.patience.is_over(self.measured):
            after = max(1, round(self.patience.end * self.step))
            self.schedule = self.schedule.ending(self.step, after)

    def _log(
        self, line: Mapping[str, Any], told: Callable[[Mapping[str, Any]], object] | None
    ) -> bool:
        """Whether to go on, which the first process decides for all."""
        goes_on = True
        if parallel.is_first():
            with self.log.open("a") as file:
                file.write(json.dumps(line) + "\n")
            goes_on = told is None or told(line) is not False
        return bool(parallel.shared(goes_on))

    def advance(self) -> Figures:
        """One step of all optimisers; the lesson's figures on it."""
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

    def save(self) -> None:
        """Write the state, whole or not at all.

        Raises:
            WeightsError: the folder cannot be written to, or there is no space left.
        """
        tensors = {f"network.{k}": v for k, v in self.lesson.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.network.state_dict().items()}
        for i, (optimiser, _) in enumerate(self.optimisers):
            for j, kept in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser{i}.{j}.{k}": v for k, v in kept.items()}
        own = {name: each.get_state() for name, each in self.lesson.generators.items()}
        for number, states in enumerate(parallel.gathered(own)):
            tensors |= {f"generator{number}.{name}": kept for name, kept in states.items()}
        about = {
            "step": str(self.step),
            "seconds": str(self.seconds),
            "config": json.dumps(dict(self.lesson.config)),
            "measured": json.dumps(self.measured),
            "end": json.dumps([self.schedule.steps, self.schedule.ends_from]),
        }
        if parallel.is_first():
            state.write(self.file, tensors, about)

    def restore(self) -> None:
        """Go on from `save`, and take back what the log says of later steps.

        The number of steps may differ from the one that the run was begun with: the learning rate
        then follows the schedule of the new number.

        Raises:
            OptionError: another option differs.
            WeightsError: the state cannot be read, or is another network's.
        """
        tensors, about = state.read(self.file)
        try:
            self._restore(tensors, about)
        except (KeyError, RuntimeError, TypeError, ValueError) as problem:
            if isinstance(problem, ImpastoError):
                raise
            raise WeightsError(
                f"{self.file} is of another version of this training, or damaged: "
                f"{limits.short_message(problem)}. Remove its folder and train anew, or take the "
                "version of Impasto that wrote it."
            ) from None

    def _restore(self, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
        # As it comes back: without tuples.
        config = json.loads(json.dumps(dict(self.lesson.config)))
        state.check_same(json.loads(about["config"]), config, self.folder)
        self.lesson.network.load_state_dict(state.under(tensors, "network."))
        self.average.network.load_state_dict(state.under(tensors, "average."))
        for i, (optimiser, _) in enumerate(self.optimisers):
            whole = optimiser.state_dict()
            for key, value in state.under(tensors, f"optimiser{i}.").items():
                j, name = key.split(".")
                whole["state"].setdefault(int(j), {})[name] = value
            optimiser.load_state_dict(whole)
        # A process more than there were then draws as if it had just begun.
        drawn = state.under(tensors, f"generator{parallel.rank()}.")
        for name, each in self.lesson.generators.items():
            if name in drawn:
                each.set_state(drawn[name])
        self.step, self.seconds = int(about["step"]), float(about["seconds"])
        self.measured = json.loads(about["measured"])
        steps, ends_from = json.loads(about["end"])
        if ends_from is not None:
            self.schedule = replace(self.schedule, steps=steps, ends_from=tuple(ends_from))
        if parallel.is_first():
            state.cut_log(self.log, self.step)
