"""The losses, as pure functions of tensors.

Each is an average, over pixels or over the style's own energy, so that a weight keeps its meaning
at every size and for every picture.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.losses.gaussians import GaussianTarget, gaussian
from impasto.losses.statistics import Lift

__all__ = [
    "GaussianTarget",
    "content",
    "energy",
    "gaussian",
    "gram_distance",
    "gram_distances",
    "l2",
    "laplacian",
    "total_variation",
]

Scalar = Float[Tensor, ""]

# The least energy of Laplacians that is taken for a picture's own: a hundredth of the range of a
# pixel. Below it a picture is flat, and its noise no measure.
FLAT = 1e-4


def energy(features: Float[Tensor, "b c h w"], lift: Lift) -> Scalar:
    """Mean squared activation after the lift: the unit in which content is measured."""
    flat = features.float().movedim(1, -1)
    one = torch.ones_like(flat[..., :1])
    return (torch.cat([flat, one], -1) @ lift.factor.T).square().sum(-1).mean()


def content(
    features: Float[Tensor, "b c h w"],
    target: Float[Tensor, "b c h w"],
    lift: Lift,
    unit: Scalar,
    weight: Float[Tensor, "h w"] | None = None,
) -> Scalar:
    """Squared difference of lifted features, averaged over pixels, over `unit`: 0 for a copy.

    Gatys et al. 2016, eq. 1, over the content's own energy instead of a half: so its weight does
    not depend on the layer, the backbone or the picture.

    Args:
        unit: `energy` of the target.
        weight: what each pixel counts, ≥ 0; none for 1 everywhere. The average is over all pixels.
    """
    difference = (features.float() - target.float()).movedim(1, -1)
    return _mean((difference @ lift.linear.T).square().sum(-1), weight) / unit


def gram_distance(got: Float[Tensor, "b k k"], wanted: Float[Tensor, "b k k"]) -> Scalar:
    """Squared difference of two lifted Gram matrices over the energy of the second.

    Gatys et al. 2016, eq. 4, with that energy in place of 4N²M².
    """
    return gram_distances(got, wanted).mean()


def gram_distances(
    got: Float[Tensor, "b k k"], wanted: Float[Tensor, "b k k"]
) -> Float[Tensor, " b"]:
    """The same for several pairs at once."""
    return (got - wanted).square().sum((1, 2)) / wanted.square().sum((1, 2))


def laplacian(
    image: Float[Tensor, "b 3 h w"],
    target: Float[Tensor, "b 3 h w"],
    pool: int = 4,
    weight: Float[Tensor, "h w"] | None = None,
) -> Scalar:
    """Squared difference of the Laplacians of two pictures over the energy of the second's.

    Li, Xu, Nie and Liu 2017, "Laplacian-steered neural style transfer": averages over `pool` ×
    `pool` pixels, then a 3×3 Laplacian. It holds lines and details where they are. 0 for a copy;
    1 for a flat picture, unless the target is all but flat itself.

    Args:
        pool: in pixels, ≥ 1. Where it does not divide the size, the last averages are over fewer.
        weight: what each pixel counts; none for 1 everywhere.
    """
    wanted = _edges(target, pool)
    unit = wanted.square().mean().clamp(min=FLAT)
    pooled = None if weight is None else F.avg_pool2d(weight[None], pool, ceil_mode=True)[0]
    return _mean((_edges(image, pool) - wanted).square(), pooled) / unit


def _edges(image: Float[Tensor, "b 3 h w"], pool: int) -> Float[Tensor, "b 3 h2 w2"]:
    """The Laplacian of a picture's averages; 0 across the border, beyond which it goes on flat."""
    small = F.avg_pool2d(image, pool, ceil_mode=True)
    padded = F.pad(small, (1, 1, 1, 1), "replicate")
    vertical = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]
    horizontal = padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
    # Departs from the paper, which sums over the channels: there opposing colour edges cancel.
    return vertical + horizontal - 4 * small


def total_variation(
    image: Float[Tensor, "b 3 h w"],
    kind: str = "l2",
    wrap: bool = False,
    weight: Float[Tensor, "h w"] | None = None,
) -> Scalar:
    """How much neighbouring pixels differ, averaged over pixels and channels; 0 for a flat picture.

    `l2`: squares at nine points, 2·(dx²/3 + dy²/3 + d↘²/12 + d↙²/12), which favours no direction
    (style-transfer-pytorch, K. Crowson, 2021). `l1`: absolute differences (neural-style,
    J. Johnson, 2015), which keeps edges.

    Args:
        kind: "l1" or "l2".
        wrap: the right edge meets the left and the bottom the top, as in a tile.
        weight: what each pixel's differences to the right and below count; none for 1 everywhere.
    """
    padded = F.pad(image, (0, 1, 0, 1), "circular" if wrap else "replicate")
    here, right = padded[..., :-1, :-1], padded[..., :-1, 1:]
    below, across = padded[..., 1:, :-1], padded[..., 1:, 1:]
    if kind == "l1":
        return _mean((right - here).abs(), weight) + _mean((below - here).abs(), weight)
    straight = _mean((right - here).square(), weight) + _mean((below - here).square(), weight)
    diagonal = _mean((across - here).square(), weight) + _mean((below - right).square(), weight)
    return 2 * (straight / 3 + diagonal / 12)


def _mean(values: Float[Tensor, "*b h w"], weight: Float[Tensor, "h w"] | None) -> Scalar:
    """The average over all pixels, each counted as much as its weight."""
    return values.mean() if weight is None else (values * weight).mean()


def l2(
    image: Float[Tensor, "b 3 h w"],
    target: Float[Tensor, "b 3 h w"],
    weight: Float[Tensor, "h w"] | None = None,
) -> Scalar:
    """Mean squared difference of pixels.

    Args:
        weight: what each pixel counts; none for 1 everywhere.
    """
    return _mean((image - target).square(), weight)
