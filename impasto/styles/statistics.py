"""A style as a method reads it: the moments of a painting's features, for any size of picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.image.files import fit
from impasto.losses.statistics import Moments, moments

__all__ = ["Painting", "Style", "measure"]


@runtime_checkable
class Style(Protocol):
    """Anything that knows what a painting's features look like at a given size."""

    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        """Moments of each layer, for a result whose long side has that many pixels."""
        ...


@dataclass(frozen=True)
class Painting:
    """A painting at hand: measured anew at every size."""

    pixels: Float[Tensor, "1 3 h w"]

    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        """Moments of the painting, its long side brought down to `long_side`; never enlarged."""
        return measure(self.pixels, long_side, extractor, layers)


@torch.no_grad()
def measure(
    pixels: Float[Tensor, "1 3 h w"], long_side: int, extractor: Extractor, layers: Sequence[str]
) -> dict[str, Moments]:
    """Moments of a painting's features at a size, of its own shape, and never enlarged."""
    side = min(long_side, max(pixels.shape[-2:]))
    device = next(extractor.parameters()).device
    features = extractor(fit(pixels, side).to(device), layers)
    return {name: moments(features[name]) for name in layers}
