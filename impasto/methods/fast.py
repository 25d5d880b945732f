"""Painting in styles that a network was trained for, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from jaxtyping import Float
from torch import Tensor

from impasto.config.methods import FastConfig
from impasto.engine.regions import Region
from impasto.engine.setup import prepared
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.step import Step
from impasto.features.extractor import Extractor
from impasto.methods.instant import fitted_photograph, paint_once
from impasto.networks.brushes import trained_brushes
from impasto.styles.statistics import Style

__all__ = ["fast"]


def fast(
    content: Float[Tensor, "1 3 h w"],
    style: Style | None,
    config: FastConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    execution: Execution = DEFAULT_EXECUTION,  # noqa: ARG001
) -> Iterator[Step]:
    """Paint `content` in a style that was trained for, at once; yields a single step.

    Arguments as in `instant`, but for this.

    Args:
        style: a `TrainedStyle`, or a blend of several of one file; not read if there are regions.

    Raises:
        OptionError: a style that no network was trained for, or a blend of two files' styles.
    """
    areas, config, extractor = prepared(style, regions, config or FastConfig(), extractor)
    photograph = fitted_photograph(content, config.size, extractor)
    yield from paint_once(
        photograph, areas, partial(trained_brushes, extractor=extractor), extractor
    )
