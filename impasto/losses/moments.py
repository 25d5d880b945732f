"""The moments of a layer's features, everywhere or where a guide says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import FunctionCtx

__all__ = [
    "Guide",
    "Moments",
    "Together",
    "moments",
    "pulled",
    "regional",
    "stacked",
]


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

    @staticmethod
    def stack(each: Sequence[Moments]) -> Moments:
        """Several moments along the first axis."""
        if len(each) == 1:
            return each[0]
        return Moments(torch.cat([m.mean for m in each]), torch.cat([m.second for m in each]))


@dataclass(frozen=True, eq=False)
class Guide:
    """Where a region's features are, at one layer (Gatys et al. 2017, section 4).

    Attributes:
        mask: how much g of each position is the region's, from 0 to 1.
    """

    mask: Float[Tensor, "h w"]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the layer."""
        height, width = self.mask.shape
        return height, width

    @cached_property
    def total(self) -> float:
        """Σg², or 1 for an empty region, whose moments are then 0."""
        return float(self.mask.float().square().sum()) or 1.0

    @cached_property
    def area(self) -> float:
        """Σg over the number of positions: the region's share of the picture."""
        return float(self.mask.float().mean()) if self.mask.numel() else 0.0

    @cached_property
    def _order(self) -> tuple[Int[Tensor, " n"], int]:
        flat = self._flat
        whole = (flat - 1).abs() < 1e-6  # averages of ones are rounded
        full, edge = whole.nonzero()[:, 0], ((flat > 0) & ~whole).nonzero()[:, 0]
        return torch.cat([full, edge]), len(full)

    @property
    def _flat(self) -> Float[Tensor, " m"]:
        return self.mask.detach().flatten().float()

    @property
    def index(self) -> Int[Tensor, " n"]:
        """Flat positions with a weight above 0, first those where it is 1."""
        return self._order[0]

    @property
    def full(self) -> int:
        """How many of them have the weight 1."""
        return self._order[1]

    @cached_property
    def square(self) -> Float[Tensor, " n"]:
        """g² there, in float32."""
        return self._flat[self.index].square()

    @property
    def positions(self) -> int:
        """How many positions have any weight."""
        return len(self.index)

    @property
    def everywhere(self) -> bool:
        """Whether every position has the weight 1, as if there were no guide."""
        return self.full == self.shape[0] * self.shape[1]


def moments(features: Float[Tensor, "b c h w"], guide: Guide | None = None) -> Moments:
    """Moments over a layer's pixels, or over a region of them.

    Averages, hence independent of the picture's size and of the region's: Σg²f/Σg² and Σg²ffᵀ/Σg²
    (Gatys et al. 2017, "Controlling perceptual factors", section 4). Summed in float32 whatever the
    features' type: bfloat16 keeps eight bits, too few for a sum over a hundred thousand pixels.
    """
    return regional(features, [guide])[0]


@dataclass(frozen=True, eq=False)
class Together:
    """Several regions of one layer, so that their features are fetched and handed back at once.

    Attributes:
        guides: None, and those that cover everything, stand for the layer as a whole.
        parts: the others.
        index: the flat positions of all the parts, one after the other.
        back: for each position of the layer its place in `index`, or the place after the last; None
            if a position belongs to two parts.
    """

    guides: tuple[Guide | None, ...]
    parts: tuple[Guide, ...]
    index: Int[Tensor, " n"]
    back: Int[Tensor, " m"] | None

    @staticmethod
    def of(guides: Sequence[Guide | None]) -> Together:
        """The guides of one layer; made once, it serves for every picture of that size."""
        parts = tuple(g for g in guides if g is not None and not g.everywhere)
        none = torch.zeros(0, dtype=torch.long)
        index = torch.cat([guide.index for guide in parts]) if parts else none
        return Together(tuple(guides), parts, index, _back(index, parts))


def _back(index: Int[Tensor, " n"], parts: Sequence[Guide]) -> Int[Tensor, " m"] | None:
    """Where each position's row is among the gathered ones, if it is nowhere twice."""
    if not parts or not len(index) or int(torch.bincount(index).max()) > 1:
        return None
    height, width = parts[0].shape
    back = torch.full((height * width,), len(index), device=index.device)
    back[index] = torch.arange(len(index), device=index.device)
    return back


def regional(
    features: Float[Tensor, "b c h w"], guides: Together | Sequence[Guide | None]
) -> tuple[Moments, ...]:
    """Moments over each of several regions: as one by one, with one gradient for all of them.

    Autograd would add up as many gradients of the features' whole size as there are regions.

    Raises:
        ValueError: a guide is of another height or width than the features.
    """
    together = guides if isinstance(guides, Together) else Together.of(guides)
    _check_shapes(features, together)
    found: Iterator[tuple[Tensor, Tensor]] = iter(())
    if together.parts:
        means, seconds = _GuidedMoments.apply(features, together)  # type: ignore[no-untyped-call]
        count = len(together.parts)
        found = zip(means.chunk(count), seconds.chunk(count), strict=True)
    return tuple(
        _everywhere(features) if guide is None or guide.everywhere else Moments(*next(found))
        for guide in together.guides
    )


def stacked(features: Float[Tensor, "1 c h w"], together: Together) -> Moments:
    """The moments of all regions of one picture, along the first axis."""
    if len(together.parts) == len(together.guides):
        _check_shapes(features, together)
        return Moments(*_GuidedMoments.apply(features, together))  # type: ignore[no-untyped-call]
    return Moments.stack(regional(features, together))


def _check_shapes(features: Tensor, together: Together) -> None:
    for guide in together.guides:
        if guide is not None and guide.shape != tuple(features.shape[2:]):
            raise ValueError(f"a guide of {guide.shape} for features of {features.shape[2:]}")


def _everywhere(features: Float[Tensor, "b c h w"]) -> Moments:
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
        rows = _precise(_rows(features))
        return rows.mean(1), rows.transpose(1, 2) @ rows / rows.shape[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        return pulled(features, gradients[0], gradients[1], features[0, 0].numel())


def pulled(
    features: Float[Tensor, "b c h w"],
    by_mean: Float[Tensor, "b c"],
    by_second: Float[Tensor, "b c c"],
    total: float,
) -> Float[Tensor, "b c h w"]:
    """What features should change, by what their moments over `total` positions should."""
    rows = _rows(features)
    both = ((by_second + by_second.mT) / total).to(rows.dtype)
    whole = torch.baddbmm((by_mean / total)[:, None].to(rows.dtype), rows, both)
    return _picture(whole, features.shape)


class _GuidedMoments(torch.autograd.Function):
    """Moments under guides: all means, and all second moments, along the first axis.

    Only rows under a guide are read, and only those on its soft edge are multiplied.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, together: Together) -> tuple[Tensor, ...]:
        picked = _rows(features).index_select(1, together.index)
        ctx.save_for_backward(picked)
        ctx.together, ctx.shape = together, features.shape
        each = torch.split(picked, [guide.positions for guide in together.parts], 1)
        sums = [_sums(rows, guide) for rows, guide in zip(each, together.parts, strict=True)]
        means, seconds = zip(*sums, strict=True)
        return torch.cat(means), torch.cat(seconds)

    @staticmethod
    def backward(ctx: Any, mean: Tensor, second: Tensor) -> tuple[Tensor, None]:
        (picked,) = ctx.saved_tensors
        together: Together = ctx.together
        batch, rows, channels = picked.shape
        # One row of numbers for each region, of each picture of the batch.
        totals = mean.new_tensor([guide.total for guide in together.parts]).repeat_interleave(batch)
        offsets = (mean / totals[:, None]).to(picked.dtype)[:, None]
        slopes = ((second + second.mT) / totals[:, None, None]).to(picked.dtype)
        parts = picked.new_empty(batch, rows + 1, channels)
        parts[:, -1] = 0  # of positions that are in no part
        start = 0
        each = zip(
            together.parts, torch.split(offsets, batch), torch.split(slopes, batch), strict=True
        )
        for guide, offset, slope in each:
            ours = slice(start, start + guide.positions)
            torch.baddbmm(offset, picked[:, ours], slope, out=parts[:, ours])
            edge = parts[:, ours][:, guide.full :]
            edge.copy_(_precise(edge) * guide.square[guide.full :, None])
            start += guide.positions
        return _picture(_spread(parts, together, ctx.shape), ctx.shape), None


def _spread(
    parts: Float[Tensor, "b n c"], together: Together, shape: torch.Size
) -> Float[Tensor, "b m c"]:
    """The parts' rows back at their places among all the rows, 0 elsewhere."""
    if together.back is not None:
        return parts.index_select(1, together.back)
    whole = parts.new_zeros(shape[0], shape[2] * shape[3], shape[1])
    start = 0
    for guide in together.parts:  # faster than `index_add_`, above all in bfloat16
        part = parts[:, start : start + guide.positions]
        whole.index_copy_(1, guide.index, part + whole.index_select(1, guide.index))
        start += guide.positions
    return whole


def _sums(rows: Float[Tensor, "b n c"], guide: Guide) -> tuple[Tensor, Tensor]:
    """Σg²f/Σg² and Σg²ffᵀ/Σg² of the rows under one guide."""
    precise = _precise(rows)
    if guide.full == guide.positions:
        return precise.sum(1) / guide.total, precise.mT @ precise / guide.total
    precise = precise.clone() if precise is rows else precise
    root = guide.square.sqrt().to(precise.dtype)
    precise[:, guide.full :] *= root[guide.full :, None]
    return root @ precise / guide.total, precise.mT @ precise / guide.total


def _precise(rows: Tensor) -> Tensor:
    return rows if rows.dtype == torch.float64 else rows.float()


def _rows(features: Tensor) -> Tensor:
    """One row of channels for each pixel; no copy where channels lie last in memory."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)


def _picture(rows: Tensor, shape: torch.Size) -> Tensor:
    """Rows as features of that shape again, channels last in memory."""
    return rows.view(shape[0], shape[2], shape[3], -1).permute(0, 3, 1, 2)
