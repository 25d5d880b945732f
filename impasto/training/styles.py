"""Many styles to learn from: views of paintings, measured once and kept as statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from impasto.features.extractor import Extractor
from impasto.image.picture import fit
from impasto.losses.gaussians import GaussianTarget
from impasto.losses.moments import Moments, moments
from impasto.losses.statistics import lift_of
from impasto.networks.decoder import LEVELS
from impasto.networks.instant import STYLE_LAYERS, summary
from impasto.networks.transport import Target
from impasto.training.pictures import load_bytes

__all__ = ["StylePool"]

# Long sides that a painting is looked at with, as if it were painted as large.
_SIDES = (256, 768)

# Of a painting's side, the least that a view shows.
_LEAST = 0.5


@dataclass(frozen=True)
class StylePool:
    """Views of paintings, as a lesson needs them.

    Attributes:
        summaries: one row a view.
        targets: by layer, what a picture's statistics are compared with.
        goals: by level, where its features are moved.
        numbers: of the styles, where a network knows them by those.
    """

    summaries: Float[Tensor, "n k"]
    targets: Mapping[str, GaussianTarget]
    goals: Mapping[str, Target]
    numbers: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.summaries)

    @staticmethod
    @torch.no_grad()
    def of(
        paths: Sequence[Path],
        count: int,
        extractor: Extractor,
        generator: torch.Generator,
        *,
        disturbed: bool = True,
    ) -> StylePool:
        """Measure `count` views of paintings.

        Args:
            disturbed: each shows a part, at some size, with its colours as they are or exchanged;
                else the whole, at a middle size.
        """
        pictures = [load_bytes(path) for path in paths]
        device = next(extractor.parameters()).device
        seen: dict[str, list[Moments]] = {name: [] for name in STYLE_LAYERS}
        for number in range(count):
            pixels = pictures[number % len(pictures)]
            view = _view(pixels, generator) if disturbed else _plain(pixels)
            for name, features in extractor(view.to(device), STYLE_LAYERS).items():
                seen[name].append(moments(features))
        return StylePool.of_moments(
            {name: Moments.stack(each) for name, each in seen.items()}, extractor
        )

    @staticmethod
    def of_moments(whole: Mapping[str, Moments], extractor: Extractor) -> StylePool:
        """Of styles that were measured already, along the first axis."""
        targets = {n: GaussianTarget(m, lift_of(extractor, n)) for n, m in whole.items()}
        goals = {name: Target.of(whole[name]) for name in LEVELS}
        return StylePool(summary(whole), targets, goals, torch.arange(len(goals["relu1_1"].mean)))

    def numbered(self, first: int) -> StylePool:
        """The same styles, known by the numbers from `first` on."""
        return replace(self, numbers=torch.arange(first, first + len(self)))

    def to(self, device: torch.device) -> StylePool:
        """The same on a device."""
        return StylePool(
            self.summaries.to(device),
            {name: target.to(device) for name, target in self.targets.items()},
            {name: goal.to(device) for name, goal in self.goals.items()},
            self.numbers.to(device),
        )

    def sizes(self) -> Float[Tensor, " l"]:
        """How large the features of each level are, in the mean over views."""
        each = []
        for goal in self.goals.values():
            energy = goal.root.square().sum((1, 2)) + goal.mean.square().sum(1)
            each.append((energy / goal.mean.shape[1]).mean().sqrt())
        return torch.stack(each)

    def pick(self, index: Int[Tensor, " b"]) -> StylePool:
        """Some of the views."""
        targets = {name: target.pick(index) for name, target in self.targets.items()}
        goals = {n: Target(goal.mean[index], goal.root[index]) for n, goal in self.goals.items()}
        return StylePool(self.summaries[index], targets, goals, self.numbers[index])


def _plain(pixels: Tensor) -> Float[Tensor, "1 3 h w"]:
    middle = round((_SIDES[0] * _SIDES[1]) ** 0.5)
    return fit(pixels[None].float() / 255, min(middle, max(pixels.shape[-2:])))


def _view(pixels: Tensor, generator: torch.Generator) -> Float[Tensor, "1 3 h w"]:
    height, width = pixels.shape[-2:]
    share = _LEAST + (1 - _LEAST) * _uniform(generator)
    rows, columns = round(height * share), round(width * share)
    top = round((height - rows) * _uniform(generator))
    left = round((width - columns) * _uniform(generator))
    part = pixels[None, :, top : top + rows, left : left + columns].float() / 255
    low, high = _SIDES
    side = low * (high / low) ** _uniform(generator)
    factor = min(1.0, side / max(height, width))
    if factor < 1:
        size = [max(64, round(n * factor)) for n in (rows, columns)]
        part = F.interpolate(part, size=size, mode="bilinear", antialias=True)
    if _uniform(generator) < 0.3:
        part = part[:, torch.randperm(3, generator=generator)]
    if _uniform(generator) < 0.1:
        part = 1 - part
    return part


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))
