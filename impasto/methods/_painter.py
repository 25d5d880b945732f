"""Painting from coarse to fine: what every engine that paints from a photograph shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import OptionError
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.image.files import fit, resize
from impasto.image.pyramid import scale_schedule
from impasto.losses.objective import evaluate
from impasto.methods._canvas import (
    cut_margin,
    enlarged,
    mask_on,
    with_detail,
    with_margin,
    without_margin,
)
from impasto.methods._nearest import nearest_layers
from impasto.methods._patches import patch_layers
from impasto.methods._terms import Engine, Reach, content_terms, pixel_terms, style_terms
from impasto.methods.choices import layer_weights
from impasto.methods.configs import DoodleConfig, MrfConfig, NnstConfig, PhotoConfig, PixelConfig
from impasto.methods.scene import Region, situations
from impasto.methods.solver import Problem, Settings, Step, solve
from impasto.runtime import generator, pick_device, pick_precision
from impasto.styles.statistics import Painting, Style

__all__ = [
    "Canvas",
    "backbone_of",
    "iterations_of",
    "paint_photograph",
    "regions_of",
    "settings_of",
    "with_layers",
]

Picture = Float[Tensor, "1 3 h w"]
Config = TypeVar("Config", bound=PixelConfig)


def with_layers(config: Config) -> Config:
    """The config with its method's own layers where it names none."""
    layers = config.style_layers or _style_layers(config)
    config = replace(config, style_layers=layers)
    if isinstance(config, PhotoConfig):
        own = BACKBONES[config.backbone].content
        config = replace(config, content_layers=config.content_layers or own)
    return config


def _style_layers(config: PixelConfig) -> tuple[str, ...]:
    """Those that the method looks at: mostly the backbone's own."""
    if isinstance(config, NnstConfig):
        return nearest_layers(config.backbone)
    if isinstance(config, MrfConfig) or (
        isinstance(config, DoodleConfig) and config.engine == "patches"
    ):
        return patch_layers(config.backbone)
    return BACKBONES[config.backbone].style


def backbone_of(config: PixelConfig, weights: Path | None = None) -> Extractor:
    """The backbone that the config names, on its device and in its precision."""
    device = pick_device(config.device)
    precision = pick_precision(config.precision, device)
    net = load(config.backbone, pooling=config.pooling, weights=weights, precision=precision)
    return net.to(device)


def settings_of(config: PixelConfig) -> Settings:
    """What the solver needs of the config."""
    return Settings(config.optimizer, config.history, config.learning_rate)


def iterations_of(total: int, scales: int) -> list[int]:
    """Shares of the iterations: the first, cheap scale lays the picture out and gets the most."""
    weights = [2.0, 1.3, *[1.0] * scales][:scales]
    ends = [round(total * sum(weights[: i + 1]) / sum(weights)) for i in range(scales)]
    return [max(1, end - begin) for begin, end in zip([0, *ends], ends, strict=False)]


def regions_of(
    style: Style | Float[Tensor, "1 3 h w"] | None,
    regions: Sequence[Region],
    strength: float,
    device: torch.device,
) -> tuple[Region, ...]:
    """The regions to paint: those given, or the whole picture in one style."""
    if regions:
        return tuple(regions)
    if style is None:
        raise OptionError("There is nothing to paint with: give a style, or regions with styles.")
    source = Painting(style.to(device)) if isinstance(style, Tensor) else style
    return (Region(source, strength),)


@dataclass(frozen=True)
class Canvas:
    """A photograph at one scale, and what is painted over it.

    Attributes:
        content: at this scale, without the margin.
        free: 1 where pixels may change and 0 where they are kept, with the margin; None for all.
        held: 1 where the photograph is held to, without the margin; None for everywhere.
    """

    content: Picture
    regions: tuple[Region, ...]
    free: Float[Tensor, "1 1 mh mw"] | None
    held: Float[Tensor, "h w"] | None

    @staticmethod
    def of(content: Picture, regions: Sequence[Region]) -> Canvas:
        """The photograph and its regions, their masks at the canvas's size."""
        height, width = content.shape[-2:]
        placed = tuple(_placed(region, height, width, content.device) for region in regions)
        kept = [r.mask for r in placed if r.style is None and r.mask is not None]
        free = 1 - torch.stack(kept).sum(0).clamp(0, 1) if kept else None
        held = Reach.of(placed, with_margin(content)).held
        within = None if held is None else cut_margin(held[None, None])[0, 0]
        return Canvas(content, placed, free, within)

    def seen(self, canvas: Tensor) -> Tensor:
        """The canvas with the photograph's own pixels wherever they are kept."""
        if self.free is None:
            return canvas
        photograph = with_margin(self.content)
        return photograph + self.free * (canvas - photograph)

    def finished(self, picture: Tensor) -> Tensor:
        """The same of a picture without its margin."""
        return picture if self.free is None else cut_margin(self.seen(with_margin(picture)))


def _placed(region: Region, height: int, width: int, device: torch.device) -> Region:
    if region.mask is None:
        return region
    return replace(region, mask=mask_on(region.mask.to(device), height, width))


def paint_photograph(
    content: Picture,
    regions: Sequence[Region],
    engine: Engine,
    config: PhotoConfig,
    extractor: Extractor,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    rounds: int = 1,
) -> Iterator[Step]:
    """Paint a photograph's regions with an engine, scale after scale.

    Args:
        regions: none of them empty; their masks sum to one.
        rounds: how often each scale is gone through; an engine finds its targets anew each time.
    """
    sides = [side for side in scale_schedule(config.size, config.smallest) for _ in range(rounds)]
    scales = [fit(content, side) for side in sides]
    counts = iterations_of(config.length, len(scales))
    detailed = config.init == "content" and start is None and _holds(regions, config)
    problems = [
        partial(_problem, Canvas.of(scaled, regions), engine, config, extractor, count, detailed)
        for scaled, count in zip(scales, counts, strict=True)
    ]
    work = [scaled[0, 0].numel() * float(n) for scaled, n in zip(scales, counts, strict=True)]
    first = _start(scales[0], config) if start is None else start.to(content.device)
    first = with_margin(resize(first, *scales[0].shape[-2:]))
    steps = solve(first, problems, work, settings_of(config))
    yield from _finished(without_margin(steps), [Canvas.of(s, regions) for s in scales])


def _finished(steps: Iterator[Step], canvases: Sequence[Canvas]) -> Iterator[Step]:
    for step in steps:
        canvas = canvases[step.scale - 1]
        yield replace(step, image=partial(_kept, step.image, canvas))


def _kept(image: Callable[[], Tensor], canvas: Canvas) -> Tensor:
    return canvas.finished(image()).contiguous()


def _holds(regions: Sequence[Region], config: PhotoConfig) -> bool:
    """Whether the photograph is held anywhere: else its detail has no place in the picture."""
    painted = [region for region in regions if region.style is not None]
    return config.content_weight > 0 and any(region.strength < 1 for region in painted)


def _start(content: Picture, config: PhotoConfig) -> Picture:
    if config.init == "noise":
        return torch.rand(content.shape, generator=generator(config.seed)).to(content.device)
    if config.init == "grey":
        return torch.full_like(content, 0.5)
    return content


def _problem(
    canvas: Canvas,
    engine: Engine,
    config: PhotoConfig,
    extractor: Extractor,
    iterations: int,
    detailed: bool,
    before: Tensor,
) -> Problem:
    content = canvas.content
    size = content.shape[-2:]
    first = with_detail(before, content, canvas.held) if detailed else enlarged(before, *size)
    photograph = with_margin(content)
    layers = {*layer_weights(config.content_layers), *engine.layers}
    with torch.no_grad():
        targets, current = extractor(photograph, layers), extractor(canvas.seen(first), layers)
    side = max(1, round(max(content.shape[-2:]) * config.stroke))
    areas = list(situations(canvas.regions, side, extractor, targets, current))
    terms = [
        *content_terms(areas, config),
        *style_terms(areas, engine, config),
        *pixel_terms(photograph, config, reach=Reach.of(canvas.regions, photograph)),
    ]

    def objective(image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        seen = canvas.seen(image)
        return evaluate(terms, seen, extractor(seen, layers))

    return Problem(first, iterations, objective)
