"""Train `compact`, the embedded backbone, to predict a bigger network's activations.

    python -m impasto.training.distil --teacher FILE --photos DIR --paintings DIR --out runs/compact

The student starts from random weights. At relu1_1, 2_1, 3_1, 4_1 and 5_1 its lifted activations are
compared with the teacher's; the stages in between are supervised through linear heads that are
thrown away. The loss is the sum of the *logarithms* of the layers' relative errors, so that every
layer improves at the same relative pace: with a plain sum, the deep layers' larger errors leave
relu1_1 behind, and the pictures show it as grain.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from impasto.features.backbones import BACKBONES, COMPACT_LIFTS
from impasto.features.extractor import Extractor
from impasto.features.plan import Conv, relu_name
from impasto.runtime import generator, has_native_bfloat16, keep_freed_memory
from impasto.training.measuring import held_out_errors, square, variances
from impasto.training.muon import Muon
from impasto.training.pictures import Crops, find_pictures
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


class Student(nn.Module):
    """`compact` and, for the training alone, a linear head for each of its other ReLU layers."""

    def __init__(self, teacher: Extractor) -> None:
        super().__init__()
        spec = BACKBONES["compact"]
        self.net = Extractor(spec.plan, spec.mean, spec.std, spec.padding, spec.lifts)
        widths = {relu_name(op.name): op.outputs for op in spec.plan if isinstance(op, Conv)}
        taught = {relu_name(op.name): op.outputs for op in teacher.plan if isinstance(op, Conv)}
        self.heads = nn.ModuleDict(
            {
                name: nn.Conv2d(widths[name], taught[name], 1)
                for name in widths
                if name not in COMPACT_LIFTS and name in taught
            }
        )
        for conv in self.net.convs.values():
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)

    @property
    def layers(self) -> list[str]:
        """The layers that are supervised: those of `compact` first."""
        return [*COMPACT_LIFTS, *self.heads]

    def predict(self, name: str, features: Tensor) -> Tensor:
        """The student's guess at the teacher's layer `name`."""
        guess: Tensor = (
            self.heads[name](features) if name in self.heads else self.net.lift(name, features)
        )
        return guess


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
        """Write the state, whole or not at all."""
        tensors = {f"student.{k}": v for k, v in self.student.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.net.state_dict().items()}
        for i, optimiser in enumerate(self.optimisers):
            for j, state in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser{i}.{j}.{k}": v for k, v in state.items()}
        tensors["generator"] = self.generator.get_state()
        meta = {
            "step": str(self.step),
            "seconds": str(self.seconds),
            "config": json.dumps(asdict(self.config)),
        }
        partial = self.folder / "state.partial"
        save_file({k: v.contiguous() for k, v in tensors.items()}, partial, meta)
        partial.replace(self.folder / "state.safetensors")

    def restore(self) -> None:
        """Go on from `save`."""
        path = self.folder / "state.safetensors"
        with safe_open(path, "pt") as file:
            meta = file.metadata()
        tensors = load_file(path)
        self.student.load_state_dict(_under(tensors, "student."))
        self.average.net.load_state_dict(_under(tensors, "average."))
        for i, optimiser in enumerate(self.optimisers):
            whole = optimiser.state_dict()
            for key, value in _under(tensors, f"optimiser{i}.").items():
                j, name = key.split(".")
                whole["state"].setdefault(int(j), {})[name] = value
            optimiser.load_state_dict(whole)
        self.generator.set_state(tensors["generator"])
        self.step, self.seconds = int(meta["step"]), float(meta["seconds"])


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def train(run: Run, crops: Iterator[Tensor], held_out: list[Tensor], log_every: int = 100) -> None:
    """Train to the end; a line of JSON every `log_every` steps, the state every thousand."""
    log = run.folder / "train.jsonl"
    sums: dict[str, Tensor] = {}
    while run.step < run.config.steps:
        started = time.perf_counter()
        for name, error in run.advance(next(crops)).items():
            sums[name] = sums.get(name, torch.zeros(())) + error
        run.seconds += time.perf_counter() - started
        if run.step % log_every:
            continue
        line: dict[str, object] = {"step": run.step, "seconds": round(run.seconds, 1)}
        line["train"] = {k: round(float(v) / log_every, 5) for k, v in sums.items()}
        sums = {}
        if run.step % 1000 == 0 or run.step == run.config.steps:
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
    options = parser.parse_args()

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
