"""Train the network of `instant` on, with a weight on colour that is finer than it should be.

    python runs/instant/fringes/train.py --photos DIR --paintings DIR --others DIR --out FOLDER

Colour is what a picture is without its brightness; fine is what of it averages over cells of 2, 4
and 8 pixels take away. A picture may have as much, as a mean square, as its painting or its
photograph, whichever has more. What it has beyond that is added to the loss.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features import weights
from impasto.networks.checkpoint import INSTANT, digest, load_instant
from impasto.runtime import generator, keep_freed_memory
from impasto.training.painting_lesson import PaintingLesson, squares
from impasto.training.painting_loss import Features, LossParts, PaintingLoss, inner
from impasto.training.photographs import find_pictures
from impasto.training.pictures import load_bytes
from impasto.training.styles import StylePool, _view
from tools.instant import InstantTraining, loop_of

_CELLS = (2, 4, 8)
_HELD_OUT_EVERY = 60  # as `tools.instant`
_LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]


def fine_colour(pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k"]:
    """Return the mean square of each picture's fine colour, for each size of cells."""
    colour = pictures - (pictures * _LUMA).sum(1, keepdim=True)
    return torch.stack([_within(colour, cell) for cell in _CELLS], 1)


def _within(colour: Tensor, cell: int) -> Float[Tensor, " b"]:
    height, width = (side // cell * cell for side in colour.shape[-2:])
    whole = colour[..., :height, :width]
    means = F.avg_pool2d(whole, cell)
    smooth = F.interpolate(means, scale_factor=cell, mode="bilinear", align_corners=False)
    return (whole - smooth).square().mean((1, 2, 3))


class _Loss(PaintingLoss):
    """The loss, which keeps a step's first photographs and what is painted of them."""

    photos: Tensor | None = None
    painted: Tensor | None = None

    def features(self, photos: Float[Tensor, "b 3 h w"]) -> Features:
        """Return features as before."""
        self.photos = photos if self.photos is None else self.photos
        return super().features(photos)

    def parts(self, painted: Tensor, photos: Features, styles: StylePool) -> LossParts:
        """Return the parts as before."""
        self.painted = painted
        return super().parts(painted, photos, styles)


class FringeLesson(PaintingLesson):
    """Photographs in styles, with a weight on what fine colour a picture has too much.

    Attributes:
        weight: of that in the loss.
        allowed: each view's own fine colour.
    """

    weight: float
    allowed: Float[Tensor, "n k"]

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the loss of a batch, and its parts."""
        self.painting_loss = seen = _Loss(self.painting_loss.extractor)
        total, figures = super().loss(step)
        assert seen.photos is not None
        assert seen.painted is not None
        with torch.autocast("cpu", enabled=False):
            allowed = self.allowed[self._drawn].maximum(fine_colour(inner(seen.photos)))
            excess = (fine_colour(inner(seen.painted)) - allowed).clamp(min=0).sum(1).mean()
        return total + self.weight * excess, {**figures, "fringes": 100 * excess.detach()}

    def _numbers(self, below: int, count: int) -> Tensor:
        self._drawn = super()._numbers(below, count)
        return self._drawn


def allowed_by(paintings: Sequence[Path], count: int) -> Float[Tensor, "n k"]:
    """Return the fine colour of the views that `StylePool.of` draws with the seed 1."""
    pictures, drawn = [load_bytes(path) for path in paintings], generator(1)
    views = (_view(pictures[number % len(pictures)], drawn) for number in range(count))
    return torch.cat([fine_colour(view) for view in views])


def lesson_of(arguments: argparse.Namespace) -> FringeLesson:
    """Prepare the lesson, from the weights that ship."""
    photos, paintings = find_pictures(arguments.photos), find_pictures(arguments.paintings)
    others, held_out = find_pictures(arguments.others), photos[::_HELD_OUT_EVERY]
    options = InstantTraining(
        steps=100_000,
        crop=160,
        views=arguments.views,
        muon_lr=0.006,
        adam_lr=0.0006,
        measured=(),
        start=digest(INSTANT),
    )
    extractor = weights.load("compact")
    styles = StylePool.of(paintings, options.views, extractor, generator(1))
    targets = StylePool.of(others, len(others), extractor, generator(2), disturbed=False)
    network = copy.deepcopy(load_instant()).train().requires_grad_(True)
    learnt = [photo for photo in photos if photo not in held_out]
    cut = squares(held_out, options.crop)
    lesson = FringeLesson(options, network, extractor, learnt, styles, cut, targets)
    lesson.weight, lesson.allowed = arguments.weight, allowed_by(paintings, options.views)
    return lesson


def main() -> None:
    """Read the command line and train."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("photos", "paintings", "others", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--views", type=int, default=300)
    parser.add_argument("--weight", type=float, default=20.0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    arguments.out.mkdir(parents=True, exist_ok=True)
    loop = loop_of(lesson_of(arguments), arguments.out)
    loop.log_every, loop.save_every, loop.save_seconds = 25, 10**9, 300
    loop.deadline = began + 60 * arguments.minutes
    loop.run(lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
