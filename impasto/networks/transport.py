"""One Gaussian's features brought to look like another's: a linear map, once for a picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.losses.moments import Moments
from impasto.losses.statistics import matrix_root

__all__ = ["FLOOR", "LEAST_SHARE", "Target", "Transport", "transport"]

# Added to the photograph's covariance, of its mean variance: a flat sky's channels that hardly vary
# would else be blown up to the painting's, noise first. With a tenth of it trainings were upset
# again and again by single photographs (LOG.md).
FLOOR = 0.1

# A photograph of one colour has no variance at all, or by rounding less than none: it counts as
# having this share of the style's at least.
LEAST_SHARE = 0.01

# Of the widest direction that both vary in: what is narrower counts as no wider than this.
RANK_FLOOR = 1e-6


@dataclass(frozen=True)
class Target:
    """A style's features at one layer, to be gone to: their mean and their covariance's root."""

    mean: Float[Tensor, "b c"]
    root: Float[Tensor, "b c c"]

    @staticmethod
    def of(moments: Moments) -> Target:
        """Of a layer's moments, before its lift."""
        centred = moments.second - moments.mean[:, :, None] * moments.mean[:, None, :]
        return Target(moments.mean, matrix_root(centred))

    @property
    def variance(self) -> Float[Tensor, " b"]:
        """Of the mean channel."""
        return self.root.square().sum((1, 2)) / self.root.shape[-1]

    def to(self, device: torch.device) -> Target:
        """The same on a device."""
        return Target(self.mean.to(device), self.root.to(device))


@dataclass(frozen=True)
class Transport:
    """x ↦ x M + s, for rows of channels x."""

    matrix: Float[Tensor, "b c c"]
    shift: Float[Tensor, "b 1 c"]

    def __call__(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Every position's channels, moved."""
        batch, channels, height, width = features.shape
        rows = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        moved = torch.baddbmm(self.shift.to(rows.dtype), rows, self.matrix.to(rows.dtype))
        return moved.view(batch, height, width, channels).permute(0, 3, 1, 2)


def transport(
    content: Moments, style: Target, share: Float[Tensor, " b"] | float = 1.0
) -> Transport:
    """The shortest way from a photograph's features to a style's, gone as far as `share`.

    The optimal transport of Gaussians, T = S^½ (S^½ C S^½)^-½ S^½ (Knott and Smith 1984; for style
    transfer Mroueh 2019, section 4): of all maps that give the photograph the style's mean and
    covariance it moves the features least, where whitening and colouring (Li et al. 2017) turns
    them besides. In between it is (1 − a) I + a T.

    Args:
        share: 0 leaves the features as they are.
    """
    centred = content.second - content.mean[:, :, None] * content.mean[:, None, :]
    variance = centred.diagonal(dim1=1, dim2=2).mean(1)
    variance = variance.maximum(LEAST_SHARE * style.variance)
    eye = torch.eye(centred.shape[-1], device=centred.device)
    covariance = centred + FLOOR * variance[:, None, None] * eye
    # Once for a picture, hence on the processor in double precision: channels that are never active
    # make eigenvalues alike, over which single precision may stumble.
    both = (style.root @ covariance @ style.root).cpu().double()
    values, vectors = (part.to(covariance) for part in torch.linalg.eigh(both))
    values = values.clamp(min=0).maximum(RANK_FLOOR * values[:, -1:]).clamp(min=1e-12)
    turned = vectors.mT @ style.root
    whole = turned.mT @ (values.rsqrt()[:, :, None] * turned)
    part = torch.as_tensor(share, device=eye.device).reshape(-1, 1, 1)
    matrix = eye + part * (whole - eye)
    towards = torch.lerp(content.mean, style.mean, part[:, 0])
    return Transport(matrix, towards[:, None] - content.mean[:, None] @ matrix)
