"""The paintings of a style that features or patches are taken from, and their positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from impasto.config.methods import MatchingConfig
from impasto.styles.blend import Blend, Share
from impasto.styles.statistics import FeatureMap, Painting, Style

__all__ = [
    "MOST_POSITIONS",
    "Source",
    "least_opacity",
    "offered",
    "paintings_of",
    "sources_by_layers",
    "thinned",
]

MOST_POSITIONS = 16384
"""Positions of a painting that are compared, at most; one of 512 pixels has 12,000 to 16,000."""

_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Source:
    """A painting to take features from, and its share of the positions."""

    painting: Painting
    share: float


def paintings_of(style: Style, method: str) -> list[tuple[Share, Painting]]:
    """Return the paintings of a style that has pixels.

    Raises:
        StyleError: a style card, which has none.
    """
    shares = style.shares if isinstance(style, Blend) else (Share(style),)
    paintings = []
    for share in shares:
        if not isinstance(share.style, Painting):
            raise MatchingConfig.without_features(method)
        if share.weight > 0:
            paintings.append((share, share.style))
    return paintings


def sources_by_layers(
    paintings: Sequence[tuple[Share, Painting]], names: Sequence[str]
) -> Iterator[tuple[list[Source], list[str]]]:
    """Group layers by the paintings that cover them.

    Args:
        names: layers from fine to coarse.
    """
    groups: dict[tuple[int, ...], list[str]] = {}
    for i, name in enumerate(names):
        covering = tuple(k for k, (s, _) in enumerate(paintings) if s.covers(i, len(names)))
        groups.setdefault(covering, []).append(name)
    for covering, group in groups.items():
        if covering:
            yield [Source(paintings[k][1], paintings[k][0].weight) for k in covering], group


def offered(
    positions: Int[Tensor, " n"],
    mask: Float[Tensor, " n"] | None,
    opacity: Float[Tensor, " n"] | None = None,
) -> Int[Tensor, " m"]:
    """Return a painting's positions that may be matched, thinned out.

    They lie inside its mask. Of those that are half as opaque as the most opaque ones, every other
    one is offered, and so on in proportion.
    """
    if mask is not None and len(positions):
        is_inside = mask >= min(0.5, float(mask.max()))
        positions, opacity = positions[is_inside], None if opacity is None else opacity[is_inside]
    if opacity is not None and len(positions) and float(opacity.max()) > 0:
        positions = positions[opacity / opacity.max() > _thresholds(opacity)]
    return thinned(positions)


def least_opacity(part: FeatureMap, size: int) -> Float[Tensor, " n"] | None:
    """Return the least opacity within each patch of `size`×`size` cells; None for 1 everywhere."""
    if part.opacity is None:
        return None
    return -F.max_pool2d(-part.opacity[None, None], size, 1).flatten()


def _thresholds(like: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Return numbers of which any stretch is spread evenly from 0 to 1: the golden ratio's."""
    numbers = torch.arange(1, len(like) + 1, device=like.device, dtype=torch.float64)
    return (numbers * _GOLDEN).frac().to(like.dtype)


def thinned(positions: Int[Tensor, " n"]) -> Int[Tensor, " m"]:
    """Return the positions, or `MOST_POSITIONS` evenly spaced ones of them."""
    if len(positions) <= MOST_POSITIONS:
        return positions
    chosen = torch.linspace(0, len(positions) - 1, MOST_POSITIONS).long()
    return positions[chosen.to(positions.device)]
