"""Pictures that move as the tests know."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.film.frame import Frame

__all__ = ["as_film", "canvas", "paste"]


def canvas(height: int, width: int, seed: int) -> Tensor:
    """A picture with coarse and fine detail everywhere, (1, 3, height, width) in [0, 1]."""
    drawn = torch.Generator().manual_seed(seed)
    parts = []
    for cell, weight in ((32, 0.5), (8, 0.3), (3, 0.2)):
        small = torch.rand(1, 3, height // cell + 2, width // cell + 2, generator=drawn)
        parts.append(weight * F.interpolate(small, size=(height, width), mode="bicubic"))
    return torch.stack(parts).sum(0).clamp(0, 1)


def paste(picture: Tensor, patch: Tensor, top: int, left: int) -> Tensor:
    """The picture with a patch over it."""
    pasted = picture.clone()
    height, width = patch.shape[-2:]
    pasted[..., top : top + height, left : left + width] = patch
    return pasted


def as_film(pictures: Iterable[Tensor]) -> list[Frame]:
    """Pictures as frames, 24 a second."""
    return [Frame(i, i, i / 24, picture) for i, picture in enumerate(pictures)]
