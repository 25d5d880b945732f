"""Feature matching: the nearest of a painting's features for each of a picture's, and the loss.

After Kolkin et al., "Neural Neighbor Style Transfer", 2022: the features of many layers are on one
grid, lose their mean, and are compared by the cosine of the angle between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "Columns",
    "MatchTarget",
    "nearest",
    "potential",
    "share_out",
    "spread",
    "unit_rows",
    "varied",
]

Rows = Mapping[str, Float[Tensor, "n _"]]

# Bytes of products in memory at a time; those of 12,000 × 12,000 positions take 288 MB or more.
_BLOCK = 64 * 2**20

# In steps of a cosine: how close two candidates are to be as good as each other.
_SOFTNESS = 0.03

_PASSES = 8  # until a potential converges


def unit_rows(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Scale rows to length 1; a row of zeros stays as it is."""
    return F.normalize(rows, dim=1, eps=1e-6)


@torch.no_grad()
def nearest(
    query: Float[Tensor, "n d"],
    candidates: Float[Tensor, "m d"],
    bias: Float[Tensor, " m"] | None = None,
    block: int = _BLOCK,
) -> tuple[Float[Tensor, " n"], Int[Tensor, " n"]]:
    """Return for each query the greatest dot product with a candidate, and that candidate.

    Args:
        bias: added to the products of each candidate.
        block: bytes of products in memory at a time, of all n × m.
    """
    size = max(1, block // (len(candidates) * candidates.element_size()))
    columns = candidates.T
    maxima = []
    for rows in torch.split(query, size):
        products = rows @ columns
        if bias is not None:
            products += bias.to(products.dtype)
        maxima.append(products.max(1))
    values, indices = zip(*maxima, strict=True)
    return torch.cat(values).float(), torch.cat(indices)


@torch.no_grad()
def varied(
    query: Float[Tensor, "n d"],
    candidates: Float[Tensor, "m d"],
    variety: float,
    block: int = _BLOCK,
) -> tuple[Float[Tensor, " n"], Int[Tensor, " n"]]:
    """Return nearest neighbours, at a handicap for candidates that are nearest to many queries.

    Departs from the paper, where all of a sky may be matched with one flat spot of the painting.

    Args:
        variety: from 0, the nearest alone, towards 1, where candidates are matched equally often.
    """
    few = lambda most: query[spread(len(query), most)]  # noqa: E731
    return nearest(query, candidates, potential(few, candidates, variety, block), block)


def spread(count: int, most: int) -> Int[Tensor, " k"]:
    """Return at most `most` of `count` positions, evenly spread."""
    return torch.linspace(0, count - 1, min(most, count)).long()


@torch.no_grad()
def potential(
    few: Callable[[int], Float[Tensor, "_ d"]],
    candidates: Float[Tensor, "m d"],
    variety: float,
    block: int = _BLOCK,
) -> Float[Tensor, " m"] | None:
    """Return what to add to the candidates' products, so that none is matched too often, or None.

    Args:
        few: a number → at most as many of the queries, evenly spread.
    """
    if not variety:
        return None
    products = few(max(1, block // (4 * len(candidates)))) @ candidates.T
    return _potential(products.float(), variety)


def _potential(products: Float[Tensor, "n m"], variety: float) -> Float[Tensor, " m"]:
    """Return the potential of an optimal transport that may leave candidates unused.

    Leaving them unused costs more with more `variety`. Chizat et al., "Scaling algorithms for
    unbalanced optimal transport problems", 2018. Being soft, it neither overshoots nor separates
    neighbours, as a penalty on how often candidates were matched would.
    """
    potential = products.new_zeros(products.shape[1])
    for _ in range(_PASSES):
        matches = ((products + potential) / _SOFTNESS).softmax(1).mean(0) * len(potential)
        potential = variety * (potential - _SOFTNESS * (matches + 1e-4).log())
    return potential


@torch.no_grad()
def share_out(
    values: Float[Tensor, "k n"], shares: Sequence[float], turns: int = 60
) -> Int[Tensor, " n"]:
    """Return which of k styles each position gets: the best fit, limited by the styles' shares.

    Each style has a bonus, which falls while it has more than its share and grows while less.
    """
    targets = torch.tensor(shares, device=values.device)
    targets = targets / targets.sum()
    if len(targets) == 1:
        return torch.zeros_like(values[0], dtype=torch.long)
    bonus = torch.zeros_like(targets)
    step = float(values.std().clamp(min=1e-3)) if values.numel() > 1 else 1.0
    for turn in range(turns):
        chosen = (values + bonus[:, None]).argmax(0)
        current = torch.bincount(chosen, minlength=len(targets)) / max(values.shape[1], 1)
        bonus += step / (1 + 0.1 * turn) * (targets - current)
    return (values + bonus[:, None]).argmax(0)


@dataclass(frozen=True)
class Columns:
    """How the features of several layers are joined: each centred and scaled.

    Attributes:
        centre: by layer, the painting's mean.
        scale: by layer, the factor of its features, which gives the layer its weight.
    """

    centre: Mapping[str, Float[Tensor, " _"]]
    scale: Mapping[str, float]

    @staticmethod
    def of(
        rows: Sequence[Mapping[str, Float[Tensor, "_ _"]]],
        shares: Sequence[float],
        weights: Mapping[str, float],
    ) -> Columns:
        """Return the columns of paintings, mixed by their shares.

        Args:
            weights: of each layer's squares among those of all layers.
        """
        centre, scale = {}, {}
        for name, weight in weights.items():
            parts = [(r[name].float(), s / sum(shares)) for r, s in zip(rows, shares, strict=True)]
            mean = torch.stack([share * part.mean(0) for part, share in parts]).sum(0)
            spread = sum(share * (p - mean).square().sum(1).mean() for p, share in parts)
            centre[name] = mean
            scale[name] = (weight / max(float(spread), 1e-12)) ** 0.5
        return Columns(centre, scale)

    def join(
        self, rows: Rows, centre: Mapping[str, Float[Tensor, " _"]] | None = None
    ) -> Float[Tensor, "n _"]:
        """Join the rows of all layers into rows of length 1.

        Args:
            centre: subtracted instead of the painting's mean.
        """
        means = self.centre if centre is None else centre
        joined = [(rows[n].float() - means[n]) * scale for n, scale in self.scale.items()]
        return unit_rows(torch.cat(joined, 1))

    def split(self, joined: Float[Tensor, "n _"]) -> dict[str, Float[Tensor, "n _"]]:
        """Split joined rows into those of each layer."""
        widths = [len(self.centre[name]) for name in self.scale]
        return dict(zip(self.scale, torch.split(joined, widths, dim=1), strict=True))


class MatchTarget:
    """The match of each position, prepared for comparisons.

    Args:
        columns: how layers are joined.
        joined: the rows that are matched.
        index: for each position its row.
        weight: what each position counts; None for 1.
    """

    def __init__(
        self,
        columns: Columns,
        joined: Float[Tensor, "m d"],
        index: Int[Tensor, " n"],
        weight: Float[Tensor, " n"] | None = None,
    ) -> None:
        self.columns, self.index = columns, index
        self.targets = {n: part.contiguous() for n, part in columns.split(joined).items()}
        weight = torch.ones(len(index), device=index.device) if weight is None else weight
        self.share = weight / weight.sum()

    def compare(
        self, name: str, rows: Float[Tensor, "k c"], positions: Int[Tensor, " k"]
    ) -> tuple[Float[Tensor, " k"], Float[Tensor, " k"]]:
        """Return a layer's part of ⟨f − μ, t⟩ and of ‖f − μ‖², at some positions.

        Layer by layer, as the joined rows themselves need not exist.
        """
        targets = self.targets[name].index_select(0, self.index[positions])
        centre, scale = self.columns.centre[name], self.columns.scale[name]
        product, square = _Products.apply(rows, targets, centre, scale)  # type: ignore[no-untyped-call]
        return product, square

    def mean(self, parts: Sequence[tuple[Tensor, ...]]) -> Float[Tensor, ""]:
        """Return the mean cosine distance, 0 to 2: 1 − ⟨f − μ, t⟩ / ‖f − μ‖, with t of length 1.

        Args:
            parts: of all layers, for all positions.
        """
        product, square = (torch.stack(each).sum(0) for each in zip(*parts, strict=True))
        distance: Tensor = ((1 - product / (square + 1e-6).sqrt()) * self.share).sum()
        return distance


class _Products(torch.autograd.Function):
    """⟨x, t⟩ and ‖x‖² of each row x = (f − μ)·s, with a gradient that stores only the rows.

    Autograd would store four more numbers in float32 for each of theirs.
    """

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, targets: Tensor, centre: Tensor, scale: float
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(rows, targets, centre)
        ctx.scale = scale
        centred = (rows.float() - centre) * scale
        return (centred * targets).sum(1), centred.square().sum(1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        rows, targets, centre = ctx.saved_tensors
        by_product, by_square = slopes
        change = (rows.float() - centre).mul_((2 * ctx.scale**2 * by_square)[:, None])
        change.addcmul_(targets.float(), (ctx.scale * by_product)[:, None])
        return change.to(rows.dtype), None, None, None
