"""Many styles to learn from: views of paintings, measured once, as statistics."""

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

# The least and the greatest long side that a view is measured at.
_SIDES = (256, 768)

# The least share of a painting's side that a view shows.
_LEAST = 0.5


@dataclass(frozen=True)
class StylePool:
    """Views of paintings, as a lesson needs them.

    Attributes:
        summaries: one row for each view.
        targets: by layer, the statistics that a picture's are compared with.
        goals: by level, the statistics that its features are transported to.
        numbers: of the styles, for networks that have weights for each.
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
            disturbed: each shows a part, at a random size, some with exchanged colours; otherwise
                all of the painting, at a middle size.
        """
        pictures = [load_bytes(path) for path in paths]
        device = extractor.device
        measured: dict[str, list[Moments]] = {name: [] for name in STYLE_LAYERS}
        for number in range(count):
            pixels = pictures[number % len(pictures)]
            view = _view(pixels, generator) if disturbed else _plain(pixels)
            for name, features in extractor(view.to(device), STYLE_LAYERS).items():
                measured[name].append(moments(features))
        return StylePool.of_moments(
            {name: Moments.stack(each) for name, each in measured.items()}, extractor
        )

    @staticmethod
    def of_moments(measured: Mapping[str, Moments], extractor: Extractor) -> StylePool:
        """Make a pool of styles that are measured already, stacked along the first axis."""
        targets = {n: GaussianTarget(m, lift_of(extractor, n)) for n, m in measured.items()}
        goals = {name: Target.of(measured[name]) for name in LEVELS}
        numbers = torch.arange(len(goals["relu1_1"].mean))
        return StylePool(summary(measured), targets, goals, numbers)

    def numbered(self, first: int) -> StylePool:
        """Return the same styles, numbered from `first` on."""
        return replace(self, numbers=torch.arange(first, first + len(self)))

    def to(self, device: torch.device) -> StylePool:
        """Return the same on a device."""
        return StylePool(
            self.summaries.to(device),
            {name: target.to(device) for name, target in self.targets.items()},
            {name: goal.to(device) for name, goal in self.goals.items()},
            self.numbers.to(device),
        )

    def sizes(self) -> Float[Tensor, " l"]:
        """Return the size of each level's features, the mean over views."""
        each = []
        for goal in self.goals.values():
            energy = goal.root.square().sum((1, 2)) + goal.mean.square().sum(1)
            each.append((energy / goal.mean.shape[1]).mean().sqrt())
        return torch.stack(each)

    def pick(self, index: Int[Tensor, " b"]) -> StylePool:
        """Return the views of these indices."""
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
