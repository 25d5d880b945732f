"""Style transfer by matching: features with their nearest neighbours, or patches of features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jaxtyping import Float
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.methods._nearest import nearest_engine
from impasto.methods._painter import backbone_of, paint_photograph, regions_of, with_layers
from impasto.methods._patches import patch_engine
from impasto.methods.configs import MrfConfig, NnstConfig
from impasto.methods.scene import Region
from impasto.methods.solver import Step
from impasto.methods.way import PLAIN, Way
from impasto.styles.statistics import Style

__all__ = ["mrf", "nnst"]


def nnst(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: NnstConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    way: Way = PLAIN,
) -> Iterator[Step]:
    """Paint so that every place looks like some place of the painting (Kolkin et al. 2022).

    Arguments and errors are those of `gatys`; besides, a style card has no places to look like.

    Raises:
        StyleError: a style card.
    """
    config = with_layers(config or NnstConfig())
    extractor = extractor or backbone_of(config)
    device = next(extractor.parameters()).device
    engine = nearest_engine(
        config.backbone, config.style_layers, config.content_mix, config.variety, config.palette
    )
    areas = regions_of(style, regions, config.strength, device)
    content = content.to(device)
    yield from paint_photograph(
        content, areas, engine, config, extractor, start, config.rounds, way
    )


def mrf(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: MrfConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    way: Way = PLAIN,
) -> Iterator[Step]:
    """Paint with patches of the painting's features (Li and Wand 2016).

    Arguments and errors are those of `gatys`; besides, a style card has no patches.

    Raises:
        StyleError: a style card.
    """
    config = with_layers(config or MrfConfig())
    extractor = extractor or backbone_of(config)
    device = next(extractor.parameters()).device
    engine = patch_engine(
        config.backbone,
        config.style_layers,
        config.patch,
        config.patch_stride,
        config.variety,
        config.palette,
    )
    areas = regions_of(style, regions, config.strength, device)
    content = content.to(device)
    yield from paint_photograph(
        content, areas, engine, config, extractor, start, config.rounds, way
    )
