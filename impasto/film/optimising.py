"""Films whose frames are optimised, each from the painting of the one before.

Ruder, Dosovitskiy and Brox 2016, "Artistic style transfer for videos": a frame starts from what was
painted before, carried along the flow, and keeps to it by a loss of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PhotoConfig
from impasto.config.methods import GatysConfig, MrfConfig, NnstConfig, QuickConfig, method_of
from impasto.engine.comparison import Engine
from impasto.engine.nearest import nearest_engine
from impasto.engine.patches import patch_engine
from impasto.engine.photograph import paint_photograph
from impasto.engine.regions import Region
from impasto.engine.step import last
from impasto.features.extractor import Extractor
from impasto.film.at_once import ShotBrushes
from impasto.film.flow import flow_between, warp
from impasto.film.frame import Frame
from impasto.film.regions import FilmRegions, FrameRegions
from impasto.film.steadying import Steadier, loosely_trusted
from impasto.film.stillness import Stillness
from impasto.losses.temporal import CarriedPainting
from impasto.methods.gatys import engine_of, recurring_layers
from impasto.methods.quick import between, in_light_of
from impasto.styles.blend import recurring
from impasto.styles.measured import MeasuredStyle
from impasto.styles.statistics import Style

__all__ = ["OptimisingPainter", "carried_painting"]

Pixels = Float[Tensor, "1 3 h w"]
Map = Float[Tensor, "1 1 h w"]

# Frames back to which a painting is carried, each where no nearer one shows the same (Ruder et al.
# 2016, section 4.3).
_OFFSETS = (1, 2, 4)

# The share of pixels that must be new for frames further back to be looked at.
_NEW = 0.01

# The weight of the temporal loss at a steadiness of 1; few evaluations gain little against a large
# one.
_WEIGHT, _WEIGHT_QUICK = 200.0, 50.0

# The share of a method's iterations that a frame gets which starts from the one before; `quick`
# has few, and starts from nearly as good a picture.
_LATER, _LATER_QUICK = 0.3, 0.19


@dataclass
class OptimisingPainter:
    """Paints with a method that optimises pixels; a `FilmPainter`.

    Attributes:
        config: with its layers filled in.
        extractor: the backbone of the losses.
        steady: from 0, each frame by itself, to 1.
        first_pass: paints at once, where the method starts from that.
    """

    regions: FilmRegions
    config: PhotoConfig
    extractor: Extractor
    steady: float = 1.0
    first_pass: ShotBrushes | None = None
    _goals: dict[str, tuple[Style, Style]] = field(default_factory=dict)
    _before: deque[tuple[Pixels, Pixels]] = field(
        default_factory=lambda: deque(maxlen=max(_OFFSETS))
    )

    def __post_init__(self) -> None:
        self._steadier = Steadier(self.steady)
        self._stillness = Stillness()

    def begin(self, sample: Sequence[Frame]) -> None:
        """Get ready for a shot; see `FilmPainter`."""
        self._before.clear()
        self._steadier.forget()
        self._stillness.forget()
        self.regions.begin(sample)
        if self.first_pass is not None:
            self.first_pass.begin([self.regions.at(frame) for frame in sample])

    def paint(self, frame: Frame) -> Pixels:
        """Paint the next frame; see `FilmPainter`."""
        placed = self.regions.at(frame)
        pixels = frame.pixels.to(self.extractor.device)
        still = self._still(pixels, placed)
        if self._before and bool((still == 1).all()):
            painted = self._before[-1][1]
        else:
            painted = self._painted(pixels, placed)
            if self._before:
                painted = torch.lerp(painted, self._before[-1][1], still)
        self._before.append((pixels, painted))
        return placed.finished(painted.cpu())

    def _still(self, pixels: Pixels, placed: FrameRegions) -> Map:
        """Return where the painting before stays, as it does where nothing changes.

        Painted anew, what is still would go on changing: each frame's iterations go nearer to what
        the loss asks for than those of the one before.
        """
        masks = [region.mask for region in placed.regions.values()]
        still = self._stillness.of(pixels, masks)
        return still * (self.steady * (self.regions.change == 0))

    def _painted(self, pixels: Pixels, placed: FrameRegions) -> Pixels:
        regions = [self._goal(name, region) for name, region in placed.regions.items()]
        config = replace(self.config, size=max(pixels.shape[-2:]))
        at_once = None if self.first_pass is None else self.first_pass.painted(placed).to(pixels)
        engine = _engine(config)
        is_alone = not self._before or self.steady == 0
        if engine is not None and not is_alone:
            return self._kept_to(pixels, regions, config, engine, at_once)
        if is_alone:
            painted = self._alone(pixels, regions, config, at_once)
        else:
            painted = self._from_before(pixels, regions, config)
        if engine is not None:
            return painted
        return self._steadier.blended(pixels, painted, placed.kept)

    def _alone(
        self, pixels: Pixels, regions: Sequence[Region], config: PhotoConfig, start: Pixels | None
    ) -> Pixels:
        """Paint a frame as a photograph."""
        steps = method_of(config).paint(
            pixels, None, config, regions=regions, extractor=self.extractor, start=start
        )
        return last(steps).image()

    def _from_before(
        self, pixels: Pixels, regions: Sequence[Region], config: PhotoConfig
    ) -> Pixels:
        """Paint a frame from the one before, with a method that has no temporal loss."""
        carried = carried_painting(pixels, self._before, self.steady * _weight(config))
        start = torch.lerp(pixels, carried.pixels, carried.trust)
        return self._alone(pixels, regions, _fewer(config), start)

    def _kept_to(
        self,
        pixels: Pixels,
        regions: Sequence[Region],
        config: PhotoConfig,
        engine: Engine,
        at_once: Pixels | None,
    ) -> Pixels:
        """Paint a frame from the one before, and keep to that."""
        carried = carried_painting(pixels, self._before, self.steady * _weight(config))
        # Holes from the frame itself; from a grey they would keep its border.
        new = pixels if at_once is None else between(pixels, at_once, regions)
        if at_once is not None and config.region_color:
            new = in_light_of(new, at_once, regions)
        start = torch.lerp(new, carried.pixels, carried.trust)
        steps = paint_photograph(
            pixels,
            regions,
            engine,
            _fewer(config),
            self.extractor,
            start,
            detail=start,
            carried=carried,
        )
        return last(steps).image()

    def _goal(self, name: str, region: Region) -> Region:
        """Return a region with its style as the loss sees it, which is measured once."""
        if region.style is None or not isinstance(self.config, GatysConfig):
            return region
        if name not in self._goals or self._goals[name][0] is not region.style:
            goal = recurring(region.style, recurring_layers(self.config))
            self._goals[name] = (region.style, MeasuredStyle(goal))
        return replace(region, style=self._goals[name][1])


def carried_painting(
    frame: Pixels, before: Sequence[tuple[Pixels, Pixels]], weight: float = _WEIGHT
) -> CarriedPainting:
    """Carry what was painted before to a frame: each pixel from the nearest one that shows it.

    Args:
        frame: what is to be painted.
        before: frames and their paintings, the latest last.
        weight: of the loss.
    """
    trust = frame.new_zeros(1, 1, *frame.shape[-2:])
    total = torch.zeros_like(frame)
    for offset in _OFFSETS:
        if offset > len(before) or float(1 - trust.mean()) < _NEW:
            break
        earlier, painted = before[-offset]
        flow = flow_between(frame, earlier)
        trusted = flow.confidence.to(frame)
        if offset == 1:
            trusted = torch.maximum(trusted, loosely_trusted(frame, earlier, flow))
        share = (trusted - trust).clamp(min=0)
        total += share * warp(painted, flow, "bicubic").clamp(0, 1)
        trust = trust + share
    return CarriedPainting(total / trust.clamp(min=1e-6), trust, weight)


def _weight(config: PhotoConfig) -> float:
    return _WEIGHT_QUICK if isinstance(config, QuickConfig) else _WEIGHT


def _fewer(config: PhotoConfig) -> PhotoConfig:
    """Return the options of a frame that starts from the one before: at its own size alone."""
    share = _LATER_QUICK if isinstance(config, QuickConfig) else _LATER
    count = max(1, round(share * config.length))
    return replace(config, iterations=count, epochs=0, steps=0, smallest=config.size)


def _engine(config: PhotoConfig) -> Engine | None:
    """Return what compares styles; None of a method that paints in several stages."""
    make: Callable[[Any], Engine] | None = next(
        (make for kind, make in _ENGINES.items() if isinstance(config, kind)), None
    )
    return None if make is None else make(config)


_ENGINES: dict[type[PhotoConfig], Callable[[Any], Engine]] = {
    GatysConfig: engine_of,
    NnstConfig: nearest_engine,
    MrfConfig: patch_engine,
}
