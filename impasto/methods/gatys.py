"""Style transfer by matching statistics (Gatys, Ecker and Bethge, CVPR 2016), coarse to fine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jaxtyping import Float
from torch import Tensor

from impasto.config.methods import GatysConfig
from impasto.engine.comparison import Engine
from impasto.engine.photograph import paint_photograph
from impasto.engine.regions import Region
from impasto.engine.setup import prepared
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.statistics import statistics_engine
from impasto.engine.step import Step
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.styles.statistics import Style

__all__ = ["engine_of", "gatys", "recurring_layers"]


def gatys(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: GatysConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    execution: Execution = DEFAULT_EXECUTION,
) -> Iterator[Step]:
    """Paint `content` in `style`; yields after every iteration and prints nothing.

    Args:
        content: a photograph in [0, 1], of any size; worked on at `config.size`.
        style: a painting in [0, 1], of any size, or a style card; not read if there are regions.
        config: every option.
        regions: parts of the picture with a style and a strength each, instead of one style.
        extractor: the backbone; by default the one that the config names.
        start: a picture to start from, instead of `config.init`.
        execution: the state to go on from, and the memory plan.

    Raises:
        OptionError: an unknown layer, or a picture too thin for the deepest one.
        DivergedError: no step was small enough.
    """
    areas, config, extractor = prepared(style, regions, config or GatysConfig(), extractor)
    engine = engine_of(config)
    yield from paint_photograph(content, areas, engine, config, extractor, start, execution)


def engine_of(config: GatysConfig) -> Engine:
    """Return the comparison of styles that the options describe; its layers are filled in."""
    return statistics_engine(config.style_layers, config.style_loss, recurring_layers(config))


def recurring_layers(config: GatysConfig) -> tuple[str, ...]:
    """Return the layers at which only what a painting has in several places is its style."""
    return () if config.subject == "paint" else BACKBONES[config.backbone].style[-1:]
