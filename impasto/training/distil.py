"""Train `compact`, the embedded backbone, to predict a bigger network's activations.

    python -m impasto.training.distil --teacher FILE --photos DIR --paintings DIR --out runs/compact

The student starts from random weights. At relu1_1, 2_1, 3_1, 4_1 and 5_1 its lifted activations are
compared with the teacher's; the stages in between are supervised through linear heads that are
thrown away. The loss is the sum of the *logarithms* of the layers' relative errors, so that every
layer improves at the same relative pace: with a plain sum, the deep layers' larger errors leave
relu1_1 behind, and the pictures show it as grain.

A folder that holds a run is continued. `--steps` may then be another number, so that a finished run
can be trained longer: the learning rate goes back to where the longer schedule has it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import ImpastoError
from impasto.features.backbones import BACKBONES, COMPACT_LIFTS
from impasto.features.extractor import Extractor
from impasto.runtime import generator, has_native_bfloat16, keep_freed_memory
from impasto.training import state
from impasto.training.measuring import held_out_errors, square, variances
from impasto.training.muon import Muon
from impasto.training.pictures import Crops, find_pictures
from impasto.training.student import Student
from impasto.training.teacher import load_teacher

__all__ = [
    "HELD_OUT_EVERY",
    "HIDDEN_WEIGHT",
    "Average",
    "Distillation",
    "Run",
    "Student",
    "held_out_errors",
    "loss_of",
    "main",
    "square",
    "thin",
    "train",
    "variances",
]

HELD_OUT_EVERY = 20
HIDDEN_WEIGHT = 0.3

# The relative errors that are good enough: below its goal, a layer has little pull left.
GOALS = {"relu1_1": 0.015, "relu2_1": 0.02, "relu3_1": 0.05, "relu4_1": 0.08, "relu5_1": 0.15}
HIDDEN_GOAL = 0.1


@dataclass(frozen=True)
class Distillation:
    """How to train: 33,000 steps take about an hour on two cores with bfloat16."""

    steps: int = 33_000
    batch: int = 8
    crop: int = 160
    muon_lr: float = 0.02
    adam_lr: float = 2e-3
    cool_down: float = 0.73
    seed: int = 0

    def rate(self, step: int) -> float:
        """Learning rate over its peak: a short warm-up, a plateau, a straight fall to zero."""
        warm = min(1.0, (step + 1) / 200)
        left = (self.steps - step) / (self.steps * self.cool_down)
        return min(warm, 1.0, left)


def thin(features: Tensor, name: str, step: int) -> Tensor:
    """A grid of the positions of a shallow layer: enough for its loss, at a fraction of the cost.

    At relu1_1 the 64 lifted channels of every pixel cost more than the network itself. One position
    in 16 is used there, one in 4 at half and at quarter size; the grid moves with the step.
    """
    every = {"1": 4, "2": 2, "3": 2}.get(name[4], 1)
    rows = features.permute(0, 2, 3, 1)  # so that the gradient comes back with channels last
    return rows[:, step % every :: every, step // every % every :: every].permute(0, 3, 1, 2)


def loss_of(
    student: Student, teacher: Extractor, unit: dict[str, float], image: Tensor, step: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """The sum of the logarithms of the layers' relative errors, and the errors."""
    with torch.no_grad():
        taught = teacher(image, student.layers)
    learnt = student.net(image, student.layers)
    total = image.new_zeros(())
    errors: dict[str, Tensor] = {}
    for name in student.layers:
        target = teacher.lift(name, thin(taught[name], name, step)).detach()
        guess = student.predict(name, thin(learnt[name], name, step))
        error = (guess - target).float().square().mean() / unit[name]
        weight = 1.0 if name in COMPACT_LIFTS else HIDDEN_WEIGHT
        total = total + weight * torch.log(error + GOALS.get(name, HIDDEN_GOAL))
        if name in COMPACT_LIFTS:
            errors[name] = error.detach()
    return total, errors


class Average:
    """Exponential moving average of the weights: what is measured and shipped."""

    def __init__(self, net: Extractor, decay: float = 0.999) -> None:
        self.decay = decay
        self.net = Extractor(
            net.plan, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), net.padding, BACKBONES["compact"].lifts
        )
        self.net.load_state_dict(net.state_dict())
        self.net.mean, self.net.std = net.mean, net.std
        self.net.requires_grad_(False)

    @torch.no_grad()
    def update(self, net: Extractor, step: int) -> None:
        """One step of the average; short at first, so that the random start is soon forgotten."""
        decay = min(self.decay, (step + 1) / (step + 10))
        torch._foreach_lerp_(list(self.net.parameters()), list(net.parameters()), 1 - decay)


class Run:
    """A training's whole state, in a folder that it can be continued from."""

    def __init__(
        self, config: Distillation, teacher: Extractor, measured: list[Tensor], folder: Path
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.teacher, self.folder = config, teacher, folder
        self.student = Student(teacher)
        self.student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.unit = variances(teacher, self.student.layers, measured)
        self.average = Average(self.student.net)
        matrices = [c.get_parameter("weight") for c in self.student.net.convs.values()]
        taken = {id(w) for w in matrices}
        rest = [p for p in self.student.parameters() if id(p) not in taken]
        self.optimisers = [
            Muon(matrices, lr=config.muon_lr),
            torch.optim.AdamW(rest, lr=config.adam_lr, betas=(0.9, 0.99), weight_decay=0.0),
        ]
        self.step, self.seconds = 0, 0.0
        self.generator = generator(config.seed)

    def advance(self, image: Tensor) -> dict[str, Tensor]:
        """One step of both optimisers; the layers' errors on this batch."""
        fast = self.config.rate(self.step)
        for optimiser, peak in zip(
            self.optimisers, (self.config.muon_lr, self.config.adam_lr), strict=True
        ):
            for group in optimiser.param_groups:
                group["lr"] = peak * fast
        with torch.autocast("cpu", torch.bfloat16, enabled=has_native_bfloat16()):
            loss, errors = loss_of(self.student, self.teacher, self.unit, image, self.step)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.average.update(self.student.net, self.step)
        self.step += 1
        return errors

    def save(self) -> None:
        """Write the state, whole or not at all.

        Raises:
            WeightsError: the folder cannot be written to, or there is no space left.
        """
        tensors = {f"student.{k}": v for k, v in self.student.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.net.state_dict().items()}
        for i, optimiser in enumerate(self.optimisers):
            for j, kept in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser{i}.{j}.{k}": v for k, v in kept.items()}
        tensors["generator"] = self.generator.get_state()
        about = {
            "step": str(self.step),
            "seconds": str(self.seconds),
            "config": json.dumps(asdict(self.config)),
        }
        state.write(self.folder / "state.safetensors", tensors, about)

    def restore(self) -> None:
        """Go on from `save`, and take back what the log says of later steps.

        The number of steps may differ from the one that the run was begun with: the learning rate
        then follows the schedule of the new number.

        Raises:
            OptionError: another option differs.
            WeightsError: the state cannot be read.
        """
        tensors, about = state.read(self.folder / "state.safetensors")
        state.check_same(json.loads(about["config"]), asdict(self.config), self.folder)
        self.student.load_state_dict(state.under(tensors, "student."))
        self.average.net.load_state_dict(state.under(tensors, "average."))
        for i, optimiser in enumerate(self.optimisers):
            whole = optimiser.state_dict()
            for key, value in state.under(tensors, f"optimiser{i}.").items():
                j, name = key.split(".")
                whole["state"].setdefault(int(j), {})[name] = value
            optimiser.load_state_dict(whole)
        self.generator.set_state(tensors["generator"])
        self.step, self.seconds = int(about["step"]), float(about["seconds"])
        state.cut_log(self.folder / "train.jsonl", self.step)


def train(run: Run, crops: Iterator[Tensor], held_out: list[Tensor], log_every: int = 100) -> None:
    """Train to the end; a line of JSON every `log_every` steps, the state every thousand.

    Both come after the last step too, whatever its number.
    """
    log = run.folder / "train.jsonl"
    sums: dict[str, Tensor] = {}
    summed = 0
    while run.step < run.config.steps:
        started = time.perf_counter()
        for name, error in run.advance(next(crops)).items():
            sums[name] = sums.get(name, torch.zeros(())) + error
        summed += 1
        run.seconds += time.perf_counter() - started
        is_saved = run.step % 1000 == 0 or run.step == run.config.steps
        if run.step % log_every and not is_saved:
            continue
        line: dict[str, object] = {"step": run.step, "seconds": round(run.seconds, 1)}
        line["train"] = {k: round(float(v) / summed, 5) for k, v in sums.items()}
        sums, summed = {}, 0
        if is_saved:
            run.save()
            errors = held_out_errors(run.average.net, run.teacher, held_out)
            line["held_out"] = {k: round(v, 5) for k, v in errors.items()}
        with log.open("a") as file:
            file.write(json.dumps(line) + "\n")


def main() -> None:
    """Read the command line, train, and continue a run that its folder holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", required=True, help="a file, or vgg19")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=Distillation.steps)
    try:
        _run(parser.parse_args())
    except ImpastoError as error:
        sys.exit(str(error))


def _run(options: argparse.Namespace) -> None:
    keep_freed_memory()
    options.out.mkdir(parents=True, exist_ok=True)
    photos = find_pictures(options.photos)
    held_out = photos[::HELD_OUT_EVERY]
    trained = [p for p in photos if p not in set(held_out)] + find_pictures(options.paintings) * 2
    config = Distillation(steps=options.steps)
    measured = [square(p) for p in held_out]
    run = Run(config, load_teacher(options.teacher), measured, options.out)
    if (options.out / "state.safetensors").exists():
        run.restore()
    crops = Crops(trained, config.crop, config.batch, run.generator)
    train(run, iter(crops), measured)


if __name__ == "__main__":
    main()
