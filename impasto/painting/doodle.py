"""The task of painting from a map of colours: the map, a painting and the painting's map."""

from __future__ import annotations

import math
from functools import partial

from impasto.config.methods import DoodleConfig, method_of
from impasto.config.specs import layer_weights
from impasto.engine.regions import Region
from impasto.engine.setup import with_layers
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.plan import layers as describe
from impasto.image.labels import LabelMap, matched
from impasto.image.masks import masks
from impasto.image.picture import Picture, fitted
from impasto.painting.common import network_of, recipe_of
from impasto.painting.inputs import LoadedStyle, read_map, read_picture, read_style
from impasto.painting.kinds import without_parts
from impasto.painting.shapes import check_map
from impasto.painting.sources import Sources
from impasto.painting.task import Task, opaque
from impasto.styles.statistics import LEAST_CELLS, Painting

__all__ = ["doodle_task"]


def doodle_task(sources: Sources, config: DoodleConfig, extractor: Extractor | None = None) -> Task:
    """Read the maps, the painting and the network, and make the recipe.

    Raises:
        ImpastoError: anything that cannot be used, before any work is done.
    """
    if sources.content_map is None or len(sources.styles) != 1 or len(sources.style_maps) != 1:
        raise OptionError("A doodle takes one map, one painting, and one map of that painting.")
    config = with_layers(config)
    method = method_of(config)
    extractor, digest = network_of(config, sources, extractor)
    map = read_map("content-map", sources.content_map)
    read_picture("content-map", sources.content_map, config, extractor)  # refuses one too thin
    style = read_style(sources.styles[0].source, config, extractor, digest)
    painting = _painting(style)
    style_map = read_map("style-map", sources.style_maps[0])
    check_map("style map", style_map.size, "painting", style.size)
    labels, style_labels = matched(map.labels, style_map.labels)
    width, height = map.size
    regions = _regions(labels, style_labels, painting, fitted(height, width, config.size))
    _check_sizes(regions, config, extractor)
    run = partial(method.paint, regions, config, height=height, width=width, extractor=extractor)
    recipe = recipe_of(config, [map.input, style.input, style_map.input], digest)
    workload = method.workload(
        config,
        height,
        width,
        regions=len(regions),
        style_pixels=math.prod(painting.pixels.shape[-2:]),
    )
    return Task(recipe, config, run, opaque, workload, extractor)


def _painting(style: LoadedStyle) -> Picture:
    if style.picture is None:
        raise without_parts(style.input.name)
    return style.picture


def _regions(
    labels: LabelMap, style_labels: LabelMap, painting: Picture, size: tuple[int, int]
) -> tuple[Region, ...]:
    """Return a region for each colour: where it is in the picture, and in the painting."""
    # A map of fewer pixels than the picture has steps along its slants: they are smoothed.
    step = max(size) / max(labels.labels.shape)
    places = masks(labels, *size, feather=2 * step if step > 1 else 0.0)
    parts = masks(style_labels, painting.height, painting.width)
    regions = []
    for i, colour in enumerate(labels.colours):
        j = style_labels.colours.index(colour)
        style = Painting(painting.pixels, parts[j : j + 1], painting.alpha)
        regions.append(Region(style, 1.0, places[i : i + 1], colour))
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
