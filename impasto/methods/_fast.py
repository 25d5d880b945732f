"""Styles that a network was trained for: a photograph goes through it once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.methods._instant import Brush, at_once, shown
from impasto.methods._painter import backbone_of, regions_of
from impasto.methods.configs import FastConfig
from impasto.methods.scene import Region
from impasto.methods.solver import Step
from impasto.methods.way import PLAIN, Way
from impasto.networks.instant import LEVELS, STYLE_LAYERS
from impasto.networks.trained import TrainedStyle
from impasto.networks.transport import Target
from impasto.styles.blend import Blend
from impasto.styles.statistics import Style

__all__ = ["brush_of", "fast"]


def fast(
    content: Float[Tensor, "1 3 h w"],
    style: Style | None,
    config: FastConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    way: Way = PLAIN,  # noqa: ARG001
) -> Iterator[Step]:
    """Paint `content` in a style that was trained for, at once; yields a single step.

    Args:
        content: a photograph in [0, 1], of any size; painted at `config.size`.
        style: a `TrainedStyle`, or a blend of several of one file; not read if there are regions.
        config: every option.
        regions: parts of the picture with a style and a strength each, instead of one style.
        extractor: `compact`; by default in the precision that the config names.
        way: as every method has it; of one step there is nothing to go on with.

    Raises:
        OptionError: a style that no network was trained for, or a blend of two files' styles.
    """
    config = config or FastConfig()
    extractor = extractor or backbone_of(config)
    photograph = shown(content, config.size, extractor)
    areas = regions_of(style, regions, config.strength, photograph.device)
    yield from at_once(photograph, areas, partial(brush_of, extractor=extractor), extractor)


@torch.no_grad()
def brush_of(style: Style, strength: float, extractor: Extractor) -> Brush:
    """What paints in a style that was trained for, or between several.

    Args:
        extractor: `compact`, on the device and in the precision to paint with.

    Raises:
        OptionError: a style that no network was trained for, or a blend of two files' styles.
    """
    styles, weights = _parts(style)
    network = styles[0].trained.network
    numbers = [one.number for one in styles]
    steering = network.blended([one.summary for one in styles], strength, numbers, weights)
    like = next(extractor.parameters())
    found = style.at(0, extractor, list(STYLE_LAYERS))
    goals = {name: Target.of(found[name]).to(like.device) for name in LEVELS}
    return Brush(network.base.decoder(steering, like), goals, strength)


def _parts(style: Style) -> tuple[list[TrainedStyle], list[float]]:
    """The styles of a blend, and their weights."""
    shares = [(s.style, s.weight) for s in style.shares] if isinstance(style, Blend) else []
    parts = shares or [(style, 1.0)]
    if isinstance(style, Blend) and any(share.layers != "all" for share in style.shares):
        raise OptionError(
            "--method fast blends whole styles: leave :fine and :coarse out, or take another "
            "method."
        )
    styles = [one for one, _ in parts if isinstance(one, TrainedStyle)]
    if len(styles) < len(parts):
        raise OptionError(
            "--method fast paints in styles that a network was trained for, and one of these is "
            "none. Train it first (`impasto train`), or take --method instant."
        )
    if len({id(one.trained.network) for one in styles}) > 1:
        raise OptionError(
            "Only styles of one file can be blended, as one network paints them. Train them "
            "together: `impasto train a.jpg b.jpg`."
        )
    return styles, [weight for _, weight in parts]
