"""The map of `transport` by matrix products alone, for graphs without eigenvectors.

ONNX has no matrix decompositions. Newton and Schulz's iterations need only products, and each
about squares the error once it is small (Higham 2008, "Functions of matrices", chapters 6 and 8).

Of the equal forms of the optimal transport between Gaussians, T = C^-½ (C^½ S C^½)^½ C^-½ suits
them. C, the photograph's covariance, has a floor, so its roots are found quickly and exactly. S,
the style's, has none, and may lack whole directions; but of C^½ S C^½ only the root is needed, no
inverse. With B = C^½ S^½ that is the root of B Bᵀ, which is B Qᵀ with Q the orthogonal part of B.
So T = S^½ Qᵀ C^-½: Q is found from B itself, whose range of lengths is the square root of B Bᵀ's,
and a direction that S lacks keeps a length of 0 in B throughout, whatever Q is there.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.losses.moments import Moments
from impasto.networks.broad_picture import broad_share
from impasto.networks.transport import FLOOR, LEAST_SHARE, Target, Transport

__all__ = ["orthogonal", "roots", "transport_by_products"]

# Its floor keeps the covariance of 128 channels within a range of 1 to 1,400 of its eigenvalues; a
# step takes small ones to 9/4 of themselves. Nine steps bring all near 1, four more converge.
_ROOT_STEPS = 13

# A step takes short lengths to 3/2 of themselves, so that 18 bring to 1 what is a thousandth of the
# longest, and what is shorter to less: as `transport` does, whose RANK_FLOOR is the square of it.
# Fewer or more agree with it less: of 15 pictures the largest difference is 0.4 of 255 levels with
# 18 steps, 0.8 with 17 and 1.0 with 19.
_PART_STEPS = 18

# Keeps divisors above 0 where neither photograph nor style varies.
_LEAST = 1e-12


def roots(
    matrix: Float[Tensor, "c c"], steps: int = _ROOT_STEPS
) -> tuple[Float[Tensor, "c c"], Float[Tensor, "c c"]]:
    """Return the root of a symmetric matrix with positive eigenvalues, and the root's inverse.

    The coupled iteration, which is stable under rounding (Higham 2008, eq. 6.35).
    """
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    norm = matrix.square().sum().sqrt()
    root, inverse = matrix / norm, identity
    for _ in range(steps):
        step = torch.addmm(1.5 * identity, inverse, root, alpha=-0.5)
        root, inverse = root @ step, step @ inverse
    return root * norm.sqrt(), inverse / norm.sqrt()


def orthogonal(matrix: Float[Tensor, "c c"], steps: int = _PART_STEPS) -> Float[Tensor, "c c"]:
    """Return the orthogonal part Q of Q P, P symmetric; less in directions of almost no length.

    Newton and Schulz's iteration for the polar decomposition (Higham 2008, eq. 8.20).
    """
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    part = matrix / matrix.square().sum().sqrt().clamp(min=_LEAST)
    for _ in range(steps):
        part = part @ torch.addmm(1.5 * identity, part.T, part, alpha=-0.5)
    return part


def transport_by_products(
    rows: Float[Tensor, "n c"], style: Target, share: float = 1.0, broad: Moments | None = None
) -> Transport:
    """Return the map of `transport`, from a photograph's features instead of their moments.

    Args:
        rows: features, one row of channels for each pixel.
        share: 0 leaves the features as they are.
        broad: what a plain photograph's moments are mixed with; None for nothing.
    """
    mean = rows.mean(0, keepdim=True)
    centred = rows - mean
    covariance = centred.mT @ centred / rows.shape[0]
    if broad is not None:
        mean, covariance = _mixed(mean, covariance, broad)
    identity = torch.eye(covariance.shape[-1], dtype=rows.dtype, device=rows.device)
    variance = covariance.diagonal().mean().maximum(LEAST_SHARE * style.variance[0])
    floor = FLOOR * variance + _LEAST
    root, inverse = roots(covariance + floor * identity)
    full = style.root[0] @ orthogonal(root @ style.root[0]).mT @ inverse
    matrix = identity + share * (full - identity)
    target_mean = mean + share * (style.mean - mean)
    return Transport(matrix[None], (target_mean - mean @ matrix)[None])


def _mixed(
    mean: Float[Tensor, "1 c"], covariance: Float[Tensor, "c c"], broad: Moments
) -> tuple[Float[Tensor, "1 c"], Float[Tensor, "c c"]]:
    """Do what `steadied` does, by covariances: in single precision second moments lose digits."""
    share = broad_share(covariance.diagonal().mean(), broad)
    off = broad.mean - mean
    theirs = broad.second[0] - broad.mean.mT @ broad.mean
    between = share * (1 - share) * (off.mT @ off)
    return mean + share * off, covariance + share * (theirs - covariance) + between
