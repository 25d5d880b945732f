"""What a painting's features show again and again, and what only once: its subject."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from impasto.losses.statistics import Lift

__all__ = ["modesty", "recurrence"]

# Cosines between a place and the one most like it elsewhere: what counts nothing, and what counts
# in full. Faces have 0.3 to 0.5, whirls and waves 0.55 to 0.8.
_ONCE, _AGAIN = 0.5, 0.65

# Elsewhere is at least so far away, over the root of the picture's area: beyond the same thing.
_ELSEWHERE = 0.375

# How much of a cell is the style's where its length is one of those that are usual.
_INSIDE = 0.5

# Places along a side that are compared with each other, at most.
_MOST = 48


@torch.no_grad()
def recurrence(features: Float[Tensor, "1 c h w"], lift: Lift) -> Float[Tensor, "h w"]:
    """Return how much each place of a painting has something like it elsewhere, from 0 to 1.

    The one striking thing of a portrait, its face, recurs nowhere; strokes, waves and whirls do.
    Two places are alike by the cosine of their lifted features.

    Args:
        features: of a layer that sees things as a whole.
    """
    height, width = features.shape[2:]
    reduced = F.adaptive_avg_pool2d(features.float(), (min(height, _MOST), min(width, _MOST)))
    rows, columns = reduced.shape[2:]
    directions = F.normalize(lift.linear @ reduced[0].flatten(1), dim=0)
    alike = (directions.T @ directions).masked_fill_(_near(rows, columns, reduced.device), -1.0)
    share = ((alike.amax(1) - _ONCE) / (_AGAIN - _ONCE)).clamp(0, 1).view(1, 1, rows, columns)
    return F.interpolate(share, (height, width), mode="bilinear", align_corners=False)[0, 0]


@torch.no_grad()
def modesty(
    features: Float[Tensor, "1 c h w"], lift: Lift, mask: Float[Tensor, "h w"] | None = None
) -> Float[Tensor, "h w"]:
    """Return how much each place may count, from 0 to 1, so that none outweighs the others.

    Moments sum squares, so that a few strong cells decide them, and one place of a picture is
    enough to have as much: a blob. Cells longer than half of the others count as those do.

    Args:
        mask: how much each cell is the style's; None for all.
    """
    squares = (lift.linear @ features[0].flatten(1).float()).square().sum(0)
    inside = squares if mask is None else squares[mask.flatten() > _INSIDE]
    usual = (inside if len(inside) else squares).median() / squares.clamp(
        min=torch.finfo(squares.dtype).tiny
    )
    return usual.clamp(max=1).view(features.shape[2:])


def _near(rows: int, columns: int, device: torch.device) -> Bool[Tensor, "n n"]:
    """Return, for each two cells of a grid, whether they are too near to be compared."""
    y, x = (torch.arange(n, device=device, dtype=torch.float32) for n in (rows, columns))
    places = torch.cartesian_prod(y, x)
    least = _ELSEWHERE * (rows * columns) ** 0.5
    near: Tensor = torch.cdist(places, places) < least
    return near
