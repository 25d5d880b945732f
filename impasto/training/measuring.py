"""How far a student is from its teacher, on held-out photographs."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.backbones import COMPACT_LIFTS
from impasto.features.extractor import Extractor
from impasto.training.pictures import load_bytes

__all__ = ["held_out_errors", "square", "variances"]


@torch.no_grad()
def variances(teacher: Extractor, layers: list[str], images: list[Tensor]) -> dict[str, float]:
    """Return each layer's variance on some pictures, the mean over channels: its error's unit."""
    means: dict[str, float] = {}
    for name in layers:
        lifted = [teacher.lift(name, teacher(image, [name])[name]) for image in images]
        means[name] = float(torch.cat([x.flatten(2) for x in lifted], 2).var(dim=2).mean())
    return means


@torch.no_grad()
def held_out_errors(net: Extractor, teacher: Extractor, images: list[Tensor]) -> dict[str, float]:
    """Return the error of ReLU(lift) on held-out pictures, over the teacher's variance there."""
    errors: dict[str, float] = {}
    for name in COMPACT_LIFTS:
        wrong, parts = 0.0, []
        for image in images:
            target = F.relu(teacher.lift(name, teacher(image, [name])[name]).float())
            guess = F.relu(net.lift(name, net(image, [name])[name]).float())
            wrong += float((guess - target).square().mean()) / len(images)
            parts.append((target.mean((0, 2, 3)), target.square().mean((0, 2, 3))))
        mean = torch.stack([m for m, _ in parts]).mean(0)
        variance = torch.stack([s for _, s in parts]).mean(0) - mean.square()
        errors[name] = wrong / float(variance.mean())
    return errors


def square(path: Path, side: int = 256, short: int | None = None) -> Float[Tensor, "1 3 s s"]:
    """Return the middle of a picture, to measure on.

    Args:
        short: pixels that the picture's shorter side is reduced to first, if it is longer.
    """
    pixels = load_bytes(path, short)
    side = min(side, *pixels.shape[-2:])
    top, left = ((n - side) // 2 for n in pixels.shape[-2:])
    return pixels[None, :, top : top + side, left : left + side].float() / 255
