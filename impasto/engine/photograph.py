"""Painting from a photograph, from coarse to fine, with any engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PhotoConfig
from impasto.config.specs import layer_weights
from impasto.engine.canvas import (
    MARGIN,
    cut_margin,
    enlarged,
    mask_on,
    with_detail,
    with_margin,
    without_margin,
)
from impasto.engine.comparison import Engine
from impasto.engine.pixel_terms import PixelWeights, pixel_terms
from impasto.engine.region_colours import colour_terms
from impasto.engine.regions import Region, region_views
from impasto.engine.setup import detail_layers, scales_of, settings_of
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.solver import solve
from impasto.engine.step import Picture, Problem, Step
from impasto.engine.terms import content_terms, detail_terms, style_terms
from impasto.features.extractor import Extractor
from impasto.image.picture import resize
from impasto.losses.fixed_pixels import FixedPixels
from impasto.losses.objective import Term
from impasto.losses.temporal import CarriedPainting, temporal_term
from impasto.losses.viewer import Viewer
from impasto.runtime import generator

__all__ = ["Canvas", "loss_at", "paint_photograph"]


@dataclass(frozen=True)
class Canvas:
    """A photograph at one scale, and what is painted over it.

    Attributes:
        content: at this scale, without the margin.
        free: 1 where pixels may change and 0 where they are kept, with the margin; None for all.
        content_weight: 0 where only the painting counts and 1 elsewhere, without the margin; None
            for 1 everywhere.
    """

    content: Picture
    regions: tuple[Region, ...]
    free: Float[Tensor, "1 1 mh mw"] | None
    content_weight: Float[Tensor, "h w"] | None

    @staticmethod
    def of(content: Picture, regions: Sequence[Region]) -> Canvas:
        """Return the canvas of a photograph, with the regions' masks at its size."""
        height, width = content.shape[-2:]
        on_canvas = lambda mask: mask_on(mask.to(content.device), height, width)  # noqa: E731
        placed = tuple(region.masked(on_canvas) for region in regions)
        fixed = [r.mask for r in placed if r.style is None and r.mask is not None]
        free = 1 - torch.stack(fixed).sum(0).clamp(0, 1) if fixed else None
        # Without memory, since only its size is read.
        canvas = content.new_zeros(()).expand(1, 3, height + 2 * MARGIN, width + 2 * MARGIN)
        weight = PixelWeights.of(placed, canvas).content
        weight = None if weight is None else cut_margin(weight[None, None])[0, 0]
        return Canvas(content, placed, free, weight)

    def finished(self, picture: Tensor) -> Tensor:
        """Put the photograph's kept pixels into a picture without a margin."""
        if self.free is None:
            return picture
        return FixedPixels(self.content, cut_margin(self.free)).apply(picture)


def paint_photograph(
    content: Picture,
    regions: Sequence[Region],
    engine: Engine,
    config: PhotoConfig,
    extractor: Extractor,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    execution: Execution = DEFAULT_EXECUTION,
    detail: Float[Tensor, "1 3 _ _"] | None = None,
    carried: CarriedPainting | None = None,
) -> Iterator[Step]:
    """Paint a photograph's regions with an engine, scale after scale.

    Args:
        regions: none of them empty; their masks sum to one.
        detail: a picture that gives each scale the detail that the one before could not have; by
            default the photograph, where the run starts from it.
        carried: what was painted of the frame before, if this is one of a film.
    """
    content = content.to(extractor.device)
    height, width = content.shape[-2:]
    sizes, counts = scales_of(config, height, width)
    begin = _enlarged
    if detail is not None:
        begin = partial(_with_detail_of, detail.to(content.device))
    elif config.init == "content" and start is None and _has_content(regions, config):
        begin = _with_own_detail
    scales = [partial(_scaled, content, regions, size) for size in sizes]
    problems = [
        partial(
            _problem, scale, begin, engine, config, extractor, count, execution.plan.tile, carried
        )
        for scale, count in zip(scales, counts, strict=True)
    ]
    work = [float(h * w * n) for (h, w), n in zip(sizes, counts, strict=True)]
    first = start.to(content.device) if start is not None else _start(content, sizes[0], config)
    first = with_margin(resize(first, *sizes[0]))
    steps = without_margin(solve(first, problems, work, settings_of(config), execution))
    keeps_pixels = any(region.style is None for region in regions)
    yield from _finished(steps, scales) if keeps_pixels else steps


def _scaled(content: Picture, regions: Sequence[Region], size: tuple[int, int]) -> Canvas:
    # Not copied for nothing: a poster is large.
    return Canvas.of(content if content.shape[-2:] == size else resize(content, *size), regions)


def _finished(steps: Iterator[Step], scales: Sequence[Callable[[], Canvas]]) -> Iterator[Step]:
    """Put the photograph's kept pixels into the steps' pictures."""
    number, canvas = 0, None
    for step in steps:
        if canvas is None or number != step.scale:
            number, canvas = step.scale, scales[step.scale - 1]()
        yield replace(step, image=partial(_finished_image, step.image, canvas))


def _finished_image(image: Callable[[], Tensor], canvas: Canvas) -> Tensor:
    return canvas.finished(image()).contiguous()


def _has_content(regions: Sequence[Region], config: PhotoConfig) -> bool:
    """Return whether the photograph counts anywhere: otherwise its detail is not added."""
    painted = [region for region in regions if region.style is not None]
    return config.content_weight > 0 and any(region.strength < 1 for region in painted)


def _start(
    content: Picture, size: tuple[int, int], config: PhotoConfig
) -> Float[Tensor, "1 3 _ _"]:
    if config.init == "noise":
        return torch.rand(1, 3, *size, generator=generator(config.seed)).to(content.device)
    if config.init == "grey":
        return torch.full((1, 3, *size), 0.5, device=content.device)
    return content


def _enlarged(canvas: Canvas, before: Tensor) -> Tensor:
    return enlarged(before, *canvas.content.shape[-2:])


def _with_own_detail(canvas: Canvas, before: Tensor) -> Tensor:
    return with_detail(before, canvas.content, canvas.content_weight)


def _with_detail_of(picture: Picture, canvas: Canvas, before: Tensor) -> Tensor:
    return with_detail(before, resize(picture, *canvas.content.shape[-2:]))


def _problem(
    scale: Callable[[], Canvas],
    begin: Callable[[Canvas, Tensor], Tensor],
    engine: Engine,
    config: PhotoConfig,
    extractor: Extractor,
    iterations: int,
    tile: int,
    carried: CarriedPainting | None,
    before: Tensor,
) -> Problem:
    canvas = scale()
    first = begin(canvas, before)
    viewer, terms = loss_at(canvas, first, engine, config, extractor, tile)
    if carried is not None:
        terms.append(temporal_term(_on_canvas(carried, canvas)))
    return Problem(first, iterations, partial(viewer.differentiate, terms))


def _on_canvas(carried: CarriedPainting, canvas: Canvas) -> CarriedPainting:
    size, device = canvas.content.shape[-2:], canvas.content.device
    pixels, trust = (resize(part.to(device), *size) for part in (carried.pixels, carried.trust))
    return CarriedPainting(with_margin(pixels), with_margin(trust), carried.weight)


def loss_at(
    canvas: Canvas,
    first: Tensor,
    engine: Engine,
    config: PhotoConfig,
    extractor: Extractor,
    tile: int = 0,
) -> tuple[Viewer, list[Term]]:
    """Return how a picture is looked at, and the terms of its loss.

    Args:
        first: the picture that the scale begins from, with the margin.
        tile: bytes of activations in memory at a time; 0 for all.
    """
    content = canvas.content
    photograph = with_margin(content)
    details = detail_layers(config, *content.shape[-2:])
    content_layers = layer_weights(config.content_layers)
    layers = tuple(dict.fromkeys([*content_layers, *details, *engine.layers]))
    viewer = Viewer(extractor, layers, tile)
    fixed = None if canvas.free is None else FixedPixels(photograph, canvas.free)
    picture_viewer = replace(viewer, fixed=fixed)
    side = max(1, round(max(content.shape[-2:]) * config.stroke))
    with torch.no_grad():
        content_view, current = viewer.view(photograph), picture_viewer.view(first)
        views = list(region_views(canvas.regions, side, extractor, content_view, current))
        weights = PixelWeights.of(canvas.regions, photograph)
        terms = [
            *content_terms(views, config),
            *detail_terms(views, details, config),
            *style_terms(views, engine, config),
            *colour_terms(views, config),
            *pixel_terms(photograph, config, weights=weights),
        ]
    return picture_viewer, terms
