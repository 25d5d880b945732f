"""The network that is trained for some styles.

It is the one that paints in any style (`instant`), trained further. Each style has scales and
shifts for every convolution, added to those that its statistics give: conditional normalisation
(Dumoulin, Shlens and Kudlur 2017, section 2.2). So a further style can be learnt without changing
anything else, and styles can be blended by the weighted sums of theirs.

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
    """A network that paints from moved features and the number of a style.

    Args:
        base: the network that paints in any style; it becomes a part of this one.
        count: number of styles.

    Attributes:
        own: scales and shifts, one row for each style.
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
        """Return the scales and shifts of all convolutions, for some of the styles.

        Args:
            style: its summary.
            strength: from 0 to 1.
            number: of the style, from 0.
        """
        steering: Tensor = self.base.steering(style, strength) + self.own[number]
        return steering

    def forward(
        self, features: Mapping[str, Float[Tensor, "b _ _ _"]], steering: Float[Tensor, "b s"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Paint, as `InstantNetwork` does."""
        painted: Tensor = self.base(features, steering)
        return painted

    @torch.no_grad()
    def blended(
        self,
        styles: Sequence[Float[Tensor, "1 n"]],
        strength: float,
        numbers: Sequence[int],
        weights: Sequence[float],
    ) -> Float[Tensor, "1 s"]:
        """Return the weighted mean of several styles' scales and shifts (Dumoulin et al., fig. 7).

        Args:
            styles: their summaries.
            weights: at least 0, not all 0; their sum does not matter.
        """
        strengths = torch.full((len(styles),), strength)
        rows = self.steering(torch.cat(list(styles)), strengths, torch.tensor(list(numbers)))
        shares = torch.tensor(list(weights))
        mean: Tensor = (shares / shares.sum()) @ rows
        return mean[None]

    def grown(self, count: int) -> FastNetwork:
        """Return the network with `count` further styles; weights are shared, `own` is copied."""
        grown = FastNetwork(self.base, len(self.own) + count)
        with torch.no_grad():
            grown.own[: len(self.own)] = self.own
        return grown
