"""Train the network that paints in any style at once.

    python -m tools.instant --photos DIR --paintings DIR --out runs/instant

It learns to lower the loss of `--method gatys`, at every strength: the content at relu4_1, the
styles as Gaussians at five layers in units of the photograph's own distance, and the total
variation. For video it also learns that a photograph shifted a little gives a painting shifted as
much.

A run that its folder holds is continued. On several graphics cards: `torchrun --nproc-per-node 4 -m
tools.instant …`.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError, PictureError
from impasto.features import weights
from impasto.networks.checkpoint import INSTANT, digest, load_instant
from impasto.networks.instant import InstantNetwork
from impasto.runtime import generator, keep_freed_memory, pick_device
from impasto.training import parallel
from impasto.training.curves import plot_log
from impasto.training.loop import Loop
from impasto.training.painting_lesson import (
    PaintingLesson,
    PaintingOptions,
    optimisers,
    squares,
)
from impasto.training.photographs import find_pictures
from impasto.training.schedule import Schedule
from impasto.training.styles import StylePool
from tools.embed import embed

__all__ = ["InstantTraining", "lesson_of", "loop_of", "main"]

# One photograph in so many is held out.
_HELD_OUT_EVERY = 60


@dataclass(frozen=True)
class InstantTraining(PaintingOptions):
    """How to train.

    Attributes:
        views: of paintings, each a style.
    """

    views: int = 1_500
    usual: float = 0.25
    measured: tuple[float, ...] = (0.25, 0.9)


def lesson_of(
    options: InstantTraining,
    photos: Sequence[Path],
    paintings: Sequence[Path],
    held_out: Sequence[Path],
    held_out_paintings: Sequence[Path],
    start: InstantNetwork | None = None,
    device: str = "cpu",
) -> PaintingLesson:
    """Prepare a lesson: photographs in views of paintings.

    Args:
        photos: the files to learn from.
        paintings: whose views are the styles.
        held_out, held_out_paintings: photographs and paintings to measure with.
        start: a network to start from, in place of random weights.
    """
    place = pick_device(device)
    extractor = weights.load("compact").to(place)
    styles = StylePool.of(paintings, options.views, extractor, generator(1))
    count = len(held_out_paintings)
    targets = StylePool.of(held_out_paintings, count, extractor, generator(2), disturbed=False)
    if start is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            network = InstantNetwork()
        _normalise(network, styles)
    else:
        network = copy.deepcopy(start).train().requires_grad_(True)
    cut = squares(held_out, options.crop)
    rank = parallel.rank()
    return PaintingLesson(options, network.to(place), extractor, photos, styles, cut, targets, rank)


def _normalise(network: InstantNetwork, styles: StylePool) -> None:
    """Scale the network's inputs, from styles and photographs, to about 1."""
    network.reader.mean.copy_(styles.summaries.mean(0))
    network.reader.deviation.copy_(styles.summaries.std(0).clamp(min=1e-3))
    network.units.copy_(styles.sizes())


def loop_of(lesson: PaintingLesson, folder: Path) -> Loop:
    """Return the training in a folder, restored if it was stopped there."""
    options = lesson.options
    schedule = Schedule(options.steps, options.cool_down)
    loop = Loop(lesson, schedule, optimisers(lesson.network, options), folder)
    if loop.file.exists():
        loop.restore()
    return loop


def main() -> None:
    """Read the command line and train; continue a run that was stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, nargs="+", required=True)
    parser.add_argument("--others", type=Path, nargs="+", help="paintings to measure with")
    parser.add_argument("--out", type=Path, required=True)
    for name in ("steps", "batch", "crop", "views"):
        parser.add_argument(f"--{name}", type=int, default=getattr(InstantTraining, name))
    for name in ("steady", "muon_lr", "adam_lr"):
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=float, default=getattr(InstantTraining, name))
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, xpu or mps")
    parser.add_argument("--start", type=Path, help="weights to start from, in place of random ones")
    parser.add_argument("--minutes", type=float, help="that it may take, in place of --steps")
    parser.add_argument("--embed", action="store_true", help="put the result into the package")
    try:
        _run(parser.parse_args())
    except ImpastoError as error:
        sys.exit(str(error))


def _run(arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    keep_freed_memory()
    arguments.out.mkdir(parents=True, exist_ok=True)
    photos, paintings = find_pictures(arguments.photos), find_pictures(*arguments.paintings)
    measured = find_pictures(*arguments.others) if arguments.others else paintings[::11]
    held_out = photos[::_HELD_OUT_EVERY]
    names = ("steps", "batch", "crop", "views", "steady", "muon_lr", "adam_lr")
    chosen: dict[str, Any] = {name: getattr(arguments, name) for name in names}
    start = None if arguments.start is None else load_instant(arguments.start)
    begins = "" if arguments.start is None else digest(arguments.start)
    options = InstantTraining(start=begins, **chosen)
    learnt = [path for path in photos if path not in held_out]
    excluded = {path.name for path in measured}
    styles = [path for path in paintings if path.name not in excluded]
    if not styles:
        raise PictureError(
            f"There is no painting left to learn from: all {len(paintings)} of them are used to "
            "measure. Give more, or other ones with --others."
        )
    with parallel.together():
        lesson = lesson_of(options, learnt, styles, held_out, measured, start, arguments.device)
        loop = loop_of(lesson, arguments.out)
        if arguments.minutes is not None:
            loop.deadline = began + 60 * arguments.minutes
        loop.run(lambda line: print(line, flush=True))
        is_first = parallel.is_first()
    if arguments.embed and is_first:
        INSTANT.parent.mkdir(exist_ok=True)
        embed(arguments.out, INSTANT)
        log, curves = arguments.out / "train.jsonl", arguments.out / "training.png"
        plot_log(log, curves, "instant, during its training")


if __name__ == "__main__":
    main()
