"""Train `compact`, the embedded backbone, to predict a bigger network's activations.

    python -m tools.distil --teacher FILE --photos DIR --paintings DIR --out runs/compact

The student starts from random weights. At relu1_1, 2_1, 3_1, 4_1 and 5_1 its lifted activations are
compared with the teacher's; the stages in between are supervised through linear heads that are
discarded. The loss is the sum of the *logarithms* of the layers' relative errors, so that every
layer improves at the same relative pace: in a plain sum, the deep layers' larger errors leave
relu1_1 behind, which the pictures show as grain.

A run that its folder holds is continued. `--steps` may then be another number, so that a finished
run can be trained longer: the learning rate goes back to where the longer schedule has it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from impasto.errors import ImpastoError
from impasto.features.backbones import COMPACT_LIFTS
from impasto.features.extractor import Extractor
from impasto.runtime import generator, keep_freed_memory
from impasto.training.loop import Loop
from impasto.training.measuring import held_out_errors, square, variances
from impasto.training.muon import Muon
from impasto.training.photographs import find_pictures
from impasto.training.pictures import Ahead, Crops
from impasto.training.schedule import Schedule
from tools.student import Student
from tools.teacher import load_teacher

__all__ = [
    "GOALS",
    "HELD_OUT_EVERY",
    "Distillation",
    "DistillationLesson",
    "loop_of",
    "loss_of",
    "main",
    "thin",
]

HELD_OUT_EVERY = 20
_HIDDEN_WEIGHT = 0.3

# Relative errors that are good enough: below its goal, a layer has little influence on the loss.
GOALS = {"relu1_1": 0.015, "relu2_1": 0.02, "relu3_1": 0.05, "relu4_1": 0.08, "relu5_1": 0.15}
_HIDDEN_GOAL = 0.1


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


def thin(features: Tensor, name: str, step: int) -> Tensor:
    """Take a grid of a shallow layer's positions: enough for its loss, at a fraction of the cost.

    At relu1_1 the 64 lifted channels of all pixels cost more than the network itself. One position
    in 16 is used there, one in 4 at half and at quarter size; the grid shifts with the step.
    """
    spacing = {"1": 4, "2": 2, "3": 2}.get(name[4], 1)
    rows = features.permute(0, 2, 3, 1)  # so that the gradient comes back with channels last
    return rows[:, step % spacing :: spacing, step // spacing % spacing :: spacing].permute(
        0, 3, 1, 2
    )


def loss_of(
    student: Student, teacher: Extractor, unit: dict[str, float], image: Tensor, step: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the sum of the logarithms of the layers' relative errors, and the errors."""
    with torch.no_grad():
        targets = teacher(image, student.layers)
    guesses = student.net(image, student.layers)
    total = image.new_zeros(())
    errors: dict[str, Tensor] = {}
    for name in student.layers:
        target = teacher.lift(name, thin(targets[name], name, step)).detach()
        guess = student.predict(name, thin(guesses[name], name, step))
        error = (guess - target).float().square().mean() / unit[name]
        weight = 1.0 if name in COMPACT_LIFTS else _HIDDEN_WEIGHT
        total = total + weight * torch.log(error + GOALS.get(name, _HIDDEN_GOAL))
        if name in COMPACT_LIFTS:
            errors[name] = error.detach()
    return total, errors


class DistillationLesson:
    """`compact` predicts its teacher's activations.

    Args:
        photos: the pictures to learn from.
        held_out: pictures to measure with.
    """

    def __init__(
        self,
        options: Distillation,
        teacher: Extractor,
        photos: Sequence[Path],
        held_out: list[Tensor],
    ) -> None:
        self.options, self.config = options, asdict(options)
        self.teacher, self.held_out = teacher, held_out
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.network = Student(teacher)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.unit = variances(teacher, self.network.layers, held_out)
        self.crops = Ahead(Crops(photos, options.crop, options.batch, generator(options.seed)))

    @property
    def generators(self) -> Mapping[str, Ahead]:
        """The crops, as nothing else is random."""
        return {"crops": self.crops}

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and the layers' errors on it."""
        return loss_of(self.network, self.teacher, self.unit, next(self.crops), step)

    def measure(self, network: nn.Module) -> dict[str, float]:
        """Return the layers' errors on held-out pictures."""
        assert isinstance(network, Student)
        errors = held_out_errors(network.net, self.teacher, self.held_out)
        return {name: round(error, 5) for name, error in errors.items()}


def loop_of(lesson: DistillationLesson, folder: Path, log_every: int = 100) -> Loop:
    """Return a distillation in a folder; `restore` continues from a state there."""
    options, student = lesson.options, lesson.network
    matrices = [conv.get_parameter("weight") for conv in student.net.convs.values()]
    listed = {id(weight) for weight in matrices}
    plain = [p for p in student.parameters() if id(p) not in listed]
    adam = torch.optim.AdamW(plain, lr=options.adam_lr, betas=(0.9, 0.99), weight_decay=0.0)
    pairs = [(Muon(matrices, lr=options.muon_lr), options.muon_lr), (adam, options.adam_lr)]
    schedule = Schedule(options.steps, options.cool_down)
    return Loop(lesson, schedule, pairs, folder, log_every=log_every)


def main() -> None:
    """Read the command line and train; continue a run that was stopped."""
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
    loop = loop_of(
        DistillationLesson(config, load_teacher(options.teacher), trained, measured), options.out
    )
    if loop.file.exists():
        loop.restore()
    loop.run()


if __name__ == "__main__":
    main()
