"""Optimal transport between Gaussians of features: one linear map for a whole picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.losses.moments import Moments
from impasto.losses.statistics import matrix_root

__all__ = ["FLOOR", "LEAST_SHARE", "Target", "Transport", "transport"]

FLOOR = 0.1
"""The share of its mean variance that is added to the photograph's covariance. Otherwise a flat
sky's channels, which hardly vary, would be amplified to the painting's, noise first. With a tenth
of it single photographs upset trainings again and again (LOG.md)."""

LEAST_SHARE = 0.01
"""The least variance of a photograph, as a share of the style's: one of one colour has none, or by
rounding a negative one."""

# The least variance of a direction, as a share of the largest one.
RANK_FLOOR = 1e-6


@dataclass(frozen=True)
class Target:
    """What a style's features are at one layer: their mean and the root of their covariance."""

    mean: Float[Tensor, "b c"]
    root: Float[Tensor, "b c c"]

    @staticmethod
    def of(moments: Moments) -> Target:
        """Return the target for a layer's moments, before its lift."""
        centred = moments.second - moments.mean[:, :, None] * moments.mean[:, None, :]
        return Target(moments.mean, matrix_root(centred))

    @property
    def variance(self) -> Float[Tensor, " b"]:
        """The mean variance of the channels."""
        return self.root.square().sum((1, 2)) / self.root.shape[-1]

    def to(self, device: torch.device) -> Target:
        """Return the target on a device."""
        return Target(self.mean.to(device), self.root.to(device))


@dataclass(frozen=True)
class Transport:
    """The map x ↦ x M + s, for rows of channels x."""

    matrix: Float[Tensor, "b c c"]
    shift: Float[Tensor, "b 1 c"]

    def __call__(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Move the channels of each position."""
        batch, channels, height, width = features.shape
        rows = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        result = torch.baddbmm(self.shift.to(rows.dtype), rows, self.matrix.to(rows.dtype))
        return result.view(batch, height, width, channels).permute(0, 3, 1, 2)


def transport(
    content: Moments, style: Target, share: Float[Tensor, " b"] | float = 1.0
) -> Transport:
    """Return the optimal transport from a photograph's features to a style's, as far as `share`.

    For Gaussians it is T = S^½ (S^½ C S^½)^-½ S^½ (Knott and Smith 1984; for style transfer Mroueh
    2019, section 4): of all maps that give the photograph the style's mean and covariance it moves
    the features least, while whitening and colouring (Li et al. 2017) also rotates them. At a share
    a it is (1 − a) I + a T.

    Args:
        share: 0 leaves the features as they are.
    """
    centred = content.second - content.mean[:, :, None] * content.mean[:, None, :]
    variance = centred.diagonal(dim1=1, dim2=2).mean(1)
    variance = variance.maximum(LEAST_SHARE * style.variance)
    identity = torch.eye(centred.shape[-1], device=centred.device)
    covariance = centred + FLOOR * variance[:, None, None] * identity
    # On the CPU in double precision, as it is done once for a picture: channels that are never
    # active make equal eigenvalues, on which single precision may fail.
    product = (style.root @ covariance @ style.root).cpu().double()
    values, vectors = (part.to(covariance) for part in torch.linalg.eigh(product))
    values = values.clamp(min=0).maximum(RANK_FLOOR * values[:, -1:]).clamp(min=1e-12)
    rotated = vectors.mT @ style.root
    full = rotated.mT @ (values.rsqrt()[:, :, None] * rotated)
    part = torch.as_tensor(share, device=identity.device).reshape(-1, 1, 1)
    matrix = identity + part * (full - identity)
    target_mean = torch.lerp(content.mean, style.mean, part[:, 0])
    return Transport(matrix, target_mean[:, None] - content.mean[:, None] @ matrix)
