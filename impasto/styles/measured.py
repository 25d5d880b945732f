"""A style that is measured once for each size, however often it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from impasto.features.extractor import Extractor
from impasto.losses.moments import Moments
from impasto.styles.statistics import Style

__all__ = ["MeasuredStyle"]


class MeasuredStyle:
    """A style that remembers its moments; a `Style`."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self._moments: dict[Any, Mapping[str, Moments]] = {}

    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        """Return what the style does, which is remembered."""
        key = long_side, extractor, tuple(layers)
        if key not in self._moments:
            self._moments[key] = self.style.at(long_side, extractor, layers)
        return self._moments[key]
