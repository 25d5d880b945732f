"""Styles as Gaussians: how far they are apart, and one between several."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from impasto.losses.moments import Moments
from impasto.losses.statistics import Lift, covariance, gram
from impasto.runtime import eigh

__all__ = ["GaussianTarget", "barycentre", "gaussian", "gaussian_each"]

# When a barycentre stands: its covariance moves by less than this share of itself, or this often.
TOLERANCE = 1e-6
ROUNDS = 12

# A covariance varies in no direction that has less than this share of its widest one's variance;
# of the embedded network's, what is left is rounding, a million times smaller.
RANK_FLOOR = 1e-7


class GaussianTarget:
    """A style as a Gaussian, ready to be compared with; or several, along the first axis.

    Attributes:
        unit: tr C + ‖μ‖², each style's own energy.
        trace: tr C.
        metric: RᵀR, with R the lift: lengths before the lift as they are after it.
        towards: P R with PᵀP = C, with only as many rows as C has directions: channels that are
            never active have none, and cost nothing.
    """

    def __init__(self, moments: Moments, lift: Lift) -> None:
        self.mean = moments.mean
        ours = covariance(moments, lift)
        # E‖f‖² = tr C + ‖μ‖²: the trace of the Gram matrix.
        self.unit = gram(moments, lift).diagonal(dim1=1, dim2=2).sum(1)
        self.trace = ours.diagonal(dim1=1, dim2=2).sum(1)
        self.metric = lift.linear.T @ lift.linear
        self.towards = _thin_root(ours) @ lift.linear

    def pick(self, index: Int[Tensor, " n"]) -> GaussianTarget:
        """Some of several styles, by their numbers along the first axis."""
        picked = copy.copy(self)
        for name in _EACH:
            setattr(picked, name, getattr(self, name)[index])
        return picked

    def to(self, device: torch.device) -> GaussianTarget:
        """The same on a device."""
        moved = copy.copy(self)
        for name in (*_EACH, "metric"):
            setattr(moved, name, getattr(self, name).to(device))
        return moved


# What of a target there is for each of its styles.
_EACH = ("mean", "unit", "trace", "towards")


def _thin_root(matrix: Float[Tensor, "b c c"]) -> Float[Tensor, "b k c"]:
    """P with PᵀP the matrix, as thin as the matrix of the highest rank allows."""
    values, vectors = torch.linalg.eigh(matrix.cpu().double())
    values, vectors = values.flip(-1).clamp(min=0), vectors.flip(-1)
    rank = int((values > RANK_FLOOR * values[:, :1]).sum(-1).max())
    root: Tensor = values[:, :rank, None].sqrt() * vectors.mT[:, :rank]
    return root.to(matrix)


def gaussian(got: Moments, target: GaussianTarget) -> Float[Tensor, ""]:
    """Squared Wasserstein-2 distance of two Gaussians over the energy of the second.

    ‖μ−μₛ‖² + tr(C + Cₛ − 2(Cₛ^½ C Cₛ^½)^½), after the lift (Dowson and Landau 1982).
    """
    return gaussian_each(got, target).mean()


def gaussian_each(got: Moments, target: GaussianTarget, floor: float = 1e-7) -> Float[Tensor, " b"]:
    """The same for several pairs at once, which takes less than one by one.

    Args:
        floor: share of the largest eigenvalue under which an eigenvalue's root is held, where its
            gradient would be without bound.
    """
    distance: Tensor = _Wasserstein.apply(  # type: ignore[no-untyped-call]
        got.mean, got.second, target, floor
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
        values, vectors = eigh(target.towards @ centred @ target.towards.mT)
        least = (floor * values[:, -1:]).clamp(min=1e-12)
        roots = values.maximum(least).sqrt()
        shift = mean - target.mean
        steered = shift @ target.metric
        turned = vectors.mT @ target.towards
        slopes = ((values > least) / roots)[:, :, None]
        by_second = target.metric - turned.mT @ (slopes * turned)
        by_mean = 2 * steered - 2 * (by_second @ mean[:, :, None])[:, :, 0]
        ctx.save_for_backward(by_mean, by_second)
        trace = (target.metric * centred).sum((1, 2)) + target.trace
        result: Tensor = (shift * steered).sum(1) + trace - 2 * roots.sum(1)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        by_mean, by_second = ctx.saved_tensors
        return gradient[:, None] * by_mean, gradient[:, None, None] * by_second, None, None


def barycentre(parts: Sequence[Moments], weights: Sequence[float], lift: Lift) -> Moments:
    """The Gaussian nearest to several, by the weighted sum of squared Wasserstein-2 distances.

    Its mean is the mean of the means (Agueh and Carlier 2011, section 6.3). Its covariance is the
    fixed point of Álvarez-Esteban et al. 2016, theorem 4.2, here in terms of factors C = G Gᵀ:
    G ← Σ wᵢ Gᵢ Oᵢ, with Oᵢ the rotation that brings RGᵢ nearest to RG, which is the same iteration
    (Masarotto, Panaretos and Zemel 2019) without an inverse: covariances may be singular. Distances
    are those after the lift R; the factors are those before it, so nothing has to be taken back.

    Args:
        parts: at least one.
        weights: one for each part, ≥ 0, not all 0; their sum does not matter.
        lift: of the layer that the parts come from.
    """
    kept = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight]
    if len(kept) == 1:
        return kept[0][0]
    # Once for a style, hence on the processor in double precision, which not all devices have.
    shares = torch.tensor([weight for _, weight in kept], dtype=torch.float64)
    shares = (shares / shares.sum())[:, None, None, None]
    means = torch.stack([part.mean[:, :, None].cpu().double() for part, _ in kept])
    seconds = torch.stack([part.second.cpu().double() for part, _ in kept])
    linear = lift.linear.cpu().double()
    factor = _aligned(_roots(seconds - means @ means.mT), shares, linear.T @ linear)
    mean = (shares * means).sum(0)
    like = parts[0]
    return Moments(mean[:, :, 0].to(like.mean), (factor @ factor.mT + mean @ mean.mT).to(like.mean))


def _aligned(
    roots: Float[Tensor, "k b c c"],
    shares: Float[Tensor, "k 1 1 1"],
    metric: Float[Tensor, "c c"],
) -> Float[Tensor, "b c c"]:
    """A factor of the barycentre's covariance, from those of its parts."""
    # Reaches all that any part reaches, and is the answer already where all roots commute.
    factor: Tensor = (shares * roots).sum(0)
    held = factor @ factor.mT
    for _ in range(ROUNDS):
        left, _, right = torch.linalg.svd(roots.mT @ metric @ factor)
        factor = (shares * (roots @ left @ right)).sum(0)
        before, held = held, factor @ factor.mT
        if (held - before).norm() <= TOLERANCE * held.norm():
            break
    return factor


def _roots(covariances: Float[Tensor, "k b c c"]) -> Float[Tensor, "k b c c"]:
    values, vectors = torch.linalg.eigh(covariances)
    roots: Tensor = (vectors * values.clamp(min=0).sqrt()[..., None, :]) @ vectors.mT
    return roots
