"""Train the network that paints in any style at once.

    python -m impasto.training.instant --photos DIR --paintings DIR --out runs/instant

It learns to lower the very loss that `--method gatys` lowers, at every strength: the content at
relu4_1, the styles as Gaussians at five layers in units of the photograph's own distance, and the
total variation. For video it learns besides that a photograph that is moved a little gives a
painting that is moved as much.

A folder that holds a run is continued.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from impasto.errors import ImpastoError, PictureError
from impasto.features import weights
from impasto.losses.functional import variation
from impasto.losses.gaussians import gaussian_each
from impasto.losses.statistics import Moments, gram, lift_of, moments
from impasto.methods._gatys import BALANCED
from impasto.methods._terms import FLOOR, style_weight
from impasto.networks.checkpoint import INSTANT
from impasto.networks.instant import LEVELS, STYLE_LAYERS, InstantNetwork
from impasto.networks.transport import transport
from impasto.runtime import generator, keep_freed_memory, pick_precision
from impasto.training.curves import draw
from impasto.training.embed import embed
from impasto.training.flow import Shift, shifted
from impasto.training.loop import Loop, Schedule
from impasto.training.measuring import square
from impasto.training.muon import Muon
from impasto.training.pictures import Crops, find_pictures
from impasto.training.styles import StylePool

__all__ = ["InstantLesson", "InstantTraining", "Judged", "loop_of", "main", "optimisers"]

# Pixels of a crop that are painted and not judged: borders are cut off in use too.
MARGIN = 16

CONTENT = "relu4_1"

# Pixels to a step of each layer.
_STRIDES = {f"relu{stage}_1": 2 ** (stage - 1) for stage in range(1, 6)}

Features = Mapping[str, Float[Tensor, "b _ _ _"]]

# Every so many photographs one is not trained on.
HELD_OUT_EVERY = 60

# The share of strengths that are the default one; the others are anything.
_USUAL = 0.5

# What colours beyond white and black cost, as a mean square.
_BEYOND = 10.0

# A picture whose loss is more counts as one of that loss: else it would be all that a step heeds.
_MOST = 4.0


@dataclass(frozen=True)
class InstantTraining:
    """How to train.

    Attributes:
        crop: pixels of a crop's side that are judged.
        views: of paintings, each a style.
        steady: weight of the difference between a painting that is moved and one of what is moved.
    """

    steps: int = 5_000
    batch: int = 4
    crop: int = 192
    views: int = 1_500
    muon_lr: float = 0.01
    adam_lr: float = 1e-3
    cool_down: float = 0.9
    steady: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class Judged:
    """What each painted picture of a batch is judged by.

    Attributes:
        content: distance to the photograph's features, over their own energy.
        style: mean over layers of the distance to the style, over the photograph's own.
        smooth: total variation, and what lies beyond black and white.
    """

    content: Float[Tensor, " b"]
    style: Float[Tensor, " b"]
    smooth: Float[Tensor, " b"]

    def loss(self, strength: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """What `--method gatys` would lower at these strengths, over the sum of its weights."""
        odds = torch.tensor([style_weight(s) for s in strength.tolist()])
        total = self.content + BALANCED["gaussian"] * odds * self.style
        return (total + (2 * strength).clamp(max=1) * self.smooth) / (1 + odds)


class InstantLesson:
    """Photographs in random styles at random strengths.

    Args:
        photos: the files to learn from.
        paintings: whose views are the styles.
        held_out, others: photographs and paintings to be judged by.
    """

    def __init__(
        self,
        options: InstantTraining,
        photos: Sequence[Path],
        paintings: Sequence[Path],
        held_out: Sequence[Path],
        others: Sequence[Path],
    ) -> None:
        self.options, self.config = options, asdict(options)
        self.generator = generator(options.seed)
        self.extractor = weights.load("compact")
        self.lifts = {name: lift_of(self.extractor, name) for name in STYLE_LAYERS}
        side = options.crop + 2 * MARGIN
        self.crops = iter(Crops(photos, side, options.batch, self.generator, disturbed=False))
        self.styles = StylePool.of(paintings, options.views, self.extractor, generator(1))
        self.judges = StylePool.of(
            others, len(others), self.extractor, generator(2), disturbed=False
        )
        self.held_out = _squares(held_out, side)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.network = InstantNetwork()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._normalise()

    def _normalise(self) -> None:
        """What the network sees of styles and photographs is about 1 in size."""
        reader = self.network.reader
        reader.mean.copy_(self.styles.summaries.mean(0))
        reader.deviation.copy_(self.styles.summaries.std(0).clamp(min=1e-3))
        self.network.units.copy_(self.styles.sizes())

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, Tensor]]:  # noqa: ARG002
        """The loss of a batch, and its parts."""
        photos = next(self.crops)
        count = len(photos)
        styles = self.styles.pick(self._numbers(len(self.styles), count))
        anything = torch.rand(count, generator=self.generator).clamp(0.05, 0.95)
        is_usual = torch.rand(count, generator=self.generator) < _USUAL
        strength = torch.where(is_usual, 0.5, anything)
        seen = self.look(photos)
        painted = self.paint(self.network, seen, styles, strength)
        judged = self.judge(painted, seen, styles)
        each = judged.loss(strength)
        total = (each * (_MOST / each.detach()).clamp(max=1)).mean()
        figures = {
            "content": judged.content.mean().detach(),
            "style": judged.style.mean().detach(),
            "smooth": judged.smooth.mean().detach(),
        }
        if self.options.steady:
            unsteady = self.unsteadiness(painted, photos, styles, strength)
            total = total + self.options.steady * unsteady
            figures["unsteady"] = unsteady.detach()
        return total, figures

    @torch.no_grad()
    def look(self, photos: Float[Tensor, "b 3 h w"]) -> Features:
        """What the photographs are judged by, and painted from."""
        seen: Features = self.extractor(photos, STYLE_LAYERS)
        return seen

    def paint(
        self,
        network: nn.Module,
        seen: Features,
        styles: StylePool,
        strength: Float[Tensor, " b"],
    ) -> Float[Tensor, "b 3 h w"]:
        """Photographs, each in its style."""
        with torch.no_grad():
            share = (2 * strength).clamp(max=1)
            moved = {
                name: transport(moments(seen[name]), styles.goals[name], share)(seen[name])
                for name in LEVELS
            }
        painted: Tensor = network(moved, styles.summaries, strength)
        return painted.float()

    def judge(self, painted: Float[Tensor, "b 3 h w"], seen: Features, styles: StylePool) -> Judged:
        """What pictures are worth inside their margin."""
        painted = _inner(painted)
        theirs = {name: _inner(features, _STRIDES[name]) for name, features in seen.items()}
        with torch.no_grad():
            held = {name: moments(features) for name, features in theirs.items()}
        ours = self.extractor(painted, STYLE_LAYERS)
        with torch.autocast(painted.device.type, enabled=False):
            content = self._content(ours[CONTENT], theirs[CONTENT], held[CONTENT])
            parts = [
                gaussian_each(moments(ours[name]), styles.targets[name])
                / gaussian_each(held[name], styles.targets[name]).clamp(min=FLOOR)
                for name in STYLE_LAYERS
            ]
            rough = torch.stack([variation(picture[None], "l2") for picture in painted])
            beyond = (painted - painted.clamp(0, 1)).square().mean((1, 2, 3))
        return Judged(content, torch.stack(parts).mean(0), rough + _BEYOND * beyond)

    def _content(self, ours: Tensor, theirs: Tensor, held: Moments) -> Float[Tensor, " b"]:
        lift = self.lifts[CONTENT]
        unit = gram(held, lift).diagonal(dim1=1, dim2=2).sum(1)
        difference = (ours.float() - theirs.float()).movedim(1, -1)
        return (difference @ lift.linear.T).square().sum(-1).mean((1, 2)) / unit

    def unsteadiness(
        self,
        painted: Float[Tensor, "b 3 h w"],
        photos: Float[Tensor, "b 3 h w"],
        styles: StylePool,
        strength: Float[Tensor, " b"],
    ) -> Float[Tensor, ""]:
        """How far the painting of a photograph that is moved is from the painting moved.

        For a quarter of the batch, which is enough and takes as little time.
        """
        some = torch.arange(max(1, len(photos) // 4))
        shift = Shift.drawn((photos.shape[-2], photos.shape[-1]), self.generator)
        moved = shifted(photos[some], shift)
        grain = torch.randn(moved.shape, generator=self.generator) * 0.01
        seen = self.look(moved + grain)
        again = self.paint(self.network, seen, styles.pick(some), strength[some])
        return (_inner(again) - _inner(shifted(painted[some], shift))).abs().mean()

    @torch.no_grad()
    def measure(self, network: nn.Module) -> dict[str, float]:
        """Losses at strength 0.5 of photographs and paintings that were not trained on."""
        sums = torch.zeros(3)
        count = len(self.held_out)
        strength = torch.full((count,), 0.5)
        precision = pick_precision("auto", self.held_out.device)
        for number in range(len(self.judges)):
            styles = self.judges.pick(torch.full((count,), number))
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
                seen = self.look(self.held_out)
                painted = self.paint(network, seen, styles, strength)
                judged = self.judge(painted, seen, styles)
            sums += torch.stack(
                [judged.content.mean(), judged.style.mean(), judged.loss(strength).mean()]
            )
        found = (sums / len(self.judges)).tolist()
        names = ("content", "style", "loss")
        return {name: round(value, 4) for name, value in zip(names, found, strict=True)}

    def _numbers(self, below: int, count: int) -> Tensor:
        return torch.randint(below, (count,), generator=self.generator)


def _squares(paths: Sequence[Path], side: int) -> Float[Tensor, "n 3 s s"]:
    """The middles of those photographs that are large enough.

    Raises:
        PictureError: none is.
    """
    squares = [square(path, side) for path in paths]
    large = [one for one in squares if one.shape[-1] == side]
    if not large:
        raise PictureError(
            f"None of {len(paths)} photographs that the training would be judged by has {side} "
            "pixels on each side. Give larger photographs, or more of them."
        )
    return torch.cat(large)


def _inner(values: Float[Tensor, "b c h w"], stride: int = 1) -> Float[Tensor, "b c _ _"]:
    """A picture, or a layer of that stride, without its margin."""
    edge = MARGIN // stride
    return values[..., edge:-edge, edge:-edge].contiguous(memory_format=torch.channels_last)


def optimisers(
    network: nn.Module, muon_lr: float, adam_lr: float
) -> list[tuple[torch.optim.Optimizer, float]]:
    """Muon for the convolutions' weights, Adam for all others, each with its peak rate."""
    kernels = [p for p in network.parameters() if p.dim() == 4 and min(p.shape[:2]) > 3]
    taken = {id(p) for p in kernels}
    rest = [p for p in network.parameters() if id(p) not in taken]
    adam = torch.optim.AdamW(rest, lr=adam_lr, betas=(0.9, 0.99), weight_decay=0.0)
    return [(Muon(kernels, lr=muon_lr), muon_lr), (adam, adam_lr)]


def loop_of(lesson: InstantLesson, folder: Path) -> Loop:
    """A training in a folder, gone on with if it has begun there."""
    options = lesson.options
    both = optimisers(lesson.network, options.muon_lr, options.adam_lr)
    loop = Loop(lesson, Schedule(options.steps, options.cool_down), both, folder)
    if loop.file.exists():
        loop.restore()
    return loop


def main() -> None:
    """Read the command line, train, and continue a run that its folder holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, nargs="+", required=True)
    parser.add_argument("--others", type=Path, nargs="+", help="paintings to be judged by")
    parser.add_argument("--out", type=Path, required=True)
    for name in ("steps", "batch", "crop", "views"):
        parser.add_argument(f"--{name}", type=int, default=getattr(InstantTraining, name))
    parser.add_argument("--steady", type=float, default=InstantTraining.steady)
    parser.add_argument("--embed", action="store_true", help="put the result into the package")
    try:
        _run(parser.parse_args())
    except ImpastoError as error:
        sys.exit(str(error))


def _run(given: argparse.Namespace) -> None:
    keep_freed_memory()
    given.out.mkdir(parents=True, exist_ok=True)
    photos, paintings = find_pictures(given.photos), find_pictures(*given.paintings)
    others = find_pictures(*given.others) if given.others else paintings[::11]
    held_out = photos[::HELD_OUT_EVERY]
    told: dict[str, Any] = {n: getattr(given, n) for n in ("steps", "batch", "crop", "views")}
    options = InstantTraining(steady=given.steady, **told)
    learnt = [path for path in photos if path not in held_out]
    known = {path.name for path in others}
    styles = [path for path in paintings if path.name not in known]
    if not styles:
        raise PictureError(
            f"There is no painting left to learn from: all {len(paintings)} of them are those to "
            "be judged by. Give more, or other ones with --others."
        )
    lesson = InstantLesson(options, learnt, styles, held_out, others)
    loop_of(lesson, given.out).run(lambda line: print(line, flush=True))
    if given.embed:
        INSTANT.parent.mkdir(exist_ok=True)
        embed(given.out, INSTANT)
        draw(given.out / "train.jsonl", given.out / "training.png", "instant, while it is trained")


if __name__ == "__main__":
    main()
