"""A picture from a map of colours, without a photograph.

Each colour is painted as the part of a painting that has it in a map of the painting. There are two
engines: regions' statistics (D. Ulyanov, "online-neural-doodle", 2016), and patches that are
matched by what they mean as well (A. J. Champandard, "Semantic style transfer and turning two-bit
doodles into fine artworks", 2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.config.methods import DoodleConfig
from impasto.engine.canvas import enlarged, mask_on, with_margin, without_margin
from impasto.engine.comparison import Engine
from impasto.engine.patches import patch_layers
from impasto.engine.pixel_terms import pixel_terms
from impasto.engine.regions import Region, RegionView, region_views
from impasto.engine.semantic_patches import PATCH, semantic_engine
from impasto.engine.setup import (
    backbone_layers,
    backbone_of,
    scales_of,
    settings_of,
    with_layers,
)
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.solver import solve
from impasto.engine.statistics import statistics_engine
from impasto.engine.step import Problem, Step
from impasto.engine.terms import style_terms
from impasto.engine.workload import Workload, patch_matching, photo_workload
from impasto.features.extractor import Extractor
from impasto.image.masks import pooled
from impasto.image.picture import fit, resize
from impasto.losses.guides import Guide
from impasto.losses.viewer import Viewer
from impasto.runtime import generator
from impasto.styles.statistics import LEAST_CELLS, Painting

__all__ = ["doodle", "doodle_layers", "doodle_workload"]

# The stride, in pixels, from which on a layer sees far across the edge of a region.
_DEEP = 4

# Pixels to a cell of each noise that the first scale starts from.
_CELLS = (1, 8, 32)


def doodle(
    regions: Sequence[Region],
    config: DoodleConfig | None = None,
    *,
    height: int,
    width: int,
    extractor: Extractor | None = None,
    execution: Execution = DEFAULT_EXECUTION,
) -> Iterator[Step]:
    """Paint regions as parts of a painting, from their colours and noise; yields every iteration.

    Args:
        regions: each with a mask and with a `Painting` that has one; the masks sum to one, and all
            paintings have the same pixels.
        height, width: of the map: only their proportion counts, and `config.size`.

    Raises:
        OptionError: an unknown layer, or a map too thin for the deepest one.
        DivergedError: no step was small enough.
    """
    config = with_layers(config or DoodleConfig())
    extractor = extractor or backbone_of(config)
    device = extractor.device
    areas = [region.masked(lambda mask: mask.to(device)) for region in regions]
    engine = _engine(config)
    sizes, counts = scales_of(config, height, width)
    problems = [
        partial(_problem, areas, engine, config, extractor, size, count, execution.plan.tile)
        for size, count in zip(sizes, counts, strict=True)
    ]
    work = [float(h * w * n) for (h, w), n in zip(sizes, counts, strict=True)]
    start = with_margin(_start(areas, sizes[0], config.seed).to(device))
    yield from without_margin(solve(start, problems, work, settings_of(config), execution))


def doodle_layers(config: DoodleConfig) -> tuple[str, ...]:
    """Return the layers that the engine looks at where the config names none."""
    if config.engine == "patches":
        return patch_layers(config)
    return backbone_layers(config)


def doodle_workload(
    config: DoodleConfig, height: int, width: int, *, regions: int, **properties: Any
) -> Workload:
    """Return what it takes; the arguments are those of `photo_workload`, for the map."""
    matching = patch_matching(config, PATCH, regions) if config.engine == "patches" else None
    properties |= {"regions": regions, "matching": matching}
    return photo_workload(config, height, width, **properties)


def _start(regions: Sequence[Region], size: tuple[int, int], seed: int) -> Float[Tensor, "1 3 h w"]:
    """Return each region's mean colour with noise of the covariance of its colours."""
    noise = _clouds(size, seed)
    image = torch.zeros_like(noise)
    for region in regions:
        mean, spread = _colours(region.style)
        colours = mean + (spread @ noise.flatten(2)).view_as(noise)
        image += _mask(region, size).cpu() * colours
    return image.clamp(0, 1)


def _clouds(size: tuple[int, int], seed: int) -> Float[Tensor, "1 3 h w"]:
    """Return the sum of noises of several cell sizes, of variance 1.

    From noise of one size alone patches find the same match all along a row.
    """
    random = generator(seed)
    noise = torch.zeros(1, 3, *size)
    for cell in _CELLS:
        small = [max(2, -(-side // cell)) for side in size]
        cells = torch.randn(1, 3, *small, generator=random)
        noise += F.interpolate(cells, size, mode="bicubic", align_corners=True)
    noise -= noise.mean((2, 3), keepdim=True)
    return noise / noise.std()


def _mask(region: Region, size: tuple[int, int]) -> Tensor:
    if region.mask is None:
        return torch.ones(1, 1, *size)
    return pooled(region.mask, *size)[None, None]


def _colours(style: object) -> tuple[Float[Tensor, "1 3 1 1"], Float[Tensor, "3 3"]]:
    """Return the mean of a part's pixels, and the root of their covariance."""
    assert isinstance(style, Painting)
    pixels = fit(style.pixels, min(256, max(style.pixels.shape[-2:]))).cpu()
    rows = pixels.flatten(2)[0]
    weight = torch.ones_like(rows[:1])
    if style.mask is not None:
        weight = resize(style.mask.cpu(), *pixels.shape[-2:]).flatten(2)[0]
    if style.alpha is not None:
        weight = weight * resize(style.alpha.cpu(), *pixels.shape[-2:]).flatten(2)[0]
    weight = weight / weight.sum()
    mean = (rows * weight).sum(1, keepdim=True)
    centred = rows - mean
    covariance = (centred * weight) @ centred.T + 1e-6 * torch.eye(3)
    return mean.view(1, 3, 1, 1), torch.linalg.cholesky(covariance)


def _problem(
    regions: Sequence[Region],
    engine: Engine,
    config: DoodleConfig,
    extractor: Extractor,
    size: tuple[int, int],
    iterations: int,
    tile: int,
    before: Tensor,
) -> Problem:
    """Return one scale, or round of it, from the canvas of the one before."""
    first = enlarged(before, *size)
    placed = [region.masked(lambda mask: mask_on(mask, *size)) for region in regions]
    side = max(1, round(max(size) * config.stroke))
    viewer = Viewer(extractor, engine.layers, tile)
    with torch.no_grad():
        views = list(region_views(placed, side, extractor, None, viewer.view(first)))
        if config.engine == "statistics":
            views = [_without_edges(view) for view in views]
        terms = [*style_terms(views, engine, config), *pixel_terms(None, config)]
    return Problem(first, iterations, partial(viewer.differentiate, terms))


def _without_edges(view: RegionView) -> RegionView:
    """Return the view without the edges of the region, in the picture and in the painting."""
    style = view.region.style
    assert isinstance(style, Painting)
    part = _InnerPainting(style.pixels, style.mask, style.alpha)
    weights = _inner_masks(view.weights, view.extractor)
    guides = {name: None if w is None else Guide(w) for name, w in weights.items()}
    return replace(view, region=replace(view.region, style=part), weights=weights, guides=guides)


@dataclass(frozen=True)
class _InnerPainting(Painting):
    """A part of a painting, without its edges."""

    def masks(
        self, long_side: int, extractor: Extractor, shapes: Mapping[str, tuple[int, int]]
    ) -> dict[str, Float[Tensor, "_ _"]]:
        """Return where layers of these shapes see nothing but the part."""
        inner = _inner_masks(super().masks(long_side, extractor, shapes), extractor)
        return {name: mask for name, mask in inner.items() if mask is not None}


def _inner_masks(
    masks: Mapping[str, Float[Tensor, "_ _"] | None], extractor: Extractor
) -> dict[str, Float[Tensor, "_ _"] | None]:
    """Remove the cells along the edges from masks of deep layers, unless too little would be left.

    A cell of a deep layer sees far across the edge. With those, a plain whose edge is a row of
    trees takes after trees all over. Cells of earlier layers say how sharp the edge is.
    """
    result = dict(masks)
    for name, mask in masks.items():
        if mask is not None and extractor.stride([name]) >= _DEEP:
            inner = 1 - F.max_pool2d(1 - mask[None, None], 3, 1, 1)[0, 0]
            result[name] = inner if float(inner.sum()) >= LEAST_CELLS else mask
    return result


def _engine(config: DoodleConfig) -> Engine:
    if config.engine == "patches":
        return semantic_engine(config)
    return statistics_engine(config.style_layers, config.style_loss)
