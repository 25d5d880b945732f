"""Films whose frames a network paints, each in one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.engine.regions import Region
from impasto.features.extractor import Extractor
from impasto.film.frame import Frame
from impasto.film.regions import FilmRegions, FrameRegions
from impasto.film.steadying import Steadier
from impasto.methods.instant import painted_regions
from impasto.networks.brushes import Brushes, PassMoments
from impasto.styles.statistics import Style

__all__ = ["AtOncePainter", "ShotBrushes"]

Encode = Callable[[Style, float, int], Brushes]
"""Makes brushes of a style, a strength, and the long side of the result, in pixels."""

# Frames of a shot, measured, by when they are shown.
_Moments = list[tuple[float, PassMoments]]


@dataclass
class ShotBrushes:
    """The brushes of a shot: they paint a frame by moments that change slowly, not by its own.

    They are those of the sample, and between two of its frames a mixture: what comes into a frame
    does not change all of it at once.
    """

    encode: Encode
    extractor: Extractor
    _encoded: dict[str, tuple[Style, Brushes]] = field(default_factory=dict)
    _moments: dict[str, _Moments] = field(default_factory=dict)

    def begin(self, sample: Sequence[FrameRegions]) -> None:
        """Measure the frames of a sample."""
        self._moments.clear()
        for placed in sorted(sample, key=lambda placed: placed.frame.seconds):
            pixels = placed.frame.pixels.to(self.extractor.device)
            for name, region in placed.regions.items():
                if region.style is None or region.strength == 0:
                    continue
                brushes = self._brushes(name, region, max(pixels.shape[-2:]))
                mask = None if region.mask is None else region.mask.to(pixels)
                measured = PassMoments.of(pixels, brushes, self.extractor, mask)
                self._moments.setdefault(name, []).append((placed.frame.seconds, measured))

    def painted(self, placed: FrameRegions) -> Float[Tensor, "1 3 h w"]:
        """Paint a frame."""
        pixels = placed.frame.pixels.to(self.extractor.device)
        names = {id(region): name for name, region in placed.regions.items()}

        def settled(region: Region) -> Brushes:
            name = names[id(region)]
            brushes = self._brushes(name, region, max(pixels.shape[-2:]))
            moments = _at(self._moments.get(name, []), placed.frame.seconds)
            return brushes if moments is None else brushes.settled_by(moments)

        return painted_regions(pixels, list(placed.regions.values()), settled, self.extractor)

    def _brushes(self, name: str, region: Region, long_side: int) -> Brushes:
        """Return a region's brushes, which are made once for a style."""
        assert region.style is not None
        if name not in self._encoded or self._encoded[name][0] is not region.style:
            brushes = self.encode(region.style, region.strength, long_side)
            self._encoded[name] = (region.style, brushes)
        return self._encoded[name][1]


@dataclass
class AtOncePainter:
    """Paints with `instant` or `fast`; a `FilmPainter`."""

    regions: FilmRegions
    brushes: ShotBrushes
    steadier: Steadier

    def begin(self, sample: Sequence[Frame]) -> None:
        """Get ready for a shot; see `FilmPainter`."""
        self.steadier.forget()
        self.regions.begin(sample)
        self.brushes.begin([self.regions.at(frame) for frame in sample])

    @torch.no_grad()
    def paint(self, frame: Frame) -> Float[Tensor, "1 3 h w"]:
        """Paint the next frame; see `FilmPainter`."""
        placed = self.regions.at(frame)
        painted = self.brushes.painted(placed)
        steady = self.steadier.blended(frame.pixels.to(painted), painted, placed.kept)
        return placed.finished(steady.cpu())


def _at(sample: _Moments, seconds: float) -> PassMoments | None:
    """Return the moments at a time, in between those of a sample; None without one."""
    if not sample:
        return None
    before = [pair for pair in sample if pair[0] <= seconds] or sample[:1]
    after = [pair for pair in sample if pair[0] > seconds] or sample[-1:]
    (start, first), (end, last) = before[-1], after[0]
    if end <= start:
        return first
    share = (seconds - start) / (end - start)
    return first if share <= 0 else first.mixed(last, share)
