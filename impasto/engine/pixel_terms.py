"""The terms that need no network: total variation, and distances to the photograph's pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PhotoConfig, PixelConfig
from impasto.engine.regions import Region
from impasto.losses.objective import Distance, Term
from impasto.losses.tiled_losses import laplacian_distance, pixel_measurement, variation_measurement

__all__ = ["PixelWeights", "pixel_terms"]


@dataclass(frozen=True)
class PixelWeights:
    """How much each pixel of the canvas counts; None for fully everywhere.

    Attributes:
        smoothness: for the total variation, which is there for the grain that painting makes and
            would blur a photograph that stays one: fully from strength 0.5 on, not at all at 0.
        content: for the distances to the photograph: 0 where only the painting counts.
    """

    smoothness: Float[Tensor, "h w"] | None = None
    content: Float[Tensor, "h w"] | None = None

    @staticmethod
    def of(regions: Sequence[Region], like: Float[Tensor, "1 3 h w"]) -> PixelWeights:
        """Return the weights for regions whose masks have the canvas's size."""
        painted = [region for region in regions if region.style is not None]
        smoothness = _by_pixel(painted, [min(1.0, 2 * r.strength) for r in painted], like)
        content = _by_pixel(painted, [float(r.strength < 1) for r in painted], like)
        return PixelWeights(smoothness, content)


def _by_pixel(
    regions: Sequence[Region], values: Sequence[float], like: Float[Tensor, "1 3 h w"]
) -> Float[Tensor, "h w"] | None:
    """Return each region's value at its pixels; None if that is 1 for all of them.

    Pixels of no region stay as they are, so their value does not matter.
    """
    if all(value == 1 for value in values):
        return None
    weights = torch.zeros_like(like[0, 0])
    for region, value in zip(regions, values, strict=True):
        weights = weights + (value if region.mask is None else value * region.mask[0, 0])
    return weights


def pixel_terms(
    photograph: Float[Tensor, "1 3 h w"] | None,
    config: PixelConfig,
    *,
    weights: PixelWeights | None = None,
) -> list[Term]:
    """Return the terms that need no network.

    Args:
        photograph: on the canvas; the distances to it are left out if there is none.
    """
    weights = weights or PixelWeights()
    terms: list[Term] = []
    if config.tv_weight:
        variation = Distance.sum(variation_measurement(config.tv, weights.smoothness))
        terms.append(Term("tv", config.tv_weight, variation))
    if photograph is None or not isinstance(config, PhotoConfig):
        return terms
    if config.l2_weight:
        difference = Distance.sum(pixel_measurement(photograph, weights.content))
        terms.append(Term("l2", config.l2_weight, difference))
    if config.laplacian_weight:
        edges = laplacian_distance(photograph, config.laplacian_pool, weights.content)
        terms.append(Term("laplacian", config.laplacian_weight, edges))
    return terms
