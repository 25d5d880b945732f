"""Style transfer by matching features with their nearest neighbours (Kolkin et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jaxtyping import Float
from torch import Tensor

from impasto.config.methods import NnstConfig
from impasto.engine.nearest import nearest_engine
from impasto.engine.photograph import paint_photograph
from impasto.engine.regions import Region
from impasto.engine.setup import backbone_of, regions_of, with_layers
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.step import Step
from impasto.features.extractor import Extractor
from impasto.styles.statistics import Style

__all__ = ["nnst"]


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
    config = with_layers(config or NnstConfig())
    extractor = extractor or backbone_of(config)
    device = next(extractor.parameters()).device
    engine = nearest_engine(
        config.backbone, config.style_layers, config.content_mix, config.variety, config.palette
    )
    areas = regions_of(style, regions, config.strength, device)
    yield from paint_photograph(
        content, areas, engine, config, extractor, start, config.rounds, execution
    )
