"""Style transfer with patches of features (Li and Wand 2016)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from impasto.config.methods import MrfConfig
from impasto.engine.patches import patch_engine
from impasto.engine.photograph import paint_photograph
from impasto.engine.regions import Region
from impasto.engine.setup import prepared
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.step import Step
from impasto.engine.workload import Workload, patch_matching, photo_workload
from impasto.features.extractor import Extractor
from impasto.styles.statistics import Style

__all__ = ["mrf", "mrf_workload"]


def mrf(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: MrfConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    execution: Execution = DEFAULT_EXECUTION,
) -> Iterator[Step]:
    """Paint with patches of the painting's features; arguments and errors as in `gatys`.

    Raises:
        StyleError: a style card, which has no patches.
    """
    areas, config, extractor = prepared(style, regions, config or MrfConfig(), extractor)
    engine = patch_engine(config)
    yield from paint_photograph(content, areas, engine, config, extractor, start, execution)


def mrf_workload(
    config: MrfConfig, height: int, width: int, *, regions: int = 0, **properties: Any
) -> Workload:
    """Return what it takes; the arguments are those of `photo_workload`."""
    properties |= {"regions": regions, "matching": patch_matching(config, config.patch, regions)}
    return photo_workload(config, height, width, **properties)
