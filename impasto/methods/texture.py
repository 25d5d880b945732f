"""A texture of any size from a style's statistics alone (Gatys, Ecker and Bethge, NIPS 2015).

Departs from the paper in painting from coarse to fine, so that shapes wider than the network looks
get into place, and in textures without a seam: where opposite edges meet, in the network, in the
total variation and between scales, no place is an edge.
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
from impasto.engine.regions import Region, situations
from impasto.engine.seamless import resized
from impasto.engine.setup import backbone_of, iterations_of, settings_of, with_layers
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.solver import solve
from impasto.engine.statistics import statistics_engine
from impasto.engine.step import Problem, Step
from impasto.engine.terms import Engine, pixel_terms, style_terms
from impasto.engine.workload import Scale, Workload, workload_of
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.losses.viewer import Viewer
from impasto.runtime import generator
from impasto.styles.blend import Blend
from impasto.styles.card import StyleCard
from impasto.styles.statistics import Painting, Style

__all__ = ["texture", "texture_workload", "view_of"]

# No side of the texture, nor of the painting beside it, is taken below this by the first scale.
_LEAST_SIDE = 32


def view_of(style: Style) -> int:
    """Long side of a style's painting, in pixels: as fine as it is known, at its own scale."""
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

    Starts from noise, and reads of the config what concerns style, stroke and optimiser, not
    `size`. Yields after every iteration.

    Args:
        view: long side of the painting in the texture's pixels, at a stroke of 1; by default that
            of its file, or of the finest size on its card. A painting is never enlarged.
        seamless: opposite edges meet, so that the texture can be laid side by side with itself.

    Raises:
        OptionError: an unknown layer, a side that is no multiple of the deepest layer's stride
            (seamless only; the message names the nearest sizes), or not positive.
        DivergedError: no step was small enough.
    """
    if min(height, width) < 1:
        raise OptionError(f"A texture cannot measure {width}×{height}: give sides of 1 or more.")
    config = with_layers(config or TextureConfig())
    extractor = extractor or backbone_of(config)
    eye = extractor.wrapped() if seamless else extractor
    loom = _Loom(style, config, extractor, eye, execution.plan.tile)
    if seamless:
        loom.eye.check_size(height, width, loom.layers)
    side = max(1, round((view or view_of(style)) * config.stroke))
    factors, counts = _scales(style, config, height, width, side)
    sizes = [loom.size(height * x, width * x) for x in factors]
    problems = [
        partial(loom.problem, size, max(1, round(side * x)), count)
        for size, x, count in zip(sizes, factors, counts, strict=True)
    ]
    noise = torch.rand(1, 3, *sizes[0], generator=generator(config.seed)) * 0.5 + 0.25
    work = [float(h * w * n) for (h, w), n in zip(sizes, counts, strict=True)]
    start = noise.to(next(extractor.parameters()).device)
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
    """Return each scale's share of the result's sides, and its iterations.

    Args:
        view: long side of the painting, in the texture's pixels.
    """
    factors = _factors((height, width), _painting_at(style, view), config.smallest)
    sides = [max(1, round(max(height, width) * factor)) for factor in factors]
    return factors, iterations_of(config.length, sides)


@dataclass(frozen=True)
class _Loom:
    """What is the same at every scale.

    Attributes:
        extractor: sees the painting, which has edges.
        eye: sees the texture: the same network, or the one whose opposite edges meet.
        tile: bytes of activations that it may hold at a time; 0 for all.
    """

    style: Style
    config: PixelConfig
    extractor: Extractor
    eye: Extractor
    tile: int = 0

    @property
    def seamless(self) -> bool:
        return self.eye is not self.extractor

    @property
    def engine(self) -> Engine:
        kind = self.config.style_loss if isinstance(self.config, TextureConfig) else "gaussian"
        return statistics_engine(self.config.style_layers, kind)

    @property
    def layers(self) -> tuple[str, ...]:
        return self.engine.layers

    def size(self, height: float, width: float) -> tuple[int, int]:
        """Height and width of a scale's canvas: in whole periods, or with a margin."""
        grid = self.eye.stride(self.layers) if self.seamless else 1
        margin = 0 if self.seamless else 2 * MARGIN
        rows, columns = (max(1, round(n / grid)) * grid + margin for n in (height, width))
        return rows, columns

    def problem(self, size: tuple[int, int], view: int, iterations: int, before: Tensor) -> Problem:
        """One scale, from the canvas of the one before it."""
        first = self._enlarged(before, *size)
        whole = Region(self.style, 1.0)
        with torch.no_grad():
            areas = list(situations([whole], view, self.extractor, None, self.sight.view(first)))
            terms = [
                *style_terms(areas, self.engine, self.config),
                *pixel_terms(None, self.config),
            ]
        return Problem(first, iterations, partial(self.sight.differentiate, terms))

    @property
    def sight(self) -> Viewer:
        """The network and how it is shown the texture.

        The cells of a network leave a faint grid. A tile is looked at from a quarter of the widest
        cell aside, so that its edges fall on no line of the grid, which would make them stand out.
        """
        aside = self.eye.stride(self.layers) // 4 if self.seamless else 0
        return Viewer(self.eye, self.layers, self.tile, shift=aside)

    def _enlarged(self, before: Tensor, height: int, width: int) -> Tensor:
        if before.shape[-2:] == (height, width):  # the noise that the first scale starts from
            return before
        if self.seamless:
            return resized(before, height, width).clamp(0, 1)
        return enlarged(before, height - 2 * MARGIN, width - 2 * MARGIN)


def _factors(texture: tuple[int, int], painting: tuple[int, int], smallest: int) -> list[float]:
    """The scales over the whole, each √2 times the one before, the last 1.

    The first has a long side of `smallest`, and so has the painting beside it: a network looks
    about as far, and nothing of the painting is wider than itself. It is half the whole at most.
    """
    narrow, wide = (min(sides) for sides in zip(sorted(texture), sorted(painting), strict=True))
    first = min(1.0, max(min(0.5, smallest / wide), _LEAST_SIDE / narrow))
    # A hair under, as 0.5 is two steps and not one.
    steps = math.floor(-2 * math.log2(first) + 1e-6)
    return [2 ** (-step / 2) for step in range(steps, -1, -1)]


def _painting_at(style: Style, view: int) -> tuple[int, int]:
    """Sides of the painting when its long one has `view` pixels."""
    short, long = sorted(_extent(style))
    factor = min(view, long) / long
    return max(1, round(short * factor)), max(1, round(long * factor))


def _extent(style: Style) -> tuple[int, int]:
    """Sides of a style's painting; a card knows the long one only."""
    if isinstance(style, Painting):
        height, width = style.pixels.shape[-2:]
        return height, width
    if isinstance(style, StyleCard):
        return max(style.measured), max(style.measured)
    if isinstance(style, Blend):
        return max((_extent(share.style) for share in style.shares), key=max)
    return TextureConfig().size, TextureConfig().size
