"""What a style is made of: the mean and the co-activations of a layer's channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx

from impasto.features.extractor import Extractor

__all__ = ["Lift", "Moments", "blend", "covariance", "gram", "lift_of", "matrix_root", "moments"]


@dataclass(frozen=True)
class Moments:
    """First and raw second moments of a layer's features over its pixels, in float32.

    Attributes:
        mean: E[f].
        second: E[f fᵀ], the Gram matrix over the number of pixels.
    """

    mean: Float[Tensor, "b c"]
    second: Float[Tensor, "b c c"]

    def to(self, device: torch.device) -> Moments:
        """The same moments on a device."""
        return Moments(self.mean.to(device), self.second.to(device))


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
        device = weight.device
        # Once for a run, hence on the processor in double precision, which not all devices have.
        weight, bias = weight.detach().cpu().double(), bias.detach().cpu().double()
        whole = torch.cat([weight, bias[:, None]], 1)
        factors = [
            torch.linalg.qr(matrix, mode="r").R.float().to(device) for matrix in (whole, weight)
        ]
        return Lift(*factors)

    @staticmethod
    def identity(channels: int, device: torch.device | None = None) -> Lift:
        """The lift of a layer that stands for itself. Its Gram matrix is the plain one."""
        eye = torch.eye(channels, device=device)
        return Lift(torch.cat([eye, torch.zeros_like(eye[:, :1])], 1), eye)


def lift_of(extractor: Extractor, layer: str) -> Lift:
    """A layer's lift, or the identity where the backbone has none."""
    if layer in extractor.lifts:
        lift = extractor.lifts[layer]
        return Lift.of(lift.get_parameter("weight")[:, :, 0, 0], lift.get_parameter("bias"))
    device = next(extractor.parameters()).device
    return Lift.identity(extractor.channels(layer), device)


def moments(features: Float[Tensor, "b c h w"]) -> Moments:
    """Moments over a layer's pixels: averages, hence independent of the picture's size.

    Summed in float32 whatever the features' type: bfloat16 keeps eight bits, too few for a sum over
    a hundred thousand pixels.
    """
    mean, second = _MomentsOf.apply(features)  # type: ignore[no-untyped-call]
    return Moments(mean, second)


class _MomentsOf(torch.autograd.Function):
    """Moments, with a gradient in the features' own type and layout.

    What autograd makes of the two lines of `forward` takes three times as long: it goes through
    float32, multiplies twice for the two factors of f fᵀ, and returns another memory layout than
    the one that it is added to.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(features)
        rows = _rows(features)
        rows = rows if rows.dtype == torch.float64 else rows.float()
        return rows.mean(1), rows.transpose(1, 2) @ rows / rows.shape[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        mean, second = (gradient / features[0, 0].numel() for gradient in gradients)
        rows = _rows(features)
        both = (second + second.transpose(1, 2)).to(rows.dtype)
        whole = torch.baddbmm(mean[:, None].to(rows.dtype), rows, both)
        height, width = features.shape[2:]
        return whole.view(len(whole), height, width, -1).permute(0, 3, 1, 2)


def _rows(features: Tensor) -> Tensor:
    """One row of channels for each pixel; no copy where channels lie last in memory."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)


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
    values, vectors = torch.linalg.eigh(matrix.cpu().double())
    roots = values.clamp(min=0).sqrt()
    root: Tensor = vectors * roots[:, None, :] @ vectors.transpose(1, 2)
    return root.to(matrix)


def blend(first: Moments, second: Moments, share: float) -> Moments:
    """Moments between two: those of a picture of which `share` (0 to 1) looks like the second."""
    return Moments(
        torch.lerp(first.mean, second.mean, share), torch.lerp(first.second, second.second, share)
    )
