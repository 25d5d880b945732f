"""Optimising statistics as `gatys` does, from the picture that `instant` paints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from jaxtyping import Float
from torch import Tensor

from impasto.config.memory import MemoryPlan
from impasto.config.methods import InstantConfig, RefineConfig
from impasto.engine.regions import Region
from impasto.engine.setup import prepared
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.step import Step, last
from impasto.engine.workload import Workload, photo_workload
from impasto.features.extractor import Extractor
from impasto.features.sources import digest
from impasto.methods.gatys import gatys
from impasto.methods.instant import bytes_at_once, instant, instant_digest
from impasto.styles.statistics import Style

__all__ = ["RefineWorkload", "painted_at_once", "refine", "refine_digest", "refine_workload"]


def refine(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: RefineConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    execution: Execution = DEFAULT_EXECUTION,
) -> Iterator[Step]:
    """Paint `content` in `style` at once, and optimise that; yields after every iteration.

    Arguments and errors as in `gatys`, but for these.

    Args:
        extractor: the backbone of the losses; the network that paints at once always uses its own.
        start: the picture painted at once, if it exists already.
    """
    areas, config, extractor = prepared(style, regions, config or RefineConfig(), extractor)
    if execution.snapshot is not None:
        start = content  # not read: the state has the pixels to go on from
    elif start is None:
        start = painted_at_once(content, areas, config)
    yield from gatys(
        content, None, config, regions=areas, extractor=extractor, start=start, execution=execution
    )


def painted_at_once(
    content: Float[Tensor, "1 3 h w"], regions: Sequence[Region], config: RefineConfig
) -> Float[Tensor, "1 3 _ _"]:
    """Return the picture painted at once, with the same options."""
    options = {spec.name: getattr(config, spec.name) for spec in fields(InstantConfig)}
    return last(instant(content, None, InstantConfig(**options), regions=regions)).image()


class RefineWorkload(Workload):
    """The work of an optimiser, and a pass through a network before it."""

    def bytes(self, plan: MemoryPlan, itemsize: int) -> int:
        """Return the memory of whichever of both takes more."""
        return max(super().bytes(plan, itemsize), bytes_at_once(self.pixels))


def refine_workload(config: RefineConfig, height: int, width: int, **properties: Any) -> Workload:
    """Return what it takes; the arguments are those of `photo_workload`."""
    return RefineWorkload(**vars(photo_workload(config, height, width, **properties)))


def refine_digest(backbone_digest: str, config: RefineConfig) -> str:
    """Return the digest of the backbone and of all that paints at once: pixels depend on each."""
    return instant_digest(f"{backbone_digest} {digest(InstantConfig().eye)}", config)
