"""Style transfer by matching features with their nearest neighbours (Kolkin et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from impasto.config.methods import NnstConfig
from impasto.config.specs import layer_weights
from impasto.engine.nearest import CELL, nearest_engine
from impasto.engine.photograph import paint_photograph
from impasto.engine.regions import Region
from impasto.engine.setup import prepared
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.step import Step
from impasto.engine.workload import INDEX, Matching, Workload, layer_infos, photo_workload
from impasto.features.extractor import Extractor
from impasto.styles.statistics import Style

__all__ = ["nnst", "nnst_workload"]

# Bytes that are stored of each position while a scale runs: of each layer two numbers, and what
# each of them should change.
_COMPARED = 200.0


def nnst(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: NnstConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    execution: Execution = DEFAULT_EXECUTION,
) -> Iterator[Step]:
    """Paint so that each position looks like some position of the painting.

    Arguments and errors as in `gatys`.

    Raises:
        StyleError: a style card, which has no positions.
    """
    areas, config, extractor = prepared(style, regions, config or NnstConfig(), extractor)
    engine = nearest_engine(config)
    yield from paint_photograph(content, areas, engine, config, extractor, start, execution)


def nnst_workload(config: NnstConfig, height: int, width: int, **properties: Any) -> Workload:
    """Return what it takes; the arguments are those of `photo_workload`."""
    return photo_workload(config, height, width, matching=_matching(config), **properties)


def _matching(config: NnstConfig) -> Matching | None:
    """Return what it takes to match all layers together, of the picture and the photograph."""
    infos = layer_infos(config.backbone, layer_weights(config.style_layers))
    if not infos:
        return None
    channels = sum(info.channels for info in infos)
    cell = min((info.stride for info in infos if info.stride >= CELL), default=CELL)
    return Matching(cell, channels, 2.0 * channels, 4.0 * INDEX, _COMPARED)
