"""Styles as Gaussians: the distance of two, and the barycentre of several."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from impasto.losses.moments import Moments
from impasto.losses.statistics import Lift, covariance, gram, matrix_root
from impasto.runtime import eigh

__all__ = ["GaussianTarget", "barycentre", "gaussian", "gaussian_each"]

# A barycentre has converged once its covariance changes by less than this share, or after this
# number of rounds.
TOLERANCE = 1e-6
ROUNDS = 12

# Directions with less than this share of the greatest variance count as none; below it the embedded
# network has only rounding, a million times smaller.
RANK_FLOOR = 1e-7


class GaussianTarget:
    """A style as a Gaussian, prepared for comparisons; or several, along the first axis.

    Attributes:
        unit: tr C + ‖μ‖², each style's own energy.
        trace: tr C.
        metric: RᵀR, with R the lift: lengths after the lift, of vectors before it.
        root: P R with PᵀP = C, with only as many rows as C has directions: channels that are never
            active have none, and cost nothing.
    """

    def __init__(self, moments: Moments, lift: Lift) -> None:
        self.mean = moments.mean
        lifted = covariance(moments, lift)
        # E‖f‖² = tr C + ‖μ‖²: the trace of the Gram matrix.
        self.unit = gram(moments, lift).diagonal(dim1=1, dim2=2).sum(1)
        self.trace = lifted.diagonal(dim1=1, dim2=2).sum(1)
        self.metric = lift.linear.T @ lift.linear
        self.root = _thin_root(lifted) @ lift.linear

    def pick(self, index: Int[Tensor, " n"]) -> GaussianTarget:
        """Return some of several styles, by their numbers along the first axis."""
        picked = copy.copy(self)
        for name in _EACH:
            setattr(picked, name, getattr(self, name)[index])
        return picked

    def to(self, device: torch.device) -> GaussianTarget:
        """Return the same on a device."""
        copied = copy.copy(self)
        for name in (*_EACH, "metric"):
            setattr(copied, name, getattr(self, name).to(device))
        return copied


# The attributes of a target that have one value for each style.
_EACH = ("mean", "unit", "trace", "root")


def _thin_root(matrix: Float[Tensor, "b c c"]) -> Float[Tensor, "b k c"]:
    """Return P with PᵀP the matrix, as thin as the matrix of the highest rank allows."""
    values, vectors = torch.linalg.eigh(matrix.cpu().double())
    values, vectors = values.flip(-1).clamp(min=0), vectors.flip(-1)
    rank = int((values > RANK_FLOOR * values[:, :1]).sum(-1).max())
    root: Tensor = values[:, :rank, None].sqrt() * vectors.mT[:, :rank]
    return root.to(matrix)


def gaussian(moments: Moments, target: GaussianTarget) -> Float[Tensor, ""]:
    """Return the squared Wasserstein-2 distance of two Gaussians over the energy of the second.

    ‖μ−μₛ‖² + tr(C + Cₛ − 2(Cₛ^½ C Cₛ^½)^½), after the lift (Dowson and Landau 1982).
    """
    return gaussian_each(moments, target).mean()


def gaussian_each(
    moments: Moments, target: GaussianTarget, floor: float = 1e-7
) -> Float[Tensor, " b"]:
    """Return the `gaussian` distance of several pairs, which takes less time than one by one.

    Args:
        floor: share of the largest eigenvalue to which smaller ones are raised: the gradient of
            their roots would be unbounded.
    """
    distance: Tensor = _Wasserstein.apply(  # type: ignore[no-untyped-call]
        moments.mean, moments.second, target, floor
    )
    return distance / target.unit


class _Wasserstein(torch.autograd.Function):
    """The squared distance, with its gradient from the same eigenvectors.

    With P = Cₛ^½R and PCPᵀ = VΛVᵀ, C before the lift: ∂/∂C = RᵀR − PᵀVΛ^-½VᵀP. Takes two
    thirds of the time that autograd does, which goes back through every product.
    """

    @staticmethod
    def forward(
        ctx: Any, mean: Tensor, second: Tensor, target: GaussianTarget, floor: float
    ) -> Tensor:
        centred = second - mean[:, :, None] * mean[:, None, :]
        values, vectors = eigh(target.root @ centred @ target.root.mT)
        least = (floor * values[:, -1:]).clamp(min=1e-12)
        roots = values.maximum(least).sqrt()
        shift = mean - target.mean
        lifted_shift = shift @ target.metric
        rotated = vectors.mT @ target.root
        slopes = ((values > least) / roots)[:, :, None]
        by_second = target.metric - rotated.mT @ (slopes * rotated)
        by_mean = 2 * lifted_shift - 2 * (by_second @ mean[:, :, None])[:, :, 0]
        ctx.save_for_backward(by_mean, by_second)
        trace = (target.metric * centred).sum((1, 2)) + target.trace
        result: Tensor = (shift * lifted_shift).sum(1) + trace - 2 * roots.sum(1)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        by_mean, by_second = ctx.saved_tensors
        return gradient[:, None] * by_mean, gradient[:, None, None] * by_second, None, None


def barycentre(parts: Sequence[Moments], weights: Sequence[float], lift: Lift) -> Moments:
    """Return the Gaussian nearest to several, by the weighted sum of squared distances.

    Its mean is the mean of the means (Agueh and Carlier 2011, section 6.3). Its covariance is the
    fixed point of Álvarez-Esteban et al. 2016, theorem 4.2, here in terms of factors C = G Gᵀ:
    G ← Σ wᵢ Gᵢ Oᵢ, with Oᵢ the rotation that brings RGᵢ nearest to RG, which is the same iteration
    (Masarotto, Panaretos and Zemel 2019) without an inverse: covariances may be singular. Distances
    are those after the lift R; the factors are those before it, so no lift has to be inverted.

    Args:
        parts: at least one.
        weights: one for each part, ≥ 0, not all 0; their sum does not matter.
        lift: of the layer that the parts come from.
    """
    pairs = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight]
    if len(pairs) == 1:
        return pairs[0][0]
    # Once for a style, hence on the processor in double precision, which not all devices have.
    shares = torch.tensor([weight for _, weight in pairs], dtype=torch.float64)
    shares = (shares / shares.sum())[:, None, None, None]
    means = torch.stack([part.mean[:, :, None].cpu().double() for part, _ in pairs])
    seconds = torch.stack([part.second.cpu().double() for part, _ in pairs])
    linear = lift.linear.cpu().double()
    factor = _aligned(matrix_root(seconds - means @ means.mT), shares, linear.T @ linear)
    mean = (shares * means).sum(0)
    like = parts[0]
    return Moments(mean[:, :, 0].to(like.mean), (factor @ factor.mT + mean @ mean.mT).to(like.mean))


def _aligned(
    roots: Float[Tensor, "k b c c"],
    shares: Float[Tensor, "k 1 1 1"],
    metric: Float[Tensor, "c c"],
) -> Float[Tensor, "b c c"]:
    """Return a factor of the barycentre's covariance, from those of its parts."""
    # Has the directions of all parts, and is the answer already if all roots commute.
    factor: Tensor = (shares * roots).sum(0)
    covariance = factor @ factor.mT
    for _ in range(ROUNDS):
        left, _, right = torch.linalg.svd(roots.mT @ metric @ factor)
        factor = (shares * (roots @ left @ right)).sum(0)
        before, covariance = covariance, factor @ factor.mT
        if (covariance - before).norm() <= TOLERANCE * covariance.norm():
            break
    return factor
