"""A first guess of the inverse Hessian that is diagonal in the picture's spectrum."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["SpectralGuess"]

# Cycles a pixel above which a gradient is damped in proportion to its frequency.
_CORNER = 0.02


class SpectralGuess:
    """The operator P: it multiplies a gradient's spectrum by f₀/(f + f₀), f in cycles a pixel.

    A loss on a network's features curves most along fine detail, which all layers see. So P lets
    coarse forms move first, as a multigrid method would.

    Args:
        height, width: of the pictures.
    """

    def __init__(self, height: int, width: int, device: torch.device) -> None:
        rows = torch.fft.fftfreq(height, device=device)[:, None]
        columns = torch.fft.rfftfreq(width, device=device)
        self.shape = height, width
        self._gain = _CORNER / ((rows.square() + columns.square()).sqrt() + _CORNER)

    def apply(self, values: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """Multiply by P, in place: channel by channel, as a poster's spectrum is large."""
        for channel in values[0]:
            spectrum = torch.fft.rfft2(channel).mul_(self._gain)
            channel.copy_(torch.fft.irfft2(spectrum, s=self.shape))
        return values

    def square(self, channels: Iterable[Float[Tensor, "h w"]]) -> float:
        """Return v·Pv of a picture's channels, by Parseval's theorem: from the spectrum alone."""
        height, width = self.shape
        total = 0.0
        for channel in channels:
            spectrum = torch.fft.rfft2(channel)
            power = torch.view_as_real(spectrum).square_().sum(-1).mul_(self._gain)
            # Half of the spectrum is not kept: columns but the first and Nyquist's stand for two.
            twice = power[:, 1 : (width + 1) // 2].sum()
            total += float(power.sum() + twice) / (height * width)
        return total
