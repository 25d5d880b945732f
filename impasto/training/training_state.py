"""Everything that a training in progress consists of, saved in a folder and restored from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import ImpastoError, WeightsError
from impasto.files import limits
from impasto.training import parallel, state
from impasto.training.average import Average
from impasto.training.lesson import Lesson
from impasto.training.schedule import Schedule

__all__ = ["TrainingState"]


@dataclass
class TrainingState:
    """A training in progress.

    Attributes:
        optimisers: each with its peak rate.
        folder: for the state and the log.
        step: how many are done.
        seconds: that they took.
        measured: the figure that should fall, at each measurement.
    """

    lesson: Lesson
    schedule: Schedule
    optimisers: Sequence[tuple[torch.optim.Optimizer, float]]
    folder: Path
    step: int = field(default=0, kw_only=True)
    seconds: float = field(default=0.0, kw_only=True)
    measured: list[float] = field(default_factory=list, kw_only=True)

    def __post_init__(self) -> None:
        self.average = Average(self.lesson.network)

    @property
    def file(self) -> Path:
        """The state's file."""
        return self.folder / "state.safetensors"

    @property
    def log(self) -> Path:
        """The log's file: a line of JSON every few steps."""
        return self.folder / "train.jsonl"

    def save(self) -> None:
        """Write the state, completely or not at all.

        Raises:
            WeightsError: the folder cannot be written to, or there is no space left.
        """
        tensors = {f"network.{k}": v for k, v in self.lesson.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.network.state_dict().items()}
        for i, (optimiser, _) in enumerate(self.optimisers):
            for j, moments in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser{i}.{j}.{k}": v for k, v in moments.items()}
        drawn = {name: source.get_state() for name, source in self.lesson.generators.items()}
        for number, states in enumerate(parallel.gathered(drawn)):
            tensors |= {f"generator{number}.{name}": drawn for name, drawn in states.items()}
        metadata = {
            "step": str(self.step),
            "seconds": str(self.seconds),
            "config": json.dumps(dict(self.lesson.config)),
            "measured": json.dumps(self.measured),
            "end": json.dumps([self.schedule.steps, self.schedule.ends_from]),
        }
        if parallel.is_first():
            state.write(self.file, tensors, metadata)

    def restore(self) -> None:
        """Continue from `save`, and drop the log's lines of later steps.

        The number of steps may differ from the one that the run was started with: the learning rate
        then follows the schedule of the new number.

        Raises:
            OptionError: another option differs.
            WeightsError: the state cannot be read, or belongs to another network.
        """
        tensors, metadata = state.read(self.file)
        try:
            self._restore(tensors, metadata)
        except (KeyError, RuntimeError, TypeError, ValueError) as problem:
            if isinstance(problem, ImpastoError):
                raise
            raise WeightsError(
                f"{self.file} is of another version of this training, or damaged: "
                f"{limits.short_message(problem)}. Remove its folder and train again, or use the "
                "version of Impasto that wrote it."
            ) from None

    def _restore(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        # Through JSON, as the stored one was: without tuples.
        config = json.loads(json.dumps(dict(self.lesson.config)))
        state.check_same(json.loads(metadata["config"]), config, self.folder)
        self.lesson.network.load_state_dict(state.under(tensors, "network."))
        self.average.network.load_state_dict(state.under(tensors, "average."))
        for i, (optimiser, _) in enumerate(self.optimisers):
            restored = optimiser.state_dict()
            for key, value in state.under(tensors, f"optimiser{i}.").items():
                j, name = key.split(".")
                restored["state"].setdefault(int(j), {})[name] = value
            optimiser.load_state_dict(restored)
        # An additional process draws as if it had just started.
        drawn = state.under(tensors, f"generator{parallel.rank()}.")
        for name, source in self.lesson.generators.items():
            if name in drawn:
                source.set_state(drawn[name])
        self.step, self.seconds = int(metadata["step"]), float(metadata["seconds"])
        self.measured = json.loads(metadata["measured"])
        steps, ends_from = json.loads(metadata["end"])
        if ends_from is not None:
            self.schedule = replace(self.schedule, steps=steps, ends_from=tuple(ends_from))
        if parallel.is_first():
            state.cut_log(self.log, self.step)
