"""The statistics of a style: lifted Gram matrices and covariances of a layer's channels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.losses.moments import Moments

__all__ = ["Lift", "blend", "covariance", "gram", "lift_of", "matrix_root"]


@dataclass(frozen=True)
class Lift:
    """A linear lift f ↦ W f + b, as far as distances are concerned.

    With QR of W̃ = [W, b], lengths after the lift are lengths after the small triangular factor:
    ‖W̃ x‖ = ‖R x‖, and ‖W̃ D W̃ᵀ‖ = ‖R D Rᵀ‖. So 128 channels are compared in VGG-19's 512-channel
    geometry exactly, without ever making 512 channels.

    Attributes:
        factor: R of W̃ = [W, b]; acts on [f, 1] and on its moments.
        linear: R of W alone; acts on differences of features, means and covariances.
    """

    factor: Float[Tensor, "k c1"]
    linear: Float[Tensor, "l c"]

    @staticmethod
    def of(weight: Float[Tensor, "o c"], bias: Float[Tensor, " o"]) -> Lift:
        """Return the lift of a linear layer, in float32."""
        device = weight.device
        # Once for a run, hence on the processor in double precision, which not all devices have.
        weight, bias = weight.detach().cpu().double(), bias.detach().cpu().double()
        extended = torch.cat([weight, bias[:, None]], 1)
        factors = [
            torch.linalg.qr(matrix, mode="r").R.float().to(device) for matrix in (extended, weight)
        ]
        return Lift(*factors)

    @staticmethod
    def identity(channels: int, device: torch.device | None = None) -> Lift:
        """Return the lift of a layer that imitates none: its Gram matrix is the plain one."""
        eye = torch.eye(channels, device=device)
        return Lift(torch.cat([eye, torch.zeros_like(eye[:, :1])], 1), eye)


def lift_of(extractor: Extractor, layer: str) -> Lift:
    """Return a layer's lift, or the identity if the backbone has none."""
    if layer in extractor.lifts:
        lift = extractor.lifts[layer]
        return Lift.of(lift.get_parameter("weight")[:, :, 0, 0], lift.get_parameter("bias"))
    device = extractor.device
    return Lift.identity(extractor.channels(layer), device)


def gram(moments: Moments, lift: Lift) -> Float[Tensor, "b k k"]:
    """Return the lifted Gram matrix, R G̃ Rᵀ, with G̃ the moments of [f, 1].

    Its Frobenius distances are those of VGG-19's width (Gatys et al. 2016, eq. 3, with the mean
    over pixels in place of the sum).
    """
    mean, second = moments.mean[:, :, None], moments.second
    one = torch.ones_like(mean[:, :1])
    extended = torch.cat(
        [torch.cat([second, mean], 2), torch.cat([mean.transpose(1, 2), one], 2)], 1
    )
    return lift.factor @ extended @ lift.factor.T


def covariance(moments: Moments, lift: Lift) -> Float[Tensor, "b l l"]:
    """Return the lifted covariance, R (E[ffᵀ] − μμᵀ) Rᵀ."""
    centred = moments.second - moments.mean[:, :, None] * moments.mean[:, None, :]
    return lift.linear @ centred @ lift.linear.T


def matrix_root(matrix: Float[Tensor, "*b c c"]) -> Float[Tensor, "*b c c"]:
    """Return the symmetric square root of a positive semi-definite matrix, up to rounding."""
    values, vectors = torch.linalg.eigh(matrix.cpu().double())
    roots = values.clamp(min=0).sqrt()
    root: Tensor = vectors * roots[..., None, :] @ vectors.mT
    return root.to(matrix)


def blend(first: Moments, second: Moments, share: float) -> Moments:
    """Return moments between two: of a picture of which `share` (0 to 1) looks like the second."""
    return Moments(
        torch.lerp(first.mean, second.mean, share), torch.lerp(first.second, second.second, share)
    )
