"""Several styles as one: a mixture of paintings, or one's strokes on another's shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.losses.gaussians import barycentre
from impasto.losses.moments import Moments
from impasto.losses.statistics import lift_of
from impasto.styles.statistics import Painting, Style

__all__ = ["Blend", "Share", "recurring", "unmasked"]


@dataclass(frozen=True, eq=False)
class Share:
    """One style of a blend.

    Attributes:
        weight: at least 0; its share among the styles of a layer.
        layers: `all`, `fine` (the first half of the layers) or `coarse` (the others).
    """

    style: Style
    weight: float = 1.0
    layers: str = "all"

    def covers(self, index: int, count: int) -> bool:
        """Return whether the share applies to a layer, `index` of `count` from fine to coarse."""
        half = (count + 1) // 2
        return self.layers == "all" or (self.layers == "fine") == (index < half)


@dataclass(frozen=True)
class Blend:
    """The barycentre of several styles: one target between them, instead of several.

    Attributes:
        layers: all layers of the run, of which `fine` is the first half; by default those that
            `at` is called with.

    Raises:
        OptionError: all the weights are zero.
    """

    shares: tuple[Share, ...]
    layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not any(share.weight > 0 for share in self.shares):
            raise OptionError("All styles have the weight 0. Give one of them at least more.")

    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        """Return the styles' moments at each layer, mixed by weight as Gaussians."""
        ordered = sorted(layers, key=extractor.names.index)
        run_layers, depth = self.layers or tuple(layers), extractor.names.index
        blended: dict[str, Moments] = {}
        used = [share for share in self.shares if share.weight > 0]
        # A layer that is not the run's has the rank that it would have among those.
        ranks = {n: sum(depth(m) < depth(n) for m in run_layers) for n in ordered}
        covering = {n: [s for s in used if s.covers(ranks[n], len(run_layers))] for n in ordered}
        measured = {
            id(s): s.style.at(long_side, extractor, [n for n in ordered if s in covering[n]])
            for s in used
        }
        for name in ordered:
            parts = [
                (measured[id(s)][name], s.weight) for s in covering[name] if name in measured[id(s)]
            ]
            if parts:
                moments, weights = zip(*parts, strict=True)
                blended[name] = barycentre(moments, weights, lift_of(extractor, name))
        return blended


def recurring(style: Style, layers: Sequence[str]) -> Style:
    """Return the style with places of its paintings counting at layers only if they recur.

    A style card has no places: it stays as it is.
    """
    if isinstance(style, Painting):
        return replace(style, recurring=tuple(layers))
    if isinstance(style, Blend):
        parts = [replace(share, style=recurring(share.style, layers)) for share in style.shares]
        return replace(style, shares=tuple(parts))
    return style


def unmasked(style: Style) -> Style:
    """Return the style of whole paintings, where it was that of regions of them."""
    if isinstance(style, Painting):
        return replace(style, mask=None)
    if isinstance(style, Blend):
        parts = [replace(share, style=unmasked(share.style)) for share in style.shares]
        return replace(style, shares=tuple(parts))
    return style
