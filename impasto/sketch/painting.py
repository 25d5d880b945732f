"""The task of colouring a sketch: a drawing, a picture, and which part goes to which area."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PhotoConfig
from impasto.config.methods import METHODS, InstantConfig, method_of
from impasto.config.recipe import Input
from impasto.config.sizes import MOST
from impasto.config.sketch import SketchConfig
from impasto.engine.regions import Region
from impasto.engine.setup import with_layers
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution, Snapshot
from impasto.engine.step import Step
from impasto.engine.workload import Workload
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.image.labels import LabelMap
from impasto.image.labels import matched as matched_colours
from impasto.image.metadata import Metadata
from impasto.image.picture import Picture, fit, fitted, resize
from impasto.image.transparency import on_white
from impasto.painting.common import network_of, recipe_of
from impasto.painting.inputs import LoadedStyle, read_map, read_picture, read_style
from impasto.painting.kinds import card_file
from impasto.painting.shapes import check_map
from impasto.painting.sources import Sources
from impasto.painting.task import Task
from impasto.sketch.areas import areas_of
from impasto.sketch.colouring import coloured, with_lines
from impasto.sketch.drawing import LOOK, Drawing, drawing_of, reduced
from impasto.sketch.matching import matched, with_pairs
from impasto.sketch.parts import PARTS_LOOK, Parts, parts_of_drawing, parts_of_map, parts_of_picture
from impasto.sketch.signature import read_found
from impasto.styles.statistics import Painting

__all__ = ["SketchPlan", "engine_config", "plan_sketch", "sketch", "sketch_digest",
           "sketch_layers", "sketch_task", "sketch_workload"]  # fmt: skip


@dataclass(frozen=True)
class SketchPlan:
    """What is painted where.

    Attributes:
        drawing: its lines and strokes, as its areas were found in them.
        lines: the same as large as the result, if that is larger.
        areas, parts: of the drawing and of the picture.
        pairs: by area, its part; None for white paper.
        pixels: the picture, sRGB (h, w, 3) in [0, 1], mirrored if it is to be.
        size: the height and width of the drawing.
        inputs: entries in the recipe.
        metadata: the drawing's own.
    """

    drawing: Drawing
    lines: Float[Tensor, "h w"]
    areas: Parts
    parts: Parts
    pairs: list[int | None]
    pixels: np.ndarray
    size: tuple[int, int]
    inputs: tuple[Input, ...]
    metadata: Metadata


def sketch_task(sources: Sources, config: SketchConfig, extractor: Extractor | None = None) -> Task:
    """Read the drawing, the picture and the network, and make the recipe.

    Raises:
        ImpastoError: anything that cannot be used, before any work is done.
    """
    config = with_layers(config)
    extractor, digest = network_of(config, sources, extractor)
    plan = plan_sketch(sources, config, extractor, digest)
    rows, columns = plan.size
    height, width = fitted(rows, columns, config.size)
    start, regions = _start_and_regions(plan, config, height, width)
    lines = resize(plan.lines[None, None], height, width)
    white = regions[-1].mask if regions[-1].style is None else None
    finish = partial(_finished, lines, white, config, plan.metadata)
    run = partial(sketch, start, regions, config, extractor=extractor)
    style = plan.pixels.shape[0] * plan.pixels.shape[1]
    workload = sketch_workload(config, height, width, regions=len(regions), style_pixels=style)
    recipe = recipe_of(config, list(plan.inputs), digest)
    return Task(recipe, config, run, finish, workload, extractor)


def plan_sketch(
    sources: Sources, config: SketchConfig, extractor: Extractor, digest: str
) -> SketchPlan:
    """Read a drawing and a picture, divide both, and match their parts.

    Raises:
        ImpastoError: no drawing, no picture, or pairs of areas that are not there.
    """
    if sources.content is None:
        raise OptionError("There is no drawing to colour: name one.")
    if len(sources.styles) != 1:
        raise OptionError(
            f"A sketch has its colours from one picture, and {len(sources.styles)} are named."
        )
    content = read_picture("content", sources.content, config, limit=MOST)
    style = read_style(sources.styles[0].source, config, extractor, digest)
    pixels = _pixels(style, sources.styles[0].source, config.size)
    pixels = pixels.flip(-1) if config.mirror else pixels
    values = np.ascontiguousarray(pixels[0].permute(1, 2, 0).numpy())
    name = f"The drawing {content.input.name}".rstrip()
    drawing = drawing_of(reduced(content.picture, LOOK), name)
    lines = drawing.lines
    if config.size > LOOK:
        lines = drawing_of(reduced(content.picture, config.size), name).lines
    inputs = [content.input, style.input]
    ours = theirs = None
    if sources.content_map is not None:
        map = read_map("content-map", sources.content_map)
        check_map("map of the drawing's parts", map.size, "drawing", content.size)
        ours, inputs = map.labels, [*inputs, map.input]
    if sources.style_maps:
        map = read_map("style-map", sources.style_maps[0])
        check_map("map of the picture's parts", map.size, "picture", style.size)
        theirs, inputs = map.labels, [*inputs, map.input]
        if config.mirror:
            theirs = LabelMap(theirs.labels.flip(-1), theirs.colours)
    labels = areas_of(drawing, name) if ours is None else ours.labels
    areas = parts_of_drawing(labels.numpy(), drawing.lines.numpy(), config.drawn_marks)
    if theirs is None:
        parts = parts_of_picture(_seen(sources.styles[0].source, style, config), config.marks)
    else:
        parts = parts_of_map(theirs.labels.numpy(), values)
    found = matched(areas, parts)
    if ours is not None and theirs is not None:
        found = _by_colour(ours, theirs)
    pairs = with_pairs(found, config.pairs, len(parts))
    if all(part is None for part in pairs):
        raise OptionError(
            "No area of the drawing has a part of the picture, so all would stay white. Give one "
            "with --pair, such as --pair 0=0."
        )
    size = (content.picture.height, content.picture.width)
    stays = content.picture.metadata
    return SketchPlan(drawing, lines, areas, parts, pairs, values, size, tuple(inputs), stays)


def _pixels(style: LoadedStyle, source: Any, size: int) -> Float[Tensor, "1 3 h w"]:
    """Return a picture's pixels; of a style card those of the swatch that it carries."""
    if style.picture is not None:
        return style.picture.pixels
    picture = on_white(read_found(card_file(source)))
    return fit(picture, size) if max(picture.shape[-2:]) > size else picture


def _seen(source: Any, style: LoadedStyle, config: SketchConfig) -> np.ndarray:
    """Return a picture as its parts are found in: (h, w, 3), the same for every size of result."""
    if style.picture is None:
        pixels = on_white(read_found(card_file(source)))
    else:
        pixels = on_white(read_picture("style", source, config, limit=PARTS_LOOK).picture)
    pixels = pixels.flip(-1) if config.mirror else pixels
    return np.ascontiguousarray(pixels[0].permute(1, 2, 0).numpy())


def _by_colour(ours: LabelMap, theirs: LabelMap) -> list[int | None]:
    """Return the part of each area that has the area's colour in the other map; None for no such.

    Raises:
        OptionError: the maps have no colour in common.
    """
    try:
        names = matched_colours(ours, theirs, ())[1].colours
    except OptionError:  # a colour of the picture's map is nowhere in the drawing's
        names = _shared(ours, theirs)
    return [names.index(colour) if colour in names else None for colour in ours.colours]


def _shared(ours: LabelMap, theirs: LabelMap) -> tuple[str, ...]:
    """Return the names of the picture's parts, those of the drawing's where a colour is in both."""
    names = list(theirs.colours)
    for colour in ours.colours:
        for k, other in enumerate(theirs.colours):
            if _apart(colour, other) <= 24:
                names[k] = colour
    return tuple(names)


def _apart(a: str, b: str) -> int:
    return max(abs(int(a[k : k + 2], 16) - int(b[k : k + 2], 16)) for k in (1, 3, 5))


def _start_and_regions(
    plan: SketchPlan, config: SketchConfig, height: int, width: int
) -> tuple[Float[Tensor, "1 3 h w"], list[Region]]:
    """Return the coloured areas, and a region for each part that is taken; the last one stays."""
    labels = _enlarged(plan.areas.labels, height, width)
    parts = _enlarged(plan.parts.labels, *plan.pixels.shape[:2])
    start = coloured(labels, parts, plan.pairs, plan.pixels)
    pixels = torch.from_numpy(plan.pixels).permute(2, 0, 1)[None].contiguous()
    taken = sorted({part for part in plan.pairs if part is not None})
    regions = []
    for part in taken:
        where = np.isin(labels, [k for k, other in enumerate(plan.pairs) if other == part])
        style = Painting(pixels, _mask(parts == part))
        regions.append(Region(style, config.strength, _mask(where), f"part {part}"))
    white = np.isin(labels, [k for k, part in enumerate(plan.pairs) if part is None])
    if white.any():
        regions.append(Region(None, 0.0, _mask(white), "paper"))
    return start, regions


def _mask(where: np.ndarray) -> Float[Tensor, "1 1 h w"]:
    return torch.from_numpy(where.astype(np.float32))[None, None]


def _enlarged(labels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return labels at another size, by nearest neighbour."""
    rows = ((np.arange(height) + 0.5) * labels.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * labels.shape[1] / width).astype(int)
    large: np.ndarray = labels[rows[:, None], columns]
    return large


def _finished(
    lines: Float[Tensor, "1 1 h w"],
    white: Float[Tensor, "1 1 h w"] | None,
    config: SketchConfig,
    metadata: Metadata,
    pixels: Float[Tensor, "1 3 _ _"],
) -> Picture:
    """Return painted areas with white paper where nothing matched, and the lines over all."""
    size = (pixels.shape[-2], pixels.shape[-1])
    if white is not None:
        pixels = torch.lerp(pixels, torch.ones_like(pixels), resize(white, *size))
    inked = with_lines(pixels, resize(lines, *size), config.line_weight, config.line_rgb)
    return Picture(inked, metadata=metadata)


def sketch(
    start: Float[Tensor, "1 3 h w"],
    regions: Sequence[Region],
    config: SketchConfig | None = None,
    *,
    extractor: Extractor | None = None,
    execution: Execution = DEFAULT_EXECUTION,
) -> Iterator[Step]:
    """Paint coloured areas, each in the style of its part; yields what the engine yields.

    Args:
        start: the areas in their colours, in [0, 1].
        regions: of each part that is taken, and what stays as it is; their masks sum to one.
        config: its engine paints.

    Raises:
        OptionError: as the engine.
        DivergedError: no step was small enough.
    """
    config = with_layers(config or SketchConfig())
    if config.engine == "colour":
        height, width = start.shape[-2:]
        yield Step(
            1, 1, width, height, 1, 1, 1.0, {}, lambda: start, lambda: Snapshot({"picture": start})
        )
        return
    engine = engine_config(config)
    yield from method_of(engine).paint(
        start, None, engine, regions=regions, extractor=extractor, execution=execution
    )


def engine_config(config: SketchConfig) -> PhotoConfig:
    """Return the engine's options: those of the sketch that are not as by default, and its own."""
    kind = METHODS["quick" if config.engine == "colour" else config.engine].config
    assert issubclass(kind, PhotoConfig)
    own = {spec.name: getattr(config, spec.name) for spec in fields(SketchConfig)
           if spec.name in kind.__dataclass_fields__}  # fmt: skip
    usual = {spec.name: spec.default for spec in fields(SketchConfig)}
    changed = {name: value for name, value in own.items() if value != usual[name]}
    return kind(**{"strength": config.strength, "size": config.size, **changed})


def sketch_layers(config: SketchConfig) -> tuple[str, ...]:
    """Return the layers that the engine looks at where the sketch names none."""
    engine = engine_config(config)
    layers: tuple[str, ...] = method_of(engine).layers(engine)
    return layers


def sketch_workload(config: SketchConfig, height: int, width: int, **properties: Any) -> Workload:
    """Return what the engine takes; the arguments are those of `photo_workload`."""
    if config.engine == "colour":
        at_once = METHODS["instant"].workload(InstantConfig(size=config.size), height, width)
        assert isinstance(at_once, Workload)
        return at_once
    engine = with_layers(engine_config(config))
    workload: Workload = method_of(engine).workload(engine, height, width, **properties)
    return workload


def sketch_digest(backbone_digest: str, config: SketchConfig) -> str:
    """Return the digest of the weights that pixels depend on: those of the engine."""
    engine = engine_config(config)
    digest = method_of(engine).digest
    return backbone_digest if digest is None else str(digest(backbone_digest, engine))
