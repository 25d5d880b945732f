"""Painting in any style in one pass through a network; nothing is optimised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.methods import InstantConfig
from impasto.engine.regions import Region
from impasto.engine.setup import backbone_of, regions_of
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution, Snapshot
from impasto.engine.step import Step
from impasto.features.extractor import Extractor
from impasto.image.picture import fitted, resize
from impasto.networks.brush import Brush
from impasto.networks.brush_painting import paint_with
from impasto.networks.instant import InstantNetwork
from impasto.networks.tiles import Picture
from impasto.styles.statistics import Style

__all__ = ["fitted_photograph", "instant", "paint_once"]


def instant(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: InstantConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    network: InstantNetwork | None = None,
    execution: Execution = DEFAULT_EXECUTION,  # noqa: ARG001
) -> Iterator[Step]:
    """Paint `content` in `style` at once; yields a single step.

    Args:
        content: a photograph in [0, 1], of any size; painted at `config.size`.
        style: a painting in [0, 1], or a style card; not read if there are regions.
        config: every option.
        regions: parts of the picture with a style and a strength each, instead of one style.
        extractor: `compact`; by default in the precision that the config names.
        network: what paints; by default the one that comes with the package.
        execution: not read, as there is one step only; every method takes it.
    """
    config = config or InstantConfig()
    extractor = extractor or backbone_of(config)
    photograph = fitted_photograph(content, config.size, extractor)
    areas = regions_of(style, regions, config.strength, photograph.device)
    long_side = round(max(photograph.shape[-2:]) * config.stroke)
    encode = partial(Brush.of, long_side=long_side, extractor=extractor, network=network)
    yield from paint_once(photograph, areas, encode, extractor)


def fitted_photograph(
    content: Float[Tensor, "1 3 h w"], size: int, extractor: Extractor
) -> Float[Tensor, "1 3 _ _"]:
    """Return a photograph at the size of the result, on the extractor's device."""
    photograph = content.to(next(extractor.parameters()).device)
    height, width = fitted(content.shape[-2], content.shape[-1], size)
    if content.shape[-2:] == (height, width):
        return photograph
    return resize(photograph, height, width)


def paint_once(
    photograph: Float[Tensor, "1 3 _ _"],
    regions: Sequence[Region],
    encode: Callable[[Style, float], Brush],
    extractor: Extractor,
) -> Iterator[Step]:
    """Paint a photograph, of the size of the result and on the extractor's device; one step.

    Args:
        encode: makes a brush of a style and a strength.
    """
    painted = _painted(photograph, regions, encode, extractor)
    height, width = photograph.shape[-2:]
    yield Step(
        1, 1, width, height, 1, 1, 1.0, {}, lambda: painted, lambda: Snapshot({"picture": painted})
    )


def _painted(
    photograph: Picture,
    regions: Sequence[Region],
    encode: Callable[[Style, float], Brush],
    extractor: Extractor,
) -> Picture:
    """Paint each region, and combine them by their masks."""
    picture = torch.zeros_like(photograph)
    for region in regions:
        mask = (
            None
            if region.mask is None
            else resize(region.mask.to(photograph), *photograph.shape[-2:])
        )
        part = photograph
        if region.style is not None and region.strength > 0:
            brush = encode(region.style, region.strength)
            part = paint_with(brush, photograph, extractor, mask)
        picture += part if mask is None else mask * part
    return picture
