"""Train a fast network in several ways, each for the same seconds of one core.

    python runs/fast/trials.py HOW --photos DIR --painting FILE --out FOLDER

HOW is one of

- `loss`: by the loss alone, as `impasto train` does;
- `own`: also towards what a few evaluations of L-BFGS make of the network's own picture, with as
  long a gradient as the loss has;
- `pool`: first towards pictures that are descended once and kept with their features, then by the
  loss;
- `optimiser`: no network; the loss that 80 evaluations from the photograph reach on the same crops.

Adds a line of figures to `trials.jsonl` in the folder.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.engine.lbfgs import Lbfgs
from impasto.image.reading import read
from impasto.runtime import has_native_bfloat16, keep_freed_memory
from impasto.styles.statistics import Painting
from impasto.training import fast
from impasto.training.average import Average
from impasto.training.fast import FastTraining, NamedStyle
from impasto.training.painting_lesson import PaintingLesson, optimisers
from impasto.training.painting_loss import MARGIN, Features, inner
from impasto.training.photographs import find_pictures
from impasto.training.styles import StylePool

_OPTIMISED = 80  # evaluations
_COOL_DOWN, _WARM_UP = 0.8, 20  # as `impasto train` has them


@dataclass(frozen=True)
class Batch:
    """Photographs' features, and how they are to be painted."""

    features: Features
    styles: StylePool
    strength: Tensor


class Trial:
    """A training that ends after some seconds of this process."""

    def __init__(self, lesson: PaintingLesson, seconds: float) -> None:
        self.lesson, self.seconds = lesson, seconds
        self.optimisers = optimisers(lesson.network, lesson.options)
        self.average = Average(lesson.network, 0.98)
        self.step, self.began = 0, time.process_time()

    @property
    def spent(self) -> float:
        """The share of its seconds that are over."""
        return (time.process_time() - self.began) / self.seconds

    def batch(self, *, usual: bool = False) -> Batch:
        """Draw photographs and strengths; with `usual` only the strength 0.5."""
        lesson = self.lesson
        photos = next(lesson.crops)
        with reduced():
            features = lesson.painting_loss.features(photos)
        strength = lesson._strengths(len(photos))
        strength = torch.full_like(strength, 0.5) if usual else strength
        return Batch(features, picked(lesson, len(photos)), strength)

    def painted(self, batch: Batch) -> Tensor:
        """Return the batch as the network paints it."""
        with reduced():
            return self.lesson.paint(
                self.lesson.network, batch.features, batch.styles, batch.strength
            )

    def learn(self, painted: Tensor, gradient: Tensor) -> None:
        """Take a step along a gradient of the painted pixels."""
        fall = max(0.0, (1 - self.spent) / _COOL_DOWN)
        rate = min((self.step + 1) / _WARM_UP, 1.0, fall)
        painted.backward(gradient)  # type: ignore[no-untyped-call]
        for optimiser, peak in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = peak * rate
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.average.update(self.lesson.network, self.step)
        self.step += 1

    def learn_by_loss(self) -> None:
        """Take a step by the loss alone."""
        batch = self.batch()
        painted = self.painted(batch)
        _, gradient = evaluated(self.lesson, painted, batch)
        self.learn(painted, gradient / len(gradient))


def reduced() -> AbstractContextManager[object]:
    """Compute in bfloat16 where the processor does, as trainings do."""
    return torch.autocast("cpu", torch.bfloat16, enabled=has_native_bfloat16())


def picked(lesson: PaintingLesson, count: int) -> StylePool:
    """Return the one style, for each of `count` pictures."""
    return lesson.styles.pick(torch.zeros(count, dtype=torch.long))


def evaluated(lesson: PaintingLesson, pictures: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return each picture's loss, and its gradient."""
    pixels = pictures.detach().requires_grad_(True)
    with reduced():
        parts = lesson.painting_loss.parts(pixels, batch.features, batch.styles)
    each = parts.total(batch.strength)
    (gradient,) = torch.autograd.grad(each.sum(), pixels)
    return each.detach(), gradient


def descended(
    lesson: PaintingLesson, pictures: Tensor, batch: Batch, count: int
) -> tuple[Tensor, Tensor]:
    """Return pictures after `count` evaluations of L-BFGS, and the first one's gradient."""
    pixels = [one.contiguous() for one in torch.split(pictures.detach().clone(), 1)]
    runs, first = [Lbfgs() for _ in pixels], None
    for _ in range(count):
        losses, gradient = evaluated(lesson, torch.cat(pixels), batch)
        first = gradient.clone() if first is None else first
        for number, run in enumerate(runs):
            one = gradient[number : number + 1].contiguous()
            run.step(pixels[number], one.clone(), float(losses[number]))
    assert first is not None
    return torch.cat(pixels), first


def apart(pictures: Tensor, targets: Tensor, like: Tensor) -> Tensor:
    """Return the gradient of their squared distance without margins, of the length of another."""
    gradient = torch.zeros_like(targets)
    edge = slice(MARGIN, -MARGIN)
    gradient[..., edge, edge] = inner(pictures.detach() - targets)
    scaled: Tensor = gradient * like.norm() / gradient.norm()
    return scaled


def by_own(trial: Trial, count: int, until: float) -> None:
    """Train towards what its own pictures become as well, for a share of the time."""
    while trial.spent < until:
        batch = trial.batch()
        painted = trial.painted(batch)
        targets, gradient = descended(trial.lesson, painted, batch, count)
        both = gradient + apart(painted, targets, gradient)
        trial.learn(painted, both / len(both))


def by_pool(trial: Trial, count: int, until: float, batches: int) -> None:
    """Train towards kept pictures alone, for a share of the time."""
    kept = list(_kept(trial, count, batches))
    while trial.spent < until:
        batch, targets, like = kept[trial.step % batches]
        painted = trial.painted(batch)
        trial.learn(painted, apart(painted, targets, like) / len(like))


def _kept(trial: Trial, count: int, batches: int) -> Iterator[tuple[Batch, Tensor, Tensor]]:
    for _ in range(batches):
        batch = trial.batch(usual=True)
        with torch.no_grad():
            painted = trial.painted(batch)
        yield batch, *descended(trial.lesson, painted, batch, count)


def optimised(lesson: PaintingLesson) -> float:
    """Return the mean loss on the held-out crops after the optimiser."""
    losses = []
    for photos in torch.split(lesson.held_out, 4):
        with reduced():
            features = lesson.painting_loss.features(photos)
        count = len(photos)
        batch = Batch(features, picked(lesson, count), torch.full((count,), 0.5))
        pictures, _ = descended(lesson, photos, batch, _OPTIMISED)
        losses.append(evaluated(lesson, pictures, batch)[0])
    return float(torch.cat(losses).mean())


def figures(options: argparse.Namespace, lesson: PaintingLesson) -> dict[str, Any]:
    """Train in the way that the options say; return what came of it."""
    if options.how == "optimiser":
        return {"held_out": {"loss": round(optimised(lesson), 4)}}
    before = lesson.measure(lesson.network)
    trial = Trial(lesson, options.seconds)
    if options.how == "own":
        by_own(trial, options.evaluations, options.until)
    elif options.how == "pool":
        by_pool(trial, options.evaluations, options.until, options.kept)
    print(trial.step, "steps before the loss alone:", lesson.measure(trial.average.network))
    while trial.spent < 1:
        trial.learn_by_loss()
    seconds = round(time.process_time() - trial.began, 1)
    after = lesson.measure(trial.average.network)
    return {"steps": trial.step, "seconds": seconds, "before": before, "held_out": after}


def main() -> None:
    """Read the command line, train, and add the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=["loss", "own", "pool", "optimiser"])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--painting", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=150, help="of this process, of one core")
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--evaluations", type=int, default=4, help="that make a target")
    parser.add_argument("--until", type=float, default=1.0, help="share of the time with targets")
    parser.add_argument("--kept", type=int, default=12, help="batches of the pool")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    torch.manual_seed(0)
    painting = options.painting
    style = NamedStyle(painting.stem, "", Painting(read(painting).pixels))
    training = replace(FastTraining(), crop=options.crop, batch=options.batch)
    lesson = fast.start(training, [style], find_pictures(options.photos))
    said = {name: value for name, value in vars(options).items() if name not in ("photos", "out")}
    line = {**said, "painting": painting.stem, **figures(options, lesson)}
    options.out.mkdir(parents=True, exist_ok=True)
    with (options.out / "trials.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    print(line)


if __name__ == "__main__":
    main()
