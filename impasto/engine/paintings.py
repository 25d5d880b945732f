"""The paintings of a style that features or patches are taken from, and their positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.errors import StyleError
from impasto.styles.blend import Blend, Share
from impasto.styles.statistics import Painting, Style

__all__ = ["MOST_POSITIONS", "Source", "offered", "paintings_of", "sources_by_layers", "thinned"]

MOST_POSITIONS = 16384
"""Positions of a painting that are compared, at most; one of 512 pixels has 12,000 to 16,000."""


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
            raise StyleError(
                f"The method {method} takes features from the painting itself, and a style card "
                "holds only their statistics. Give the painting's file, or use the method gatys."
            )
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


def offered(positions: Int[Tensor, " n"], weight: Float[Tensor, " n"] | None) -> Int[Tensor, " m"]:
    """Return a painting's positions that may be matched: those inside its mask, thinned out."""
    if weight is not None and len(positions):
        positions = positions[weight >= min(0.5, float(weight.max()))]
    return thinned(positions)


def thinned(positions: Int[Tensor, " n"]) -> Int[Tensor, " m"]:
    """Return the positions, or `MOST_POSITIONS` evenly spaced ones of them."""
    if len(positions) <= MOST_POSITIONS:
        return positions
    chosen = torch.linspace(0, len(positions) - 1, MOST_POSITIONS).long()
    return positions[chosen.to(positions.device)]
