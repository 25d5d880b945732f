"""A few evaluations of the loss of `gatys`, from the picture that `instant` paints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from impasto.config.memory import MemoryPlan
from impasto.config.methods import QuickConfig
from impasto.engine.photograph import paint_photograph
from impasto.engine.regions import Region
from impasto.engine.setup import prepared
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.statistics import statistics_engine
from impasto.engine.step import Step
from impasto.engine.workload import Workload, photo_workload
from impasto.features.extractor import Extractor
from impasto.methods.refine import RefineWorkload, painted_at_once
from impasto.styles.statistics import Style

__all__ = ["quick", "quick_workload"]

# Bytes a pixel of the picture painted at once, which is held until the last scale begins.
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

    Each scale gets the detail of the picture painted at once, and not the photograph's as in
    `gatys`: few evaluations would not be enough to paint that over.

    Arguments and errors as in `gatys`, but for these.

    Args:
        extractor: the backbone of the losses; the network that paints at once always uses its own.
        start: the picture painted at once, if it exists already.
    """
    areas, config, extractor = prepared(style, regions, config or QuickConfig(), extractor)
    engine = statistics_engine(config.style_layers, config.style_loss)
    # A run that goes on needs it too, for the scales to come.
    start = painted_at_once(content, areas, config) if start is None else start
    yield from paint_photograph(
        content, areas, engine, config, extractor, start, execution, detail=start
    )


class _QuickWorkload(RefineWorkload):
    """The work of `instant+refine`, and a picture that is held besides."""

    def bytes(self, plan: MemoryPlan, itemsize: int) -> int:
        return super().bytes(plan, itemsize) + _PAINTED_AT_ONCE * self.pixels


def quick_workload(config: QuickConfig, height: int, width: int, **properties: Any) -> Workload:
    """Return what it takes; the arguments are those of `photo_workload`."""
    return _QuickWorkload(**vars(photo_workload(config, height, width, **properties)))
