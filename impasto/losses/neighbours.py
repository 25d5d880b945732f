"""Feature matching: the nearest of a painting's features for each of a picture's, and the loss.

After Kolkin et al., "Neural Neighbor Style Transfer", 2022: the features of many layers lie on one
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

# Bytes of products that are held at a time; those of 12,000 × 12,000 positions take 288 MB or more.
_BLOCK = 64 * 2**20

# In steps of a cosine: how close two candidates are to be as good as each other.
_SOFTNESS = 0.03

_PASSES = 8  # over which a potential settles


def unit_rows(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Rows of length 1; a row of zeros stays one."""
    return F.normalize(rows, dim=1, eps=1e-6)


@torch.no_grad()
def nearest(
    query: Float[Tensor, "n d"],
    candidates: Float[Tensor, "m d"],
    bias: Float[Tensor, " m"] | None = None,
    block: int = _BLOCK,
) -> tuple[Float[Tensor, " n"], Int[Tensor, " n"]]:
    """For each query the greatest dot product with a candidate, and which candidate that is.

    Args:
        bias: added to the products of each candidate.
        block: bytes that products may take at a time: all n × m of them never exist.
    """
    size = max(1, block // (len(candidates) * candidates.element_size()))
    columns = candidates.T
    found = []
    for rows in torch.split(query, size):
        products = rows @ columns
        if bias is not None:
            products += bias.to(products.dtype)
        found.append(products.max(1))
    values, indices = zip(*found, strict=True)
    return torch.cat(values).float(), torch.cat(indices)


@torch.no_grad()
def varied(
    query: Float[Tensor, "n d"],
    candidates: Float[Tensor, "m d"],
    variety: float,
    block: int = _BLOCK,
) -> tuple[Float[Tensor, " n"], Int[Tensor, " n"]]:
    """Nearest neighbours, candidates that many queries would take being held back.

    Departs from the paper, where a whole sky may take after one flat spot of the painting.

    Args:
        variety: from 0, the nearest alone, towards 1, where all candidates are taken alike.
    """
    few = lambda most: query[spread(len(query), most)]  # noqa: E731
    return nearest(query, candidates, potential(few, candidates, variety, block), block)


def spread(count: int, most: int) -> Int[Tensor, " k"]:
    """At most so many of `count` positions, evenly spread."""
    return torch.linspace(0, count - 1, min(most, count)).long()


@torch.no_grad()
def potential(
    few: Callable[[int], Float[Tensor, "_ d"]],
    candidates: Float[Tensor, "m d"],
    variety: float,
    block: int = _BLOCK,
) -> Float[Tensor, " m"] | None:
    """What to add to the candidates' products, so that none is taken too often; None for nothing.

    Args:
        few: gives at most so many of the queries, evenly spread.
    """
    if not variety:
        return None
    products = few(max(1, block // (4 * len(candidates)))) @ candidates.T
    return _potential(products.float(), variety)


def _potential(products: Float[Tensor, "n m"], variety: float) -> Float[Tensor, " m"]:
    """Of an optimal transport that may leave candidates unused, at a cost growing with `variety`.

    Chizat et al., "Scaling algorithms for unbalanced optimal transport problems", 2018. Softened,
    it neither overshoots nor tears apart what lies side by side, as a penalty on how often
    candidates were taken would.
    """
    potential = products.new_zeros(products.shape[1])
    for _ in range(_PASSES):
        taken = ((products + potential) / _SOFTNESS).softmax(1).mean(0) * len(potential)
        potential = variety * (potential - _SOFTNESS * (taken + 1e-4).log())
    return potential


@torch.no_grad()
def share_out(
    values: Float[Tensor, "k n"], shares: Sequence[float], turns: int = 60
) -> Int[Tensor, " n"]:
    """Which of k styles each position takes: the one that fits best, held to the styles' shares.

    Each style gets a handicap, which falls while it has more than its share and grows while less.
    """
    wanted = torch.tensor(shares, device=values.device)
    wanted = wanted / wanted.sum()
    if len(wanted) == 1:
        return torch.zeros_like(values[0], dtype=torch.long)
    handicap = torch.zeros_like(wanted)
    step = float(values.std().clamp(min=1e-3)) if values.numel() > 1 else 1.0
    for turn in range(turns):
        chosen = (values + handicap[:, None]).argmax(0)
        got = torch.bincount(chosen, minlength=len(wanted)) / max(values.shape[1], 1)
        handicap += step / (1 + 0.1 * turn) * (wanted - got)
    return (values + handicap[:, None]).argmax(0)


@dataclass(frozen=True)
class Columns:
    """How the features of several layers become one: each centred, in a unit of its own.

    Attributes:
        centre: by layer, the painting's mean.
        scale: by layer, what its features are multiplied by, so that each layer has its say.
    """

    centre: Mapping[str, Float[Tensor, " _"]]
    scale: Mapping[str, float]

    @staticmethod
    def of(
        rows: Sequence[Mapping[str, Float[Tensor, "_ _"]]],
        shares: Sequence[float],
        weights: Mapping[str, float],
    ) -> Columns:
        """Columns of paintings, mixed by their shares.

        Args:
            weights: of each layer's squares in those of the whole.
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
        """The rows of all layers as one, of length 1.

        Args:
            centre: taken away instead of the painting's mean.
        """
        means = self.centre if centre is None else centre
        joined = [(rows[n].float() - means[n]) * scale for n, scale in self.scale.items()]
        return unit_rows(torch.cat(joined, 1))

    def split(self, joined: Float[Tensor, "n _"]) -> dict[str, Float[Tensor, "n _"]]:
        """Joined rows layer by layer."""
        widths = [len(self.centre[name]) for name in self.scale]
        return dict(zip(self.scale, torch.split(joined, widths, dim=1), strict=True))


class MatchTarget:
    """What each position was matched with, ready to be compared with.

    Args:
        columns: how layers are joined.
        joined: rows that positions should have.
        index: for each position its row.
        weight: what each position counts; None for all alike.
    """

    def __init__(
        self,
        columns: Columns,
        joined: Float[Tensor, "m d"],
        index: Int[Tensor, " n"],
        weight: Float[Tensor, " n"] | None = None,
    ) -> None:
        self.columns, self.index = columns, index
        self.wanted = {n: part.contiguous() for n, part in columns.split(joined).items()}
        weight = torch.ones(len(index), device=index.device) if weight is None else weight
        self.share = weight / weight.sum()

    def __call__(self, rows: Rows) -> Float[Tensor, ""]:
        """Mean cosine distance, from 0 to 2: 1 − ⟨f − μ, t⟩ / ‖f − μ‖, with t of length 1."""
        every = torch.arange(len(self.index), device=self.index.device)
        return self.mean([self.compared(name, rows[name], every) for name in self.wanted])

    def compared(
        self, name: str, rows: Float[Tensor, "k c"], places: Int[Tensor, " k"]
    ) -> tuple[Float[Tensor, " k"], Float[Tensor, " k"]]:
        """A layer's part of ⟨f − μ, t⟩ and of ‖f − μ‖², for the positions at some places.

        Layer by layer, as the joined rows themselves need not exist.
        """
        wanted = self.wanted[name].index_select(0, self.index[places])
        centre, scale = self.columns.centre[name], self.columns.scale[name]
        product, square = _Products.apply(rows, wanted, centre, scale)  # type: ignore[no-untyped-call]
        return product, square

    def mean(self, parts: Sequence[tuple[Tensor, ...]]) -> Float[Tensor, ""]:
        """The distance, of all layers' parts for all positions."""
        product, square = (torch.stack(each).sum(0) for each in zip(*parts, strict=True))
        distance: Tensor = ((1 - product / (square + 1e-6).sqrt()) * self.share).sum()
        return distance


class _Products(torch.autograd.Function):
    """⟨x, t⟩ and ‖x‖² of each row x = (f − μ)·s, with a gradient that keeps nothing but the rows.

    Autograd would keep four numbers in float32 for each of them, in place of none.
    """

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, wanted: Tensor, centre: Tensor, scale: float
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(rows, wanted, centre)
        ctx.scale = scale
        centred = (rows.float() - centre) * scale
        return (centred * wanted).sum(1), centred.square().sum(1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        rows, wanted, centre = ctx.saved_tensors
        by_product, by_square = slopes
        change = (rows.float() - centre).mul_((2 * ctx.scale**2 * by_square)[:, None])
        change.addcmul_(wanted.float(), (ctx.scale * by_product)[:, None])
        return change.to(rows.dtype), None, None, None
