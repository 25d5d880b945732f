"""The one training loop: every network here is trained by it, whatever it learns."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from impasto.runtime import pick_precision
from impasto.training import state

__all__ = ["Average", "Lesson", "Loop", "Schedule"]

Figures = Mapping[str, Tensor]


@dataclass(frozen=True)
class Schedule:
    """The learning rate over its peak: a short warm-up, a plateau, a straight fall to zero.

    Attributes:
        steps: of the whole training.
        cool_down: the share of them that the fall takes.
        warm_up: steps.
    """

    steps: int
    cool_down: float = 0.73
    warm_up: int = 200

    def rate(self, step: int) -> float:
        """At a step, from 0."""
        left = (self.steps - step) / (self.steps * self.cool_down)
        return min((step + 1) / self.warm_up, 1.0, left)


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
    def generator(self) -> torch.Generator:
        """Where everything random of the lesson comes from."""
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
        save_every, log_every: steps.
    """

    lesson: Lesson
    schedule: Schedule
    optimisers: Sequence[tuple[torch.optim.Optimizer, float]]
    folder: Path
    log_every: int = 100
    save_every: int = 1000
    step: int = 0
    seconds: float = 0.0

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

    def run(self, told: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        """Train to the end; the state and the log are written on the way, and after the last step.

        Args:
            told: is given each line of the log.
        """
        sums: dict[str, Tensor] = {}
        summed = 0
        while self.step < self.schedule.steps:
            started = time.perf_counter()
            for name, figure in self.advance().items():
                sums[name] = sums.get(name, torch.zeros_like(figure)) + figure
            summed += 1
            self.seconds += time.perf_counter() - started
            is_last = self.step == self.schedule.steps
            is_saved = is_last or self.step % self.save_every == 0
            if self.step % self.log_every and not is_saved:
                continue
            line: dict[str, Any] = {"step": self.step, "seconds": round(self.seconds, 1)}
            line["train"] = {name: round(float(v) / summed, 5) for name, v in sums.items()}
            sums, summed = {}, 0
            if is_saved:
                self.save()
                line["held_out"] = dict(self.lesson.measure(self.average.network))
            with self.log.open("a") as file:
                file.write(json.dumps(line) + "\n")
            if told is not None:
                told(line)

    def advance(self) -> Figures:
        """One step of all optimisers; the lesson's figures on it."""
        rate = self.schedule.rate(self.step)
        for optimiser, peak in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = peak * rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.has_bfloat16):
            loss, figures = self.lesson.loss(self.step)
        loss.backward()  # type: ignore[no-untyped-call]
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
        tensors["generator"] = self.lesson.generator.get_state()
        about = {
            "step": str(self.step),
            "seconds": str(self.seconds),
            "config": json.dumps(dict(self.lesson.config)),
        }
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
        state.check_same(json.loads(about["config"]), dict(self.lesson.config), self.folder)
        self.lesson.network.load_state_dict(state.under(tensors, "network."))
        self.average.network.load_state_dict(state.under(tensors, "average."))
        for i, (optimiser, _) in enumerate(self.optimisers):
            whole = optimiser.state_dict()
            for key, value in state.under(tensors, f"optimiser{i}.").items():
                j, name = key.split(".")
                whole["state"].setdefault(int(j), {})[name] = value
            optimiser.load_state_dict(whole)
        self.lesson.generator.set_state(tensors["generator"])
        self.step, self.seconds = int(about["step"]), float(about["seconds"])
        state.cut_log(self.log, self.step)
