"""What a style is made of: the mean and the co-activations of a layer's channels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Lift", "Moments", "blend", "covariance", "gram", "matrix_root", "moments"]


@dataclass(frozen=True)
class Moments:
    """First and raw second moments of a layer's features over its pixels, in float32.

    Attributes:
        mean: E[f].
        second: E[f fᵀ], the Gram matrix over the number of pixels.
    """

    mean: Float[Tensor, "b c"]
    second: Float[Tensor, "b c c"]


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
        """The lift of a linear layer, in float32."""
        weight, bias = weight.detach().double(), bias.detach().double()
        whole = torch.cat([weight, bias[:, None]], 1)
        return Lift(
            torch.linalg.qr(whole, mode="r").R.float(), torch.linalg.qr(weight, mode="r").R.float()
        )

    @staticmethod
    def identity(channels: int) -> Lift:
        """The lift of a layer that stands for itself. Its Gram matrix is the plain one."""
        eye = torch.eye(channels)
        return Lift(torch.cat([eye, torch.zeros(channels, 1)], 1), eye)


def moments(features: Float[Tensor, "b c h w"]) -> Moments:
    """Moments over a layer's pixels: averages, hence independent of the picture's size.

    Summed in float32 whatever the features' type: bfloat16 keeps eight bits, too few for a sum over
    a hundred thousand pixels.
    """
    flat = features.float().flatten(2)
    second = flat @ flat.transpose(1, 2) / flat.shape[2]
    return Moments(flat.mean(2), second)


def gram(moments: Moments, lift: Lift) -> Float[Tensor, "b k k"]:
    """The lifted Gram matrix, R G̃ Rᵀ, with G̃ the moments of [f, 1].

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
    """The lifted covariance, R (E[ffᵀ] − μμᵀ) Rᵀ."""
    centred = moments.second - moments.mean[:, :, None] * moments.mean[:, None, :]
    return lift.linear @ centred @ lift.linear.T


def matrix_root(matrix: Float[Tensor, "b c c"]) -> Float[Tensor, "b c c"]:
    """The symmetric square root of a positive semi-definite matrix, less negative rounding."""
    values, vectors = torch.linalg.eigh(matrix.double())
    roots = values.clamp(min=0).sqrt()
    root: Tensor = vectors * roots[:, None, :] @ vectors.transpose(1, 2)
    return root.to(matrix.dtype)


def blend(first: Moments, second: Moments, share: float) -> Moments:
    """Moments between two: those of a picture of which `share` (0 to 1) looks like the second."""
    return Moments(
        torch.lerp(first.mean, second.mean, share), torch.lerp(first.second, second.second, share)
    )
