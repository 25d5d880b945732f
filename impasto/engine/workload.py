"""What a run has to carry, as far as memory and time go: sizes, iterations, layers, regions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from impasto.config.bases import PhotoConfig, PixelConfig
from impasto.config.memory import MemoryPlan
from impasto.config.methods import (
    DoodleConfig,
    LaplacianConfig,
    MrfConfig,
    NnstConfig,
    TextureConfig,
)
from impasto.config.specs import layer_weights
from impasto.engine.nearest import CELL
from impasto.engine.optimisers import footprint
from impasto.engine.paintings import MOST_POSITIONS
from impasto.engine.setup import pyramid_layers
from impasto.features.backbones import BACKBONES
from impasto.features.plan import LayerInfo
from impasto.features.plan import layers as describe
from impasto.features.tiles import Stage, stages

__all__ = ["Matching", "Scale", "Workload", "workload_of"]

# Bytes of a float32 value, of a bfloat16 one, and of the number of a row.
_FLOAT, _HALF, _INDEX = 4, 2, 8

# Pictures of the largest size that live at once while a scale begins, beside what was read.
_BEGINNING = 6.0

# What was measured beyond what can be counted, when a picture is looked at in windows: bytes a
# pixel, and buffers that the allocator keeps (benchmarks/posters.py).
_ASIDE, _KEPT = 14.0, 250e6

# Bytes a pixel that the losses on pixels hold when the picture is looked at whole, and that the
# allocator keeps beside them.
_PIXEL_TERMS = 300.0

# Bytes a pixel of copies with a border beyond the opposite edge, in windows.
_WRAPPED = 24.0

# Bytes that `nnst` keeps of each position while a scale runs: of each layer two numbers, and what
# each of them should change.
_COMPARED = 200.0


# Bytes of products, and of the rows that they are of, that are held at a time while positions are
# matched; measured.
_BLOCKS = 200e6


@dataclass(frozen=True)
class Scale:
    """One scale, or one round of it.

    Attributes:
        height, width: of the picture.
        margin: pixels around it that are painted and cut off.
    """

    height: int
    width: int
    iterations: int
    margin: int = 0

    @property
    def pixels(self) -> int:
        """Of the canvas: the picture and its margin."""
        return (self.height + 2 * self.margin) * (self.width + 2 * self.margin)

    def scaled(self, factor: float) -> Scale:
        """The same of a picture so many times as wide and high."""
        height, width = (max(1, round(side * factor)) for side in (self.height, self.width))
        return replace(self, height=height, width=width)


@dataclass(frozen=True)
class Matching:
    """What it takes to match each position of the picture with one of the painting.

    Attributes:
        cell: pixels of the picture, along one side, to a position.
        rows: channels of what is compared.
        values: numbers, of the network's type, that are held of each position of either picture
            while they are matched.
        bytes: held of each position of the picture besides.
        kept: bytes that are held of each until the scale ends.
    """

    cell: int
    rows: int
    values: float
    bytes: float
    kept: float

    def positions(self, pixels: float) -> float:
        """Of a picture of so many pixels."""
        return pixels / (self.cell * self.cell)


@dataclass(frozen=True)
class Workload:
    """What there is to do.

    Attributes:
        scales: from coarse to fine.
        layers: all that are read, of `backbone`.
        held: those whose activations of the photograph are kept.
        levels: those that see the levels of the photograph's pyramid, finest first.
        regions: how many have a mask.
        matching: of methods that match.
        style_pixels: of the largest painting, as large as it is looked at; 0 if nobody knows.
        wrap: whether opposite edges of the picture meet.
        can_tile: whether the picture can be looked at window by window.
    """

    scales: tuple[Scale, ...]
    layers: tuple[str, ...]
    backbone: str
    optimizer: str
    history: int
    held: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    regions: int = 0
    matching: Matching | None = None
    style_pixels: int = 0
    wrap: bool = False
    can_tile: bool = True

    @property
    def pixels(self) -> int:
        """Of the last and largest canvas."""
        return max(scale.pixels for scale in self.scales)

    @property
    def work(self) -> float:
        """Pixels times iterations, over all scales."""
        return float(sum(scale.pixels * scale.iterations for scale in self.scales))

    @property
    def comparisons(self) -> float:
        """Positions of the picture times positions of the painting, over all scales."""
        if self.matching is None:
            return 0.0
        style = self.style_pixels or self.pixels
        found = 0.0
        for scale in self.scales:
            theirs = self.matching.positions(style * scale.pixels / self.pixels)
            found += self.matching.positions(scale.pixels) * min(MOST_POSITIONS, theirs)
        return found

    def left(self, index: int, done: int, extra: int = 0) -> Workload:
        """What is left to do of it.

        Args:
            index: of the scale that the run is at, from 0.
            done: iterations of that scale.
            extra: iterations of the last scale beyond its own.
        """
        scales = list(self.scales[min(index, len(self.scales) - 1) :])
        scales[-1] = replace(scales[-1], iterations=scales[-1].iterations + extra)
        scales[0] = replace(scales[0], iterations=max(0, scales[0].iterations - done))
        return replace(self, scales=tuple(scales))

    def scaled(self, factor: float) -> Workload:
        """The same of pictures so many times as wide and high."""
        scales = tuple(scale.scaled(factor) for scale in self.scales)
        return replace(self, scales=scales, style_pixels=round(self.style_pixels * factor**2))

    def bytes(self, plan: MemoryPlan, itemsize: int) -> int:
        """What a run takes beside the program, the network and the pictures that were read.

        Args:
            itemsize: bytes of a number inside the network.
        """
        history = min(plan.history or self.history, self.history)
        values = 3 * self.pixels
        optimiser = values * (2 * _FLOAT + footprint(self.optimizer, history, plan.dtype))
        seen = self._seen(plan.tile, itemsize)
        targets = self._targets(itemsize) + self._masks() + self._matches()
        beginning = values * _FLOAT * _BEGINNING + self.pixels * self._inputs(itemsize)
        # What the optimiser remembers has the size of the scale before until the next is prepared.
        before = self.scales[-2].pixels if len(self.scales) > 1 else 0
        beginning += 3 * before * (footprint(self.optimizer, history, plan.dtype) - 2 * _FLOAT)
        return int(targets + max(optimiser + seen, beginning + self._matching(itemsize)))

    def _seen(self, tile: int, itemsize: int) -> float:
        """What the network holds, and what works on pixels."""
        levels = sum(
            self._activations([name], itemsize) / 4.0**k for k, name in enumerate(self.levels)
        )
        whole = self.pixels * (self._activations(self.layers, itemsize) + levels + _PIXEL_TERMS)
        if not tile:
            return whole
        a_pixel = self._inputs(itemsize) + _ASIDE + (_WRAPPED if self.wrap else 0)
        return min(whole, self.pixels * a_pixel + 1.3 * tile + _KEPT)

    def _activations(self, layers: Iterable[str], itemsize: int) -> float:
        """Bytes a pixel that the network holds for its backward pass."""
        found, cells = 0.0, 1.0
        for stage in self._stages(layers):
            saved = sum(stage.widths) + 2 * max(stage.widths)
            found += cells * (saved * itemsize + max(stage.widths) * _FLOAT)
            cells /= stage.stride**2
        return found

    def _inputs(self, itemsize: int) -> float:
        """Bytes a pixel of what lies between the stages, and of the gradients of two of them."""
        found, cells, largest = 0.0, 1.0, 0.0
        for stage in self._stages(self.layers)[:-1]:
            cells /= stage.stride**2
            one = cells * stage.widths[-1] * itemsize
            found, largest = found + one, max(largest, one)
        return found + largest

    def _stages(self, layers: Iterable[str]) -> list[Stage]:
        """Of the network, up to the deepest layer."""
        return stages(BACKBONES[self.backbone].plan, layers)

    def _targets(self, itemsize: int) -> float:
        """Activations of the photograph; of its pyramid's levels those of grey besides."""
        kept = sum(_values(info) for info in _infos(self.backbone, self.held))
        levels = enumerate(_infos(self.backbone, self.levels))
        kept += sum(2 * _values(info) / 4.0**k for k, info in levels)
        return self.pixels * kept * itemsize

    def _masks(self) -> float:
        """Of each region its mask, and what each layer sees of it, with and without its edges."""
        return self.regions * self.pixels * _FLOAT * (1 + 2 * 4 / 3)

    def _matches(self) -> float:
        """What is known of each position until the scale ends."""
        if self.matching is None:
            return 0.0
        return self.matching.positions(self.pixels) * self.matching.kept

    def _matching(self, itemsize: int) -> float:
        """What is held of the picture and of the painting while they are matched."""
        if self.matching is None:
            return 0.0
        need = self.matching
        ours, theirs = need.positions(self.pixels), need.positions(self.style_pixels)
        held = ours * (need.values * itemsize + need.bytes)
        held += theirs * (need.values + need.rows) * itemsize
        blocks = min(_BLOCKS, 2 * _FLOAT * ours * min(MOST_POSITIONS, theirs or ours))
        return held + blocks + self.style_pixels * self._looked(itemsize)

    def _looked(self, itemsize: int) -> float:
        """Bytes a pixel of a painting while it is looked at whole."""
        first = self._stages(self.layers)[0]
        return 3 * _FLOAT + 2 * max(first.widths) * itemsize


def workload_of(
    config: PixelConfig,
    scales: Sequence[Scale],
    *,
    regions: int = 0,
    style_pixels: int = 0,
) -> Workload:
    """What a config asks for.

    Args:
        config: with its layers filled in.
        scales: from coarse to fine.
        regions: how many have a mask.
        style_pixels: of the largest painting, as large as it is looked at; 0 if nobody knows.
    """
    held = layer_weights(config.content_layers) if isinstance(config, PhotoConfig) else {}
    style = layer_weights(config.style_layers)
    matching = _matching_of(config, list(style), regions)
    fine = BACKBONES[config.backbone].style[:2] if matching else ()
    levels = pyramid_layers(config) if isinstance(config, LaplacianConfig) else {}
    return Workload(
        tuple(scales),
        tuple(dict.fromkeys([*held, *style, *fine])),
        config.backbone,
        config.optimizer,
        config.history,
        held=tuple(held),
        levels=tuple(levels),
        regions=regions,
        matching=matching,
        style_pixels=style_pixels,
        wrap=isinstance(config, TextureConfig) and config.seamless,
        can_tile=not levels,  # those of a pyramid have no windows
    )


def _matching_of(config: PixelConfig, layers: Sequence[str], regions: int) -> Matching | None:
    """How a config matches; None if it does not."""
    found = _infos(config.backbone, layers)
    if isinstance(config, NnstConfig) and found:
        return _features(found)
    patch = 3 if isinstance(config, DoodleConfig) and config.engine == "patches" else 0
    patch = config.patch if isinstance(config, MrfConfig) else patch
    return _patches(found, patch, max(1, regions)) if patch and found else None


def _features(found: Sequence[LayerInfo]) -> Matching:
    """Of all layers together, those of the picture and of the photograph."""
    channels = sum(info.channels for info in found)
    cell = min((info.stride for info in found if info.stride >= CELL), default=CELL)
    return Matching(cell, channels, 2.0 * channels, 4.0 * _INDEX, _COMPARED)


def _patches(found: Sequence[LayerInfo], patch: int, regions: int) -> Matching:
    """Layer by layer, so the finest counts; patches are compared in half precision.

    Of every layer, and for every region, the mean of the patches at each cell is kept.
    """
    finest = min(found, key=lambda info: info.stride)
    rows, cells = finest.channels * patch**2, finest.stride**2
    means = regions * cells * sum(map(_values, found)) * _FLOAT
    # The rows once more at unit length, or what is added up at each cell.
    working = max(2.0 * rows * _HALF, 3.0 * finest.channels * _FLOAT)
    return Matching(
        finest.stride, rows, cells * sum(map(_values, found)), working + means, means + _INDEX
    )


def _values(info: LayerInfo) -> float:
    """Numbers of a layer to a pixel of the picture."""
    return info.channels / info.stride**2


def _infos(backbone: str, names: Iterable[str]) -> list[LayerInfo]:
    """Of layers that the network has, in the order that they are named in."""
    infos = {info.name: info for info in describe(BACKBONES[backbone].plan)}
    return [infos[name] for name in names if name in infos]
