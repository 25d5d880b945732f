"""How much a run has to compute, as far as memory and time go: sizes, iterations, layers, regions.

Each method's own is beside that method, and named in its row of `config.methods`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from impasto.config.bases import PhotoConfig, PixelConfig
from impasto.config.memory import MemoryPlan
from impasto.config.specs import layer_weights
from impasto.engine.canvas import MARGIN
from impasto.engine.optimisers import footprint, scratch
from impasto.engine.paintings import MOST_POSITIONS
from impasto.engine.setup import DETAILED, detail_layers, scales_of
from impasto.features.backbones import BACKBONES
from impasto.features.plan import LayerInfo
from impasto.features.plan import layers as describe
from impasto.features.tiles import Stage, stages

__all__ = [
    "INDEX",
    "Matching",
    "Scale",
    "Workload",
    "layer_infos",
    "patch_matching",
    "photo_workload",
    "workload_of",
]

# Bytes of a float32 value, and of a bfloat16 one.
_FLOAT, _HALF = 4, 2

INDEX = 8
"""Bytes of the number of a row."""

# Pictures of the largest size that are in memory while a scale begins, besides those read.
_BEGINNING = 6.0

# What was measured beyond what can be counted, when a picture is computed in tiles: bytes a pixel,
# and buffers that the allocator keeps (benchmarks/posters.py).
_ASIDE, _BUFFERS = 14.0, 250e6

# Bytes a pixel that the losses on pixels hold when the picture is computed as a whole, and that
# the allocator keeps beside them.
_PIXEL_TERMS = 300.0

# Bytes a pixel of copies with a border beyond the opposite edge, in tiles.
_WRAPPED = 24.0

# Bytes of products, and of their rows, at a time while positions are matched; measured.
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
        """The number of pixels of the canvas: the picture and its margin."""
        return (self.height + 2 * self.margin) * (self.width + 2 * self.margin)

    def scaled(self, factor: float) -> Scale:
        """Return the same of a picture that is `factor` times as wide and high."""
        height, width = (max(1, round(side * factor)) for side in (self.height, self.width))
        return replace(self, height=height, width=width)


@dataclass(frozen=True)
class Matching:
    """What it takes to match each position of the picture with one of the painting.

    Attributes:
        cell: pixels of the picture, along one side, to a position.
        rows: channels of what is compared.
        values: numbers, of the network's type, that are stored of each position of either picture
            while they are matched.
        bytes: stored of each position of the picture besides.
        lasting: bytes that are stored of each until the scale ends.
    """

    cell: int
    rows: int
    values: float
    bytes: float
    lasting: float

    def positions(self, pixels: float) -> float:
        """Return the number of positions of a picture, from its number of pixels."""
        return pixels / (self.cell * self.cell)


@dataclass(frozen=True)
class Workload:
    """How much there is to compute.

    Attributes:
        scales: from coarse to fine.
        layers: all that are read, of `backbone`.
        content_layers: those whose activations of the photograph are stored.
        detail_layers: the same, in pictures small enough for it.
        pyramid_layers: those that see the levels of the photograph's pyramid, finest first.
        regions: how many have a mask.
        matching: of methods that match.
        style_pixels: of the largest painting, as large as it is looked at; 0 if that is unknown.
        wrap: whether opposite edges of the picture meet.
        can_tile: whether the picture can be computed tile by tile.
    """

    scales: tuple[Scale, ...]
    layers: tuple[str, ...]
    backbone: str
    optimizer: str
    history: int
    content_layers: tuple[str, ...] = ()
    detail_layers: tuple[str, ...] = ()
    pyramid_layers: tuple[str, ...] = ()
    regions: int = 0
    matching: Matching | None = None
    style_pixels: int = 0
    wrap: bool = False
    can_tile: bool = True

    @property
    def pixels(self) -> int:
        """The number of pixels of the last and largest canvas."""
        return max(scale.pixels for scale in self.scales)

    @property
    def work(self) -> float:
        """The sum of pixels × iterations over all scales."""
        return float(sum(scale.pixels * scale.iterations for scale in self.scales))

    @property
    def comparisons(self) -> float:
        """The sum of positions of the picture × positions of the painting over all scales."""
        if self.matching is None:
            return 0.0
        style = self.style_pixels or self.pixels
        total = 0.0
        for scale in self.scales:
            theirs = self.matching.positions(style * scale.pixels / self.pixels)
            total += self.matching.positions(scale.pixels) * min(MOST_POSITIONS, theirs)
        return total

    def left(self, index: int, done: int, extra: int = 0) -> Workload:
        """Return what is left to compute of it.

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
        """Return the same of pictures that are `factor` times as wide and high."""
        scales = tuple(scale.scaled(factor) for scale in self.scales)
        return replace(self, scales=scales, style_pixels=round(self.style_pixels * factor**2))

    def bytes(self, plan: MemoryPlan, itemsize: int) -> int:
        """Return the memory of a run beside the program, the network and the pictures it read.

        Args:
            itemsize: bytes of a number inside the network.
        """
        history = min(plan.history or self.history, self.history)
        values = 3 * self.pixels
        optimiser = values * (2 * _FLOAT + footprint(self.optimizer, history, plan.dtype))
        activations = self._network(plan.tile, itemsize)
        activations = max(activations, values * scratch(self.optimizer, plan.dtype))
        targets = self._targets(itemsize) + self._masks() + self._matches()
        beginning = values * _FLOAT * _BEGINNING + self.pixels * self._inputs(itemsize)
        # What the optimiser remembers has the size of the scale before until the next is prepared.
        before = self.scales[-2].pixels if len(self.scales) > 1 else 0
        beginning += 3 * before * (footprint(self.optimizer, history, plan.dtype) - 2 * _FLOAT)
        return int(targets + max(optimiser + activations, beginning + self._matching(itemsize)))

    def _network(self, tile: int, itemsize: int) -> float:
        """Return the bytes that the network holds, and what works on pixels."""
        levels = sum(
            self._activations([name], itemsize) / 4.0**k
            for k, name in enumerate(self.pyramid_layers)
        )
        untiled = self.pixels * (self._activations(self.layers, itemsize) + levels + _PIXEL_TERMS)
        if not tile:
            return untiled
        a_pixel = self._inputs(itemsize) + _ASIDE + (_WRAPPED if self.wrap else 0)
        return min(untiled, self.pixels * a_pixel + 1.3 * tile + _BUFFERS)

    def _activations(self, layers: Iterable[str], itemsize: int) -> float:
        """Return the bytes a pixel that the network holds for its backward pass."""
        total, cells = 0.0, 1.0
        for stage in self._stages(layers):
            saved = sum(stage.widths) + 2 * max(stage.widths)
            total += cells * (saved * itemsize + max(stage.widths) * _FLOAT)
            cells /= stage.stride**2
        return total

    def _inputs(self, itemsize: int) -> float:
        """Return the bytes a pixel between the stages, and of the gradients of two of them."""
        total, cells, largest = 0.0, 1.0, 0.0
        for stage in self._stages(self.layers)[:-1]:
            cells /= stage.stride**2
            size = cells * stage.widths[-1] * itemsize
            total, largest = total + size, max(largest, size)
        return total + largest

    def _stages(self, layers: Iterable[str]) -> list[Stage]:
        """Return the network's stages up to the deepest layer."""
        return stages(BACKBONES[self.backbone].plan, layers)

    def _targets(self, itemsize: int) -> float:
        """Return the bytes of the photograph's activations; of its pyramid's levels twice as many.

        Those are kept of grey besides.
        """
        largest = max(max(scale.height, scale.width) for scale in self.scales)
        detail = self.detail_layers if largest <= DETAILED else ()
        stored = layer_infos(self.backbone, [*self.content_layers, *detail])
        values = sum(_values(info) for info in stored)
        levels = enumerate(layer_infos(self.backbone, self.pyramid_layers))
        values += sum(2 * _values(info) / 4.0**k for k, info in levels)
        return self.pixels * values * itemsize

    def _masks(self) -> float:
        """Return the bytes of all masks, also at each layer, with and without their edges."""
        return self.regions * self.pixels * _FLOAT * (1 + 2 * 4 / 3)

    def _matches(self) -> float:
        """Return the bytes that are stored of each position until the scale ends."""
        if self.matching is None:
            return 0.0
        return self.matching.positions(self.pixels) * self.matching.lasting

    def _matching(self, itemsize: int) -> float:
        """Return the bytes of the picture and of the painting while they are matched."""
        if self.matching is None:
            return 0.0
        need = self.matching
        ours, theirs = need.positions(self.pixels), need.positions(self.style_pixels)
        stored = ours * (need.values * itemsize + need.bytes)
        stored += theirs * (need.values + need.rows) * itemsize
        blocks = min(_BLOCKS, 2 * _FLOAT * ours * min(MOST_POSITIONS, theirs or ours))
        return stored + blocks + self.style_pixels * self._painting(itemsize)

    def _painting(self, itemsize: int) -> float:
        """Return the bytes a pixel of a painting while the network looks at all of it."""
        first = self._stages(self.layers)[0]
        return 3 * _FLOAT + 2 * max(first.widths) * itemsize


def photo_workload(
    config: PixelConfig, height: int, width: int, *, stages: int = 1, **properties: Any
) -> Workload:
    """Return what it takes to optimise the pixels of a photograph, or of a map.

    Args:
        config: with its layers filled in.
        height, width: of the photograph, of which only the proportion counts.
        stages: how often all scales are painted.
        properties: as `Workload` has them.
    """
    sizes, counts = scales_of(config, height, width)
    scales = [Scale(*size, n, MARGIN) for size, n in zip(sizes, counts, strict=True)]
    return workload_of(config, scales * stages, **properties)


def workload_of(
    config: PixelConfig,
    scales: Sequence[Scale],
    *,
    matching: Matching | None = None,
    pyramid_layers: tuple[str, ...] = (),
    **properties: Any,
) -> Workload:
    """Return a workload with what it has from the config: its layers, backbone and optimiser.

    Args:
        config: with its layers filled in.
        scales: from coarse to fine.
        matching, pyramid_layers, properties: as `Workload` has them.
    """
    content: tuple[str, ...] = ()
    if isinstance(config, PhotoConfig):
        content = tuple(layer_weights(config.content_layers))
    fine = BACKBONES[config.backbone].style[:2] if matching else ()
    return Workload(
        tuple(scales),
        tuple(dict.fromkeys([*content, *layer_weights(config.style_layers), *fine])),
        config.backbone,
        config.optimizer,
        config.history,
        content_layers=content,
        detail_layers=detail_layers(config, 0, 0),
        matching=matching,
        pyramid_layers=pyramid_layers,
        can_tile=not pyramid_layers,
        **properties,
    )


def patch_matching(config: PixelConfig, patch: int, regions: int) -> Matching | None:
    """Return what it takes to match patches, layer by layer; None where no layer is known.

    The finest layer counts; patches are compared in half precision. Of every layer, and for every
    region, the mean of the patches at each cell is stored.

    Args:
        config: with its layers filled in.
        patch: positions along a patch's side.
        regions: how many have a mask.
    """
    infos = layer_infos(config.backbone, layer_weights(config.style_layers))
    if not infos:
        return None
    finest = min(infos, key=lambda info: info.stride)
    rows, cells = finest.channels * patch**2, finest.stride**2
    means = max(1, regions) * cells * sum(map(_values, infos)) * _FLOAT
    # The rows once more at unit length, or what is added up at each cell.
    working = max(2.0 * rows * _HALF, 3.0 * finest.channels * _FLOAT)
    return Matching(
        finest.stride, rows, cells * sum(map(_values, infos)), working + means, means + INDEX
    )


def _values(info: LayerInfo) -> float:
    """Return the numbers of a layer to a pixel of the picture."""
    return info.channels / info.stride**2


def layer_infos(backbone: str, names: Iterable[str]) -> list[LayerInfo]:
    """Return those of the named layers that a backbone has, in the order of the names."""
    infos = {info.name: info for info in describe(BACKBONES[backbone].plan)}
    return [infos[name] for name in names if name in infos]
