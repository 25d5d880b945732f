"""The task of painting from a map of colours: the map, a painting and the painting's map."""

from __future__ import annotations

import math
from functools import partial

from impasto.config.methods import DoodleConfig
from impasto.config.specs import layer_weights
from impasto.engine.canvas import MARGIN
from impasto.engine.regions import Region
from impasto.engine.setup import with_layers
from impasto.engine.workload import Scale, workload_of
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.plan import layers as describe
from impasto.image.labels import LabelMap, matched
from impasto.image.masks import masks
from impasto.image.picture import Picture, fitted
from impasto.methods.doodle import doodle as draw
from impasto.methods.doodle import doodle_scales
from impasto.painting.common import network_of, recipe_of
from impasto.painting.inputs import LoadedInput, read_map, read_picture, read_style
from impasto.painting.regions import tell_size
from impasto.painting.sources import Sources, Task, opaque
from impasto.styles.statistics import LEAST_CELLS, Painting

__all__ = ["doodle_task"]


def doodle_task(sources: Sources, config: DoodleConfig, extractor: Extractor | None = None) -> Task:
    """Read the maps, the painting and the network, and write down the recipe.

    Raises:
        ImpastoError: whatever cannot be used, before any work is done.
    """
    if sources.content_map is None or len(sources.styles) != 1 or len(sources.style_maps) != 1:
        raise OptionError("A doodle takes one map, one painting, and one map of that painting.")
    config = with_layers(config)
    extractor, network = network_of(config, sources, extractor)
    drawn = read_map("content-map", sources.content_map)
    read_picture("content-map", sources.content_map, config, extractor)  # refuses one too thin
    given = read_style(sources.styles[0].source, config, extractor, network)
    painting = _pixels_of(given)
    over = read_map("style-map", sources.style_maps[0])
    tell_size("style map", over, given.size)
    labels, theirs = matched(drawn.labels, over.labels)
    width, height = drawn.size
    regions = _regions(labels, theirs, painting, fitted(height, width, config.size))
    _check_sizes(regions, config, extractor)
    run = partial(draw, regions, config, height=height, width=width, extractor=extractor)
    recipe = recipe_of(config, [drawn.input, given.input, over.input], network)
    sizes, counts = doodle_scales(config, height, width)
    scales = [Scale(*size, n, MARGIN) for size, n in zip(sizes, counts, strict=True)]
    seen = math.prod(painting.pixels.shape[-2:])
    load = workload_of(config, scales, regions=len(regions), style_pixels=seen)
    return Task(recipe, config, run, opaque, load, extractor)


def _pixels_of(given: LoadedInput) -> Picture:
    if given.picture is None:
        raise OptionError(
            f"A doodle takes parts of a painting, and {given.input.name!r} is a style card, which "
            "has none. Give the painting's file."
        )
    return given.picture


def _regions(
    ours: LabelMap, theirs: LabelMap, painting: Picture, size: tuple[int, int]
) -> tuple[Region, ...]:
    """A region for each colour: where it is in the picture, and in the painting."""
    # A map of fewer pixels than the picture has steps along its slants: they are smoothed.
    step = max(size) / max(ours.labels.shape)
    placed = masks(ours, *size, feather=2 * step if step > 1 else 0.0)
    found = masks(theirs, painting.height, painting.width)
    regions = []
    for i, colour in enumerate(ours.colours):
        j = theirs.colours.index(colour)
        style = Painting(painting.pixels, found[j : j + 1])
        regions.append(Region(style, 1.0, placed[i : i + 1], colour))
    return tuple(regions)


def _check_sizes(regions: tuple[Region, ...], config: DoodleConfig, extractor: Extractor) -> None:
    """Refuse a region of the picture or of the painting that no layer can see.

    Raises:
        OptionError: it has fewer pixels than a few cells of the finest layer.
    """
    names = layer_weights(config.style_layers)
    finest = min(i.stride for i in describe(extractor.plan) if i.name in names)
    for region in regions:
        assert isinstance(region.style, Painting)
        for what, mask in (("map", region.mask), ("painting's map", region.style.mask)):
            pixels = 0.0 if mask is None else float(mask.sum())
            if pixels < LEAST_CELLS * finest**2:
                raise OptionError(
                    f"The colour {region.name} has {pixels:.0f} pixels of the {what} at this size, "
                    "too few for the network to see anything in. Draw it larger, or take a larger "
                    "--size."
                )
