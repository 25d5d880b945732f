"""How far a student is from its teacher, on photographs that it was not trained on."""

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
    """Each layer's variance on some pictures, averaged over its channels: the unit of its error."""
    found: dict[str, float] = {}
    for name in layers:
        lifted = [teacher.lift(name, teacher(image, [name])[name]) for image in images]
        found[name] = float(torch.cat([x.flatten(2) for x in lifted], 2).var(dim=2).mean())
    return found


@torch.no_grad()
def held_out_errors(net: Extractor, teacher: Extractor, images: list[Tensor]) -> dict[str, float]:
    """Error of ReLU(lift) on pictures not trained on, over the teacher's variance there."""
    errors: dict[str, float] = {}
    for name in COMPACT_LIFTS:
        wrong, taught = 0.0, []
        for image in images:
            target = F.relu(teacher.lift(name, teacher(image, [name])[name]).float())
            guess = F.relu(net.lift(name, net(image, [name])[name]).float())
            wrong += float((guess - target).square().mean()) / len(images)
            taught.append((target.mean((0, 2, 3)), target.square().mean((0, 2, 3))))
        mean = torch.stack([m for m, _ in taught]).mean(0)
        variance = torch.stack([s for _, s in taught]).mean(0) - mean.square()
        errors[name] = wrong / float(variance.mean())
    return errors


def square(path: Path, side: int = 256, short: int | None = None) -> Float[Tensor, "1 3 s s"]:
    """The middle of a picture, to measure on.

    Args:
        short: the picture's shorter side is brought down to so many pixels first, if it is longer.
    """
    pixels = load_bytes(path, short)
    side = min(side, *pixels.shape[-2:])
    top, left = ((n - side) // 2 for n in pixels.shape[-2:])
    return pixels[None, :, top : top + side, left : left + side].float() / 255
