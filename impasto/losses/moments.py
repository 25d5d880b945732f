"""The moments of a layer's features, over all positions or under guides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx

from impasto.losses.guides import Guide, GuideSet

__all__ = ["Moments", "moments", "moments_gradient", "region_moments", "stacked_moments"]


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
        """Return the same moments on a device."""
        return Moments(self.mean.to(device), self.second.to(device))

    @staticmethod
    def stack(each: Sequence[Moments]) -> Moments:
        """Stack several moments along the first axis."""
        if len(each) == 1:
            return each[0]
        return Moments(torch.cat([m.mean for m in each]), torch.cat([m.second for m in each]))


def moments(features: Float[Tensor, "b c h w"], guide: Guide | None = None) -> Moments:
    """Return the moments over a layer's pixels, or over a region of them.

    Averages, hence independent of the picture's size and of the region's: Σg²f/Σg² and Σg²ffᵀ/Σg²
    (Gatys et al. 2017, "Controlling perceptual factors", section 4). Summed in float32 whatever the
    features' type: bfloat16 keeps eight bits, too few for a sum over a hundred thousand pixels.
    """
    return region_moments(features, [guide])[0]


def region_moments(
    features: Float[Tensor, "b c h w"], guides: GuideSet | Sequence[Guide | None]
) -> tuple[Moments, ...]:
    """Return the moments over each of several regions, with one gradient for all of them.

    Autograd would add up one gradient of the features' size for each region.

    Raises:
        ValueError: a guide is of another height or width than the features.
    """
    guide_set = guides if isinstance(guides, GuideSet) else GuideSet.of(guides)
    _check_shapes(features, guide_set)
    parts: Iterator[tuple[Tensor, Tensor]] = iter(())
    if guide_set.parts:
        means, seconds = _GuidedMoments.apply(features, guide_set)  # type: ignore[no-untyped-call]
        count = len(guide_set.parts)
        parts = zip(means.chunk(count), seconds.chunk(count), strict=True)
    return tuple(
        _all_moments(features) if guide is None or guide.covers_all else Moments(*next(parts))
        for guide in guide_set.guides
    )


def stacked_moments(features: Float[Tensor, "1 c h w"], guide_set: GuideSet) -> Moments:
    """Return the moments of all regions of one picture, along the first axis."""
    if len(guide_set.parts) == len(guide_set.guides):
        _check_shapes(features, guide_set)
        return Moments(*_GuidedMoments.apply(features, guide_set))  # type: ignore[no-untyped-call]
    return Moments.stack(region_moments(features, guide_set))


def _check_shapes(features: Tensor, guide_set: GuideSet) -> None:
    for guide in guide_set.guides:
        if guide is not None and guide.shape != tuple(features.shape[2:]):
            raise ValueError(f"a guide of {guide.shape} for features of {features.shape[2:]}")


def _all_moments(features: Float[Tensor, "b c h w"]) -> Moments:
    mean, second = _MomentsOf.apply(features)  # type: ignore[no-untyped-call]
    return Moments(mean, second)


class _MomentsOf(torch.autograd.Function):
    """Moments, with a gradient in the features' own type and layout.

    Autograd takes three times as long for the two lines of `forward`: it goes through float32,
    multiplies twice for the two factors of f fᵀ, and returns another memory layout than the one
    that it is added to.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(features)
        rows = _precise(_rows(features))
        return rows.mean(1), rows.transpose(1, 2) @ rows / rows.shape[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        return moments_gradient(features, gradients[0], gradients[1], features[0, 0].numel())


def moments_gradient(
    features: Float[Tensor, "b c h w"],
    by_mean: Float[Tensor, "b c"],
    by_second: Float[Tensor, "b c c"],
    total: float,
) -> Float[Tensor, "b c h w"]:
    """Return the gradient for features, of that for their moments over `total` positions."""
    rows = _rows(features)
    slopes = ((by_second + by_second.mT) / total).to(rows.dtype)
    gradient = torch.baddbmm((by_mean / total)[:, None].to(rows.dtype), rows, slopes)
    return _picture(gradient, features.shape)


class _GuidedMoments(torch.autograd.Function):
    """Moments under guides: all means, and all second moments, along the first axis.

    Only rows under a guide are read, and only those on its soft edge are multiplied.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, guide_set: GuideSet) -> tuple[Tensor, ...]:
        picked = _rows(features).index_select(1, guide_set.index)
        ctx.save_for_backward(picked)
        ctx.guide_set, ctx.shape = guide_set, features.shape
        each = torch.split(picked, [guide.count for guide in guide_set.parts], 1)
        sums = [_sums(rows, guide) for rows, guide in zip(each, guide_set.parts, strict=True)]
        means, seconds = zip(*sums, strict=True)
        return torch.cat(means), torch.cat(seconds)

    @staticmethod
    def backward(ctx: Any, mean: Tensor, second: Tensor) -> tuple[Tensor, None]:
        (picked,) = ctx.saved_tensors
        guide_set: GuideSet = ctx.guide_set
        batch, rows, channels = picked.shape
        # One row of numbers for each region, of each picture of the batch.
        totals = mean.new_tensor([guide.total for guide in guide_set.parts]).repeat_interleave(
            batch
        )
        offsets = (mean / totals[:, None]).to(picked.dtype)[:, None]
        slopes = ((second + second.mT) / totals[:, None, None]).to(picked.dtype)
        parts = picked.new_empty(batch, rows + 1, channels)
        parts[:, -1] = 0  # of positions outside all parts
        start = 0
        each = zip(
            guide_set.parts, torch.split(offsets, batch), torch.split(slopes, batch), strict=True
        )
        for guide, offset, slope in each:
            part = slice(start, start + guide.count)
            torch.baddbmm(offset, picked[:, part], slope, out=parts[:, part])
            edge = parts[:, part][:, guide.full_count :]
            edge.copy_(_precise(edge) * guide.squares[guide.full_count :, None])
            start += guide.count
        return _picture(_spread(parts, guide_set, ctx.shape), ctx.shape), None


def _spread(
    parts: Float[Tensor, "b n c"], guide_set: GuideSet, shape: torch.Size
) -> Float[Tensor, "b m c"]:
    """Return the parts' rows at their positions, and 0 elsewhere."""
    if guide_set.inverse is not None:
        return parts.index_select(1, guide_set.inverse)
    rows = parts.new_zeros(shape[0], shape[2] * shape[3], shape[1])
    start = 0
    for guide in guide_set.parts:  # faster than `index_add_`, above all in bfloat16
        part = parts[:, start : start + guide.count]
        rows.index_copy_(1, guide.index, part + rows.index_select(1, guide.index))
        start += guide.count
    return rows


def _sums(rows: Float[Tensor, "b n c"], guide: Guide) -> tuple[Tensor, Tensor]:
    """Return Σg²f/Σg² and Σg²ffᵀ/Σg² of the rows under one guide."""
    precise = _precise(rows)
    if guide.full_count == guide.count:
        return precise.sum(1) / guide.total, precise.mT @ precise / guide.total
    precise = precise.clone() if precise is rows else precise
    root = guide.squares.sqrt().to(precise.dtype)
    precise[:, guide.full_count :] *= root[guide.full_count :, None]
    return root @ precise / guide.total, precise.mT @ precise / guide.total


def _precise(rows: Tensor) -> Tensor:
    return rows if rows.dtype == torch.float64 else rows.float()


def _rows(features: Tensor) -> Tensor:
    """Return a row of channels for each pixel; no copy where channels are last in memory."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)


def _picture(rows: Tensor, shape: torch.Size) -> Tensor:
    """Return rows as features of that shape, with channels last in memory."""
    return rows.view(shape[0], shape[2], shape[3], -1).permute(0, 3, 1, 2)
