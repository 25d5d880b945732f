"""Keeping to what was painted before, where a film shows the same."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from impasto.losses.objective import Distance, Term
from impasto.losses.tiled_losses import pixel_measurement

__all__ = ["CarriedPainting", "temporal_term"]


@dataclass(frozen=True)
class CarriedPainting:
    """What was painted before, carried along the flow to the frame that is painted.

    Attributes:
        pixels: in [0, 1].
        trust: how much each pixel counts, in [0, 1]: 0 where the frame shows what was not seen.
        weight: of the loss.
    """

    pixels: Float[Tensor, "1 3 h w"]
    trust: Float[Tensor, "1 1 h w"]
    weight: float


def temporal_term(carried: CarriedPainting) -> Term:
    """Return the mean over all pixels of c · (x − carried)².

    Ruder, Dosovitskiy and Brox 2016, "Artistic style transfer for videos", equation 7; a mean also
    over colours.
    """
    measurement = pixel_measurement(carried.pixels, carried.trust[0, 0])
    return Term("temporal", carried.weight, Distance.sum(measurement))
