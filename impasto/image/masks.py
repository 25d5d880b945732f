"""Soft masks of labels, at any size, with or without feathered borders."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import OptionError
from impasto.image.labels import LabelMap

__all__ = ["masks", "pooled"]


def masks(
    label_map: LabelMap, height: int, width: int, feather: float = 0.0
) -> Float[Tensor, "k 1 {height} {width}"]:
    """Return how much each pixel belongs to each region, in the order of the colours; the sum is 1.

    The labels are resized by nearest neighbour.

    Args:
        feather: the width of a border in pixels of the result, up to the next odd number. Within it
            one region passes into the other (linearly at a straight border along an axis);
            beyond it masks are exactly 0 and 1. Below 2 they are everywhere.

    Raises:
        OptionError: `feather` is negative.
    """
    if feather < 0:
        raise OptionError(f"A feather of {feather:g} pixels is not possible: give 0 or more.")
    labels = label_map.labels
    rows, columns = (
        ((torch.arange(new, device=labels.device) + 0.5) * (old / new)).long()
        for new, old in zip((height, width), labels.shape, strict=True)
    )
    resized = labels[rows[:, None], columns]
    numbers = torch.arange(len(label_map.colours), device=labels.device)[:, None, None, None]
    reach = int(feather / 2)
    if reach == 0 or len(numbers) == 1:
        return (resized == numbers).float()
    # Columns first, transposed: running sums down the rows of a picture take eight times as long.
    summed = _window_sums((resized.T.contiguous() == numbers).float(), reach)
    return _window_sums(summed.mT.contiguous(), reach).div_((2 * reach + 1) ** 2)


def _window_sums(values: Float[Tensor, "k 1 h w"], reach: int) -> Float[Tensor, "k 1 h w"]:
    """Sum along each row, over `reach` pixels on both sides and the one between.

    The outermost pixels are repeated beyond the border. Running sums are as fast for wide windows
    as for narrow ones; all are integers, and so exact below 2²⁴.
    """
    before = torch.zeros_like(values[..., :1])
    first, last = (values[..., [i]].expand(-1, -1, -1, reach) for i in (0, -1))
    sums = torch.cat([before, first, values, last], dim=-1).cumsum(dim=-1)
    return sums[..., 2 * reach + 1 :] - sums[..., : -2 * reach - 1]


def pooled(
    mask: Float[Tensor, "1 1 h w"], height: int, width: int
) -> Float[Tensor, "{height} {width}"]:
    """Return the mask at the size of a layer: each cell's average over its area."""
    return F.adaptive_avg_pool2d(mask, (height, width))[0, 0]
