"""Tasks that give a photograph a style: one for each of the engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PhotoConfig
from impasto.config.methods import LaplacianConfig, MatchingConfig
from impasto.engine.canvas import MARGIN
from impasto.engine.photograph import photo_scales
from impasto.engine.regions import Region
from impasto.engine.setup import with_layers
from impasto.engine.step import Step
from impasto.engine.workload import Scale, Workload, workload_of
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.image.picture import Picture, resize
from impasto.image.recolor import with_colours_of
from impasto.methods.gatys import gatys
from impasto.methods.laplacian import laplacian
from impasto.methods.mrf import mrf
from impasto.methods.nnst import nnst
from impasto.methods.refine import refine
from impasto.painting.common import method_of, network_of, recipe_of
from impasto.painting.inputs import read_picture
from impasto.painting.regions import plan_regions
from impasto.painting.sources import Sources, Task
from impasto.styles.blend import Blend
from impasto.styles.statistics import Painting, Style

__all__ = ["finished_photograph", "photograph_task"]

_PAINTERS: dict[str, Callable[..., Iterator[Step]]] = {
    "gatys": gatys,
    "nnst": nnst,
    "mrf": mrf,
    "instant+refine": refine,
    "laplacian": laplacian,
}


def photograph_task(
    sources: Sources, config: PhotoConfig, extractor: Extractor | None = None
) -> Task:
    """Read the pictures and the network, and write down the recipe.

    Args:
        extractor: the backbone, if it is loaded already.

    Raises:
        ImpastoError: whatever cannot be used, before any work is done.
    """
    if sources.content is None:
        raise OptionError("There is no photograph to paint: give CONTENT.")
    config = with_layers(config)
    extractor, network = network_of(config, sources, extractor)
    given = read_picture("content", sources.content, config, extractor)
    photograph = given.shown
    plan = plan_regions(sources, config, given, extractor, network)
    entries, start = [given.input, *plan.inputs], None
    if sources.init is not None:
        init = read_picture("init", sources.init, config, extractor)
        start, entries = init.shown, [*entries, init.input]
    run = partial(
        _PAINTERS[method_of(config)],
        photograph.pixels,
        None,
        config,
        regions=plan.regions,
        extractor=extractor,
        start=None if start is None else start.pixels,
    )
    finished = partial(finished_photograph, photograph, plan.keeps_colour)
    load = _load(config, plan.regions, photograph)
    return Task(recipe_of(config, entries, network), config, run, finished, load, extractor)


def _load(config: PhotoConfig, regions: Sequence[Region], photograph: Picture) -> Workload:
    rounds = config.rounds if isinstance(config, MatchingConfig) else 1
    stages = config.stage if isinstance(config, LaplacianConfig) else 1
    if isinstance(config, LaplacianConfig):  # each of its stages has half of the iterations
        config = replace(config, iterations=max(1, config.length // 2), epochs=0, steps=0)
    sizes, counts = photo_scales(config, photograph.height, photograph.width, rounds)
    scales = [Scale(*size, n, MARGIN) for size, n in zip(sizes, counts, strict=True)]
    masks = sum(region.mask is not None for region in regions)
    paintings = [painting for region in regions for painting in _paintings(region.style)]
    seen = max((_seen(painting, config) for painting in paintings), default=0)
    return workload_of(config, scales * stages, regions=masks, style_pixels=seen)


def _paintings(style: Style | None) -> list[Painting]:
    """Those of a style that are at hand."""
    parts = [share.style for share in style.shares] if isinstance(style, Blend) else [style]
    return [part for part in parts if isinstance(part, Painting)]


def _seen(painting: Painting, config: PhotoConfig) -> int:
    """Pixels of a painting when it is looked at as large as the result; it is never enlarged."""
    height, width = painting.pixels.shape[-2:]
    factor = min(1.0, config.size * config.stroke / max(height, width))
    return round(height * width * factor**2)


def finished_photograph(
    photograph: Picture,
    keeps_colour: Float[Tensor, "1 1 mh mw"] | float | None,
    pixels: Float[Tensor, "1 3 h w"],
) -> Picture:
    """The painted pixels with what is the photograph's own: kept colours, transparency."""
    size = pixels.shape[-2:]
    if keeps_colour is not None:
        coloured = with_colours_of(pixels, resize(photograph.pixels, *size))
        share = keeps_colour if isinstance(keeps_colour, float) else resize(keeps_colour, *size)
        pixels = pixels + share * (coloured - pixels)
    alpha = photograph.alpha
    return Picture(pixels, None if alpha is None else resize(alpha, *size))
