"""What is painted where in each frame of a film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import StyledConfig
from impasto.engine.regions import Region
from impasto.film.changing import weights_at
from impasto.film.frame import Frame
from impasto.film.painter import FilmLabels
from impasto.image.labels import LabelMap
from impasto.image.picture import Picture
from impasto.painting.photograph import finished_photograph
from impasto.painting.regions import (
    Part,
    ReadStyles,
    colour_mask,
    matched_part,
    region_of,
    visible,
)
from impasto.styles.blend import Share
from impasto.styles.statistics import Style

__all__ = ["FilmRegions", "FrameRegions"]

Mask = Float[Tensor, "1 1 h w"]


@dataclass(frozen=True)
class FrameRegions:
    """What is painted where in one frame.

    Attributes:
        regions: by the colours of the frame's map; of one region alone by "". A region's style is
            the same object in all frames, unless it turns into another.
        keeps_colour: how much of each pixel's colour is the frame's.
        frame: what is painted.
    """

    regions: dict[str, Region]
    keeps_colour: Mask | float | None
    frame: Frame

    @property
    def kept(self) -> Mask | None:
        """1 where pixels stay as they are; None for nowhere."""
        masks = [r.mask for r in self.regions.values() if r.style is None and r.mask is not None]
        return torch.stack(masks).sum(0) if masks else None

    def finished(self, painted: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """Return painted pixels with those colours of the frame that stay."""
        if self.keeps_colour is None:
            return painted
        picture = Picture(self.frame.pixels)
        return finished_photograph(picture, self.keeps_colour, painted).pixels


@dataclass
class FilmRegions:
    """Finds what is painted where, frame after frame.

    Attributes:
        read: the styles.
        labels: the regions of each frame; None for the whole picture.
        change: seconds that one style takes to turn into the next; 0 if they are blended.
        start: seconds of the film at which the first style begins to turn.
    """

    read: ReadStyles
    labels: FilmLabels | None = None
    change: float = 0.0
    start: float = 0.0
    _matched: dict[str, tuple[Share, ...]] = field(default_factory=dict)
    _styles: dict[str, tuple[tuple[float, ...], Style]] = field(default_factory=dict)

    @property
    def config(self) -> StyledConfig:
        """The options of the method."""
        return self.read.config

    def begin(self, sample: Sequence[Frame]) -> None:
        """Get ready for a shot: paintings' colours are matched to all of it, if they are to be."""
        if not self.config.matches_colours:
            return
        self._styles.clear()
        picture = Picture(torch.cat([frame.pixels.cpu() for frame in sample], -2))
        maps = [self._labels_of(frame) for frame in sample]
        stacked = None
        if maps[0] is not None:
            labels = torch.cat([map.labels for map in maps if map is not None], -2)
            stacked = replace(maps[0], labels=labels)
        parts = self._named(self.read.parts(stacked, picture), stacked)
        self._matched = {
            colour: matched_part(part, self.config, picture).shares
            for colour, part in parts.items()
            if _is_seen(part)
        }

    def at(self, frame: Frame) -> FrameRegions:
        """Return what is painted where in a frame; colours that it does not show are left out."""
        labels = self._labels_of(frame)
        picture = Picture(frame.pixels.cpu(), None if frame.alpha is None else frame.alpha.cpu())
        named = self._named(self.read.parts(labels, picture), labels)
        seen = _summing_to_one({name: part for name, part in named.items() if _is_seen(part)})
        shown = visible(list(seen.values()), picture)
        names = {part.spec.colour: name for name, part in seen.items()}
        parts = {"hidden" if _is_hidden(part) else names[part.spec.colour]: part for part in shown}
        regions = {name: self._region(name, part, frame.seconds) for name, part in parts.items()}
        return FrameRegions(regions, colour_mask(list(parts.values()), self.config), frame)

    def _labels_of(self, frame: Frame) -> LabelMap | None:
        return None if self.labels is None else self.labels.at(frame)

    @staticmethod
    def _named(parts: Sequence[Part], labels: LabelMap | None) -> dict[str, Part]:
        return dict(zip(("",) if labels is None else labels.colours, parts, strict=True))

    def _region(self, name: str, part: Part, seconds: float) -> Region:
        """Return a part's region, whose style is made once."""
        shares, weights = self._matched.get(name, part.shares), self._weights(name, part, seconds)
        found = self._styles.get(name)
        if found is not None and found[0] == weights:
            empty = replace(part, shares=(Share(found[1]),))
            return region_of(empty, self.config)
        used = tuple(
            replace(share, weight=share.weight * weight)
            for share, weight in zip(shares, weights, strict=True)
            if weight > 0
        )
        region = region_of(replace(part, shares=used), self.config)
        if region.style is not None:
            self._styles[name] = (weights, region.style)
        return region

    def _weights(self, name: str, part: Part, seconds: float) -> tuple[float, ...]:
        """Return how much each of a part's styles counts besides its own weight."""
        count = len(part.shares)
        if not self.change or name not in self.read.shared or count < 2:
            return (1.0,) * count
        return weights_at(seconds - self.start, count, self.change)


def _is_seen(part: Part) -> bool:
    return part.mask is None or float(part.mask.max()) >= 0.5


def _is_hidden(part: Part) -> bool:
    """Return whether a part is what `visible` adds: transparent pixels, which are kept."""
    return part.spec.keep and not part.spec.colour


def _summing_to_one(parts: dict[str, Part]) -> dict[str, Part]:
    """Return parts whose masks sum to one, where others were left out."""
    masks = [part.mask for part in parts.values() if part.mask is not None]
    if not masks:
        return parts
    total = torch.stack(masks).sum(0).clamp(min=1e-6)
    return {
        name: part if part.mask is None else replace(part, mask=part.mask / total)
        for name, part in parts.items()
    }
