"""A few evaluations of the loss of `gatys`, from the picture that `instant` paints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.memory import MemoryPlan
from impasto.config.methods import QuickConfig
from impasto.engine.photograph import paint_photograph
from impasto.engine.regions import Region
from impasto.engine.setup import prepared
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.step import Step
from impasto.engine.workload import Workload, photo_workload
from impasto.features.extractor import Extractor
from impasto.image.picture import resize
from impasto.methods.gatys import engine_of
from impasto.methods.refine import RefineWorkload, painted_at_once
from impasto.styles.statistics import Style

__all__ = ["between", "in_light_of", "quick", "quick_workload"]

# Bytes a pixel of the start, which is held until the last scale begins.
_PAINTED_AT_ONCE = 12


def quick(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: QuickConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    execution: Execution = DEFAULT_EXECUTION,
) -> Iterator[Step]:
    """Paint `content` in `style` at once, and improve that; yields after every evaluation.

    It starts from between that and the photograph, and each scale gets the detail of this start.

    Arguments and errors as in `gatys`, but for these.

    Args:
        extractor: the backbone of the losses; the network that paints at once always uses its own.
        start: the picture painted at once, if it exists already.
    """
    areas, config, extractor = prepared(style, regions, config or QuickConfig(), extractor)
    engine = engine_of(config)
    # A run that goes on needs it too, for the scales to come.
    painted = painted_at_once(content, areas, config) if start is None else start
    start = between(content, painted, areas)
    if config.region_color:
        start = in_light_of(start, painted, areas)
    yield from paint_photograph(
        content, areas, engine, config, extractor, start, execution, detail=start
    )


def between(
    photographs: Float[Tensor, "b 3 _ _"],
    painted: Float[Tensor, "b 3 h w"],
    regions: Sequence[Region],
) -> Float[Tensor, "b 3 h w"]:
    """Return pictures between photographs and what was painted of them: the stronger, the nearer.

    From what was painted alone few evaluations bring back neither an eye nor a light sky; from the
    photograph alone they leave its detail showing.
    """
    size = (painted.shape[-2], painted.shape[-1])
    photographs = resize(photographs.to(painted), *size)
    share = torch.zeros(())
    for region in regions:
        mask = 1.0 if region.mask is None else resize(region.mask.to(painted), *size)
        share = share + region.strength * mask
    return photographs.lerp(painted, share.to(painted))


def in_light_of(
    pictures: Float[Tensor, "b 3 h w"],
    painted: Float[Tensor, "b 3 h w"],
    regions: Sequence[Region],
) -> Float[Tensor, "b 3 h w"]:
    """Return pictures in which each part of a map has the mean colour of what was painted there.

    A mean colour is what a few evaluations change least. A single part stays as it is.
    """
    size = (pictures.shape[-2], pictures.shape[-1])
    change = painted - pictures
    masks = [r.mask for r in regions if r.mask is not None and r.style is not None]
    for part in masks if len(masks) > 1 else []:
        mask = resize(part.to(pictures), *size)
        mean = (mask * change).sum((2, 3), keepdim=True) / mask.sum().clamp(min=1)
        pictures = pictures + mask * mean
    return pictures.clamp(0, 1)


class _QuickWorkload(RefineWorkload):
    """The work of `instant+refine`, and a picture that is held besides."""

    def bytes(self, plan: MemoryPlan, itemsize: int) -> int:
        return super().bytes(plan, itemsize) + _PAINTED_AT_ONCE * self.pixels


def quick_workload(config: QuickConfig, height: int, width: int, **properties: Any) -> Workload:
    """Return what it takes; the arguments are those of `photo_workload`."""
    return _QuickWorkload(**vars(photo_workload(config, height, width, **properties)))
