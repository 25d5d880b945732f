"""The network of Johnson et al. 2016, one style a network: a baseline for speed, untrained.

With instance normalisation (Ulyanov et al. 2016), reflection padding, and nearest-neighbour
upsampling in place of transposed convolutions, as in PyTorch's example `fast_neural_style` and most
programs that paint with such networks. Its weights are random: time does not depend on them.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Johnson"]


class _Conv(nn.Sequential):
    """A convolution with reflection padding."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.ReflectionPad2d(kernel // 2), nn.Conv2d(inputs, outputs, kernel, stride)
        )


def _normed(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    conv = _Conv(inputs, outputs, kernel, stride)
    return [conv, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU(inplace=True)]


def _enlarging(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Upsample(scale_factor=2, mode="nearest"), *_normed(inputs, outputs, 3)]


class _Residual(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = nn.InstanceNorm2d(channels, affine=True)
        self.inner = nn.Sequential(
            *_normed(channels, channels, 3), _Conv(channels, channels, 3), last
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Add what the convolutions make of the input to it."""
        difference: Tensor = self.inner(x)
        return difference.add_(x)


class Johnson(nn.Sequential):
    """A network from pictures to pictures."""

    def __init__(self) -> None:
        residuals = [_Residual(128) for _ in range(5)]
        super().__init__(
            *_normed(3, 32, 9),
            *_normed(32, 64, 3, 2),
            *_normed(64, 128, 3, 2),
            *residuals,
            *_enlarging(128, 64),
            *_enlarging(64, 32),
            _Conv(32, 3, 9),
        )

    @staticmethod
    def ready(precision: torch.dtype) -> Johnson:
        """Return one to paint with, in the layout in which convolutions are fastest."""
        torch.manual_seed(0)
        network = Johnson().eval().requires_grad_(False).to(precision)
        for weight in network.parameters():
            if weight.dim() == 4:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        return network
