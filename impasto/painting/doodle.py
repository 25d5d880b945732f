"""The task of painting from a map of colours: the map, a painting and the painting's map."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.plan import layers as describe
from impasto.image.files import Picture, fitted
from impasto.image.labels import LabelMap, matched
from impasto.image.masks import masks
from impasto.methods import doodle as draw
from impasto.methods._canvas import MARGIN
from impasto.methods._doodle import doodle_scales
from impasto.methods._painter import with_layers
from impasto.methods.choices import layer_weights
from impasto.methods.configs import DoodleConfig
from impasto.methods.given import from_given
from impasto.methods.loads import Scale, load_of
from impasto.methods.scene import Region
from impasto.painting.photograph import network_of, recipe_of
from impasto.painting.planned import painted
from impasto.painting.reading import Given, read_map, read_picture, read_style
from impasto.painting.regions import tell_size
from impasto.painting.task import Source, Sources, Task, opaque
from impasto.styles.statistics import LEAST_CELLS, Painting

__all__ = ["doodle", "doodle_task"]


def doodle(
    map: Source,
    style: Source,
    style_map: Source,
    *,
    memory: str | None = None,
    **options: Any,
) -> Image.Image:
    """Paint a picture from a map of colours, each as the part of a painting that has it.

    Args:
        map: a drawing in a few flat colours: a file or a Pillow image.
        style: a painting: a file or a Pillow image.
        style_map: a drawing over the painting, in the same colours.
        memory: how much the process may hold, as in `stylize`.
        options: fields of `DoodleConfig`, such as `size=1024` or `engine="patches"`; besides,
            `weights` may be a file.

    Returns:
        An 8-bit picture in the map's proportions, with the recipe as JSON in `.info["impasto"]`.

    Raises:
        ImpastoError: whatever cannot be used or done.
    """
    weights = options.pop("weights", None)
    sources = Sources.of(
        None,
        style,
        content_map=map,
        style_maps=(style_map,),
        weights=None if weights is None else Path(weights),
    )
    return painted(doodle_task(sources, from_given(DoodleConfig, options)), memory)


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
    load = load_of(config, scales, regions=len(regions), style_pixels=seen)
    return Task(recipe, config, run, opaque, load, extractor)


def _pixels_of(given: Given) -> Picture:
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
