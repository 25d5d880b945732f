"""A texture of any size from a style's statistics alone (Gatys, Ecker and Bethge, NIPS 2015).

Departs from the paper in painting from coarse to fine, which places shapes wider than the network
sees, and in seamless textures: their opposite edges meet in the network, in the total variation and
between scales, so that no pixel is at an edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from impasto.config.bases import PixelConfig
from impasto.config.methods import TextureConfig
from impasto.engine.canvas import MARGIN, enlarged, without_margin
from impasto.engine.comparison import Engine
from impasto.engine.pixel_terms import pixel_terms
from impasto.engine.regions import Region, region_views
from impasto.engine.seamless import resized
from impasto.engine.setup import backbone_of, iterations_of, settings_of, with_layers
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.solver import solve
from impasto.engine.statistics import statistics_engine
from impasto.engine.step import Problem, Step
from impasto.engine.terms import style_terms
from impasto.engine.workload import Scale, Workload, workload_of
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.losses.viewer import Viewer
from impasto.runtime import generator
from impasto.styles.blend import Blend
from impasto.styles.card import StyleCard
from impasto.styles.statistics import Painting, Style

__all__ = ["texture", "texture_workload", "view_of"]

# At the first scale no side of the texture or of its painting is shorter than this.
_LEAST_SIDE = 32


def view_of(style: Style) -> int:
    """Return the long side of a style's painting, in pixels, at its finest size."""
    return max(_extent(style))


def texture(
    style: Style,
    config: PixelConfig | None = None,
    *,
    height: int = 256,
    width: int = 256,
    view: int | None = None,
    seamless: bool = False,
    extractor: Extractor | None = None,
    execution: Execution = DEFAULT_EXECUTION,
) -> Iterator[Step]:
    """Paint `height`×`width` pixels as if cut from a painting that goes on beyond its frame.

    Starts from noise. Of the config it reads the style, stroke and optimiser options, not `size`.
    Yields after every iteration.

    Args:
        view: long side of the painting in the texture's pixels, at a stroke of 1; by default that
            of its file, or of the finest size on its card. A painting is never enlarged.
        seamless: opposite edges meet, so that the texture can be laid side by side with itself.

    Raises:
        OptionError: an unknown layer, a side that is not a multiple of the deepest layer's stride
            (seamless only; the message names the nearest sizes), or not positive.
        DivergedError: no step was small enough.
    """
    if min(height, width) < 1:
        raise OptionError(f"A texture cannot measure {width}×{height}: give sides of 1 or more.")
    config = with_layers(config or TextureConfig())
    extractor = extractor or backbone_of(config)
    wrapped = extractor.wrapped() if seamless else extractor
    scales = _TextureScales(style, config, extractor, wrapped, execution.plan.tile)
    if seamless:
        wrapped.check_size(height, width, scales.layers)
    side = max(1, round((view or view_of(style)) * config.stroke))
    factors, counts = _scales(style, config, height, width, side)
    sizes = [scales.size(height * x, width * x) for x in factors]
    problems = [
        partial(scales.problem, size, max(1, round(side * x)), count)
        for size, x, count in zip(sizes, factors, counts, strict=True)
    ]
    noise = torch.rand(1, 3, *sizes[0], generator=generator(config.seed)) * 0.5 + 0.25
    work = [float(h * w * n) for (h, w), n in zip(sizes, counts, strict=True)]
    start = noise.to(extractor.device)
    settings = replace(settings_of(config), wrap=seamless)
    steps = solve(start, problems, work, settings, execution)
    yield from steps if seamless else without_margin(steps)


def texture_workload(config: TextureConfig, style: Style, view: int) -> Workload:
    """Return what it takes.

    Args:
        view: as `texture` has it.
    """
    width, height = config.sides
    side = max(1, round(view * config.stroke))
    factors, counts = _scales(style, config, height, width, side)
    margin = 0 if config.seamless else MARGIN
    scales = [
        Scale(round(height * x), round(width * x), n, margin)
        for x, n in zip(factors, counts, strict=True)
    ]
    return workload_of(config, scales, wrap=config.seamless)


def _scales(
    style: Style, config: PixelConfig, height: int, width: int, view: int
) -> tuple[list[float], list[int]]:
    """Return each scale's sides, as a factor of the texture's, and its iterations.

    Args:
        view: long side of the painting, in the texture's pixels.
    """
    painting = _painting_at(style, view)
    factors = _factors((height, width), painting, config.smallest, config.octaves)
    sides = [max(1, round(max(height, width) * factor)) for factor in factors]
    return factors, iterations_of(config.length, sides, config.octaves)


@dataclass(frozen=True)
class _TextureScales:
    """What makes the problem of each scale.

    Attributes:
        extractor: sees the painting, which has edges.
        wrapped: sees the texture: the same network, or the one whose opposite edges meet.
        tile: bytes of activations at a time; 0 for the whole picture.
    """

    style: Style
    config: PixelConfig
    extractor: Extractor
    wrapped: Extractor
    tile: int = 0

    @property
    def seamless(self) -> bool:
        return self.wrapped is not self.extractor

    @property
    def engine(self) -> Engine:
        kind = self.config.style_loss if isinstance(self.config, TextureConfig) else "gaussian"
        return statistics_engine(self.config.style_layers, kind)

    @property
    def layers(self) -> tuple[str, ...]:
        return self.engine.layers

    def size(self, height: float, width: float) -> tuple[int, int]:
        """Return height and width of a scale's canvas: whole periods, or with a margin."""
        grid = self.wrapped.stride(self.layers) if self.seamless else 1
        margin = 0 if self.seamless else 2 * MARGIN
        rows, columns = (max(1, round(n / grid)) * grid + margin for n in (height, width))
        return rows, columns

    def problem(self, size: tuple[int, int], view: int, iterations: int, before: Tensor) -> Problem:
        """Return one scale, from the canvas of the one before it."""
        first = self._enlarged(before, *size)
        region = Region(self.style, 1.0)
        with torch.no_grad():
            current = self.viewer.view(first)
            views = list(region_views([region], view, self.extractor, None, current))
            terms = [
                *style_terms(views, self.engine, self.config),
                *pixel_terms(None, self.config),
            ]
        return Problem(first, iterations, partial(self.viewer.differentiate, terms))

    @property
    def viewer(self) -> Viewer:
        """The network and how it is shown the texture.

        The cells of a network leave a faint grid. A seamless texture is rolled by a quarter of the
        widest cell, so that its edges fall on no line of the grid, which would make them stand out.
        """
        shift = self.wrapped.stride(self.layers) // 4 if self.seamless else 0
        return Viewer(self.wrapped, self.layers, self.tile, shift=shift)

    def _enlarged(self, before: Tensor, height: int, width: int) -> Tensor:
        if before.shape[-2:] == (height, width):  # the noise that the first scale starts from
            return before
        if self.seamless:
            return resized(before, height, width).clamp(0, 1)
        return enlarged(before, height - 2 * MARGIN, width - 2 * MARGIN)


def _factors(
    texture: tuple[int, int], painting: tuple[int, int], smallest: int, octaves: float
) -> list[float]:
    """Return the scales' factors, `octaves` from each to the next, the last 1.

    At the first scale the long side is `smallest`, and so is that of the painting: a network sees
    about as far, and nothing of the painting is wider than itself. The first is at most a half.
    """
    narrow, wide = (min(sides) for sides in zip(sorted(texture), sorted(painting), strict=True))
    first = min(1.0, max(min(0.5, smallest / wide), _LEAST_SIDE / narrow))
    # With a small constant against rounding, as 0.5 is two steps of √2 and not one.
    steps = math.floor(-math.log2(first) / octaves + 1e-6)
    return [2 ** (-step * octaves) for step in range(steps, -1, -1)]


def _painting_at(style: Style, view: int) -> tuple[int, int]:
    """Return the sides of the painting when its long one has `view` pixels."""
    short, long = sorted(_extent(style))
    factor = min(view, long) / long
    return max(1, round(short * factor)), max(1, round(long * factor))


def _extent(style: Style) -> tuple[int, int]:
    """Return the sides of a style's painting; a card has the long one only."""
    if isinstance(style, Painting):
        height, width = style.pixels.shape[-2:]
        return height, width
    if isinstance(style, StyleCard):
        return max(style.measured), max(style.measured)
    if isinstance(style, Blend):
        return max((_extent(share.style) for share in style.shares), key=max)
    return TextureConfig().size, TextureConfig().size
