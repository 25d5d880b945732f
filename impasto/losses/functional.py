"""The losses, as pure functions of tensors.

Each is an average, over pixels or over the style's own energy, so that a weight keeps its meaning
at every size and for every picture.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.losses.statistics import Lift, Moments, covariance, gram, matrix_root

__all__ = [
    "GaussianTarget",
    "content",
    "energy",
    "gaussian",
    "gram_distance",
    "l2",
    "total_variation",
]

Scalar = Float[Tensor, ""]


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
) -> Scalar:
    """Squared difference of lifted features, averaged over pixels, over `unit`: 0 for a copy.

    Gatys et al. 2016, eq. 1, over the content's own energy instead of a half: so its weight does
    not depend on the layer, the backbone or the picture.
    """
    difference = (features.float() - target.float()).movedim(1, -1)
    return (difference @ lift.linear.T).square().sum(-1).mean() / unit


def gram_distance(got: Float[Tensor, "b k k"], wanted: Float[Tensor, "b k k"]) -> Scalar:
    """Squared difference of two lifted Gram matrices over the energy of the second.

    Gatys et al. 2016, eq. 4, with that energy in place of 4N²M².
    """
    return (got - wanted).square().sum((1, 2)).mean() / wanted.square().sum((1, 2)).mean()


class GaussianTarget:
    """A style as a Gaussian, ready to be compared with: its mean, covariance and root.

    Attributes:
        unit: tr C + ‖μ‖², the style's own energy.
    """

    def __init__(self, moments: Moments, lift: Lift) -> None:
        self.lift = lift
        self.moments = moments
        self.covariance = covariance(moments, lift)
        self.root = matrix_root(self.covariance)
        # E‖f‖² = tr C + ‖μ‖²: the trace of the Gram matrix.
        self.unit = gram(moments, lift).diagonal(dim1=1, dim2=2).sum(1).mean()


def gaussian(got: Moments, target: GaussianTarget, floor: float = 1e-7) -> Scalar:
    """Squared Wasserstein-2 distance of two Gaussians over the energy of the second.

    ‖μ−μₛ‖² + tr(C + Cₛ − 2(Cₛ^½ C Cₛ^½)^½), after the lift (Dowson and Landau 1982).

    Args:
        floor: share of the largest eigenvalue under which an eigenvalue's root is held, where its
            gradient would be without bound.
    """
    lift = target.lift
    mean = ((got.mean - target.moments.mean) @ lift.linear.T).square().sum(1)
    ours = covariance(got, lift)
    trace = (ours + target.covariance).diagonal(dim1=1, dim2=2).sum(1)
    values = torch.linalg.eigvalsh(target.root @ ours @ target.root)
    least = (floor * values[:, -1:].detach()).clamp(min=1e-12)
    cross = values.maximum(least).sqrt().sum(1)
    distance: Tensor = (mean + trace - 2 * cross) / target.unit
    return distance.mean()


def total_variation(image: Float[Tensor, "b 3 h w"], kind: str = "l2") -> Scalar:
    """How much neighbouring pixels differ, averaged over pixels and channels; 0 for a flat picture.

    `l2`: squares at nine points, 2·(dx²/3 + dy²/3 + d↘²/12 + d↙²/12), which favours no direction
    (style-transfer-pytorch, K. Crowson, 2021). `l1`: absolute differences (neural-style,
    J. Johnson, 2015), which keeps edges.
    """
    padded = F.pad(image, (0, 1, 0, 1), "replicate")
    here, right = padded[..., :-1, :-1], padded[..., :-1, 1:]
    below, across = padded[..., 1:, :-1], padded[..., 1:, 1:]
    if kind == "l1":
        return (right - here).abs().mean() + (below - here).abs().mean()
    straight = (right - here).square().mean() + (below - here).square().mean()
    diagonal = (across - here).square().mean() + (below - right).square().mean()
    return 2 * (straight / 3 + diagonal / 12)


def l2(image: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"]) -> Scalar:
    """Mean squared difference of pixels."""
    return (image - target).square().mean()
