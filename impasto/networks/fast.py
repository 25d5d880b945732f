"""The network that was trained for some styles: it paints in those, and better than in any other.

It is the one that paints in any style (`instant`), trained on. Each style has scales and shifts of
its own for every convolution, beside those that its statistics give: conditional normalisation
(Dumoulin, Shlens and Kudlur 2017, section 2.2). So a further style can be learnt with nothing else
changed, and two styles be blended by the weighted sums of theirs.

Departs from the paper in what is normalised: not each channel of every layer to a mean and a
deviation, but the photograph's features at four depths to the style's mean and covariance, by
optimal transport. Channels turn with each other then, and a part of a picture can be painted as in
the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from impasto.networks.instant import InstantNetwork

__all__ = ["FastNetwork"]


class FastNetwork(nn.Module):
    """Moved features and the number of a style in, a picture out.

    Args:
        base: the convolutions, and what reads a style; it becomes a part of this network.
        count: styles.

    Attributes:
        own: each style's own scales and shifts.
    """

    def __init__(self, base: InstantNetwork, count: int) -> None:
        super().__init__()
        self.base = base
        self.own = nn.Parameter(torch.zeros(count, sum(base.shares)))

    def steering(
        self,
        style: Float[Tensor, "b n"],
        strength: Float[Tensor, " b"],
        number: Int[Tensor, " b"],
    ) -> Float[Tensor, "b s"]:
        """Scales and shifts of all convolutions, for some of the styles.

        Args:
            style: its summary.
            strength: from 0 to 1.
            number: of the style, from 0.
        """
        steering: Tensor = self.base.steering(style, strength) + self.own[number]
        return steering

    def forward(
        self, moved: Mapping[str, Float[Tensor, "b _ _ _"]], steering: Float[Tensor, "b s"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Paint, as `InstantNetwork` does."""
        painted: Tensor = self.base(moved, steering)
        return painted

    @torch.no_grad()
    def blended(
        self,
        styles: Sequence[Float[Tensor, "1 n"]],
        strength: float,
        numbers: Sequence[int],
        weights: Sequence[float],
    ) -> Float[Tensor, "1 s"]:
        """Scales and shifts between several styles: their weighted mean (Dumoulin et al., fig. 7).

        Args:
            styles: their summaries.
            weights: at least 0, not all 0; their sum does not matter.
        """
        several = torch.full((len(styles),), strength)
        each = self.steering(torch.cat(list(styles)), several, torch.tensor(list(numbers)))
        shares = torch.tensor(list(weights))
        mean: Tensor = (shares / shares.sum()) @ each
        return mean[None]

    def grown(self, more: int) -> FastNetwork:
        """The same network with room for further styles; weights are shared, `own` is copied."""
        grown = FastNetwork(self.base, len(self.own) + more)
        with torch.no_grad():
            grown.own[: len(self.own)] = self.own
        return grown
