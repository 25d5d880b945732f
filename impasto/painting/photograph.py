"""Tasks that optimise a photograph's pixels, and how a painted photograph is finished."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PhotoConfig
from impasto.config.methods import RefineConfig, method_of
from impasto.engine.regions import Region
from impasto.engine.setup import with_layers
from impasto.engine.workload import Workload
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.image.picture import Picture, resize
from impasto.image.recolor import with_colours_of
from impasto.networks.checkpoint import load_version
from impasto.painting.common import network_of, recipe_of
from impasto.painting.inputs import read_picture
from impasto.painting.regions import plan_regions
from impasto.painting.sources import Sources
from impasto.painting.task import Task
from impasto.styles.blend import Blend
from impasto.styles.statistics import Painting, Style

__all__ = ["finished_photograph", "photograph_task", "refine_task"]


def photograph_task(
    sources: Sources, config: PhotoConfig, extractor: Extractor | None = None
) -> Task:
    """Read the pictures and the network, and make the recipe.

    Args:
        extractor: the backbone, if it is loaded already.

    Raises:
        ImpastoError: anything that cannot be used, before any work is done.
    """
    if sources.content is None:
        raise OptionError("There is no photograph to paint: name one.")
    config = with_layers(config)
    extractor, digest = network_of(config, sources, extractor)
    content = read_picture("content", sources.content, config, extractor)
    photograph = content.picture
    planned = plan_regions(sources, config, content, extractor, digest)
    inputs, start = [content.input, *planned.inputs], None
    if sources.init is not None:
        init = read_picture("init", sources.init, config, extractor)
        start, inputs = init.picture, [*inputs, init.input]
    run = partial(
        method_of(config).paint,
        photograph.pixels,
        None,
        config,
        regions=planned.regions,
        extractor=extractor,
        start=None if start is None else start.pixels,
    )
    finish = partial(finished_photograph, photograph, planned.keeps_colour)
    workload = _workload(config, planned.regions, photograph)
    return Task(recipe_of(config, inputs, digest), config, run, finish, workload, extractor)


def refine_task(sources: Sources, config: RefineConfig, extractor: Extractor | None = None) -> Task:
    """Do the same for the method that starts from what was painted at once.

    Raises:
        ImpastoError: anything that cannot be used, before any work is done.
    """
    if sources.init is not None:
        raise config.another_start()
    task = photograph_task(sources, config, extractor)
    load_version(config.network)  # fails before any work is done
    return task


def _workload(config: PhotoConfig, regions: Sequence[Region], photograph: Picture) -> Workload:
    paintings = [painting for region in regions for painting in _paintings(region.style)]
    workload: Workload = method_of(config).workload(
        config,
        photograph.height,
        photograph.width,
        regions=sum(region.mask is not None for region in regions),
        style_pixels=max((_pixels(painting, config) for painting in paintings), default=0),
    )
    return workload


def _paintings(style: Style | None) -> list[Painting]:
    """Return the paintings whose pixels a style has."""
    parts = [share.style for share in style.shares] if isinstance(style, Blend) else [style]
    return [part for part in parts if isinstance(part, Painting)]


def _pixels(painting: Painting, config: PhotoConfig) -> int:
    """Count a painting's pixels where it is as large as the result; it is never enlarged."""
    height, width = painting.pixels.shape[-2:]
    factor = min(1.0, config.size * config.stroke / max(height, width))
    return round(height * width * factor**2)


def finished_photograph(
    photograph: Picture,
    keeps_colour: Float[Tensor, "1 1 mh mw"] | float | None,
    pixels: Float[Tensor, "1 3 h w"],
) -> Picture:
    """Return painted pixels with what stays the photograph's.

    That is its transparency, its metadata, and its colours if they are kept.
    """
    size = pixels.shape[-2:]
    if keeps_colour is not None:
        coloured = with_colours_of(pixels, resize(photograph.pixels, *size))
        share = keeps_colour if isinstance(keeps_colour, float) else resize(keeps_colour, *size)
        pixels = pixels + share * (coloured - pixels)
    alpha = photograph.alpha
    alpha = None if alpha is None else resize(alpha, *size)
    return Picture(pixels, alpha, photograph.metadata)
