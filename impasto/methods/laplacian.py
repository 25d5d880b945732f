"""The Laplacian pyramid method, in two stages.

In the first stage the content loss compares the levels of Laplacian pyramids, the finest as an
early layer sees it and coarser ones as later layers do. In the second the photograph is painted as
with `gatys`, with the first stage's picture as its style.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from jaxtyping import Float
from torch import Tensor

from impasto.config.methods import LaplacianConfig
from impasto.config.specs import layer_weights
from impasto.engine.canvas import MARGIN
from impasto.engine.comparison import Engine
from impasto.engine.photograph import paint_photograph
from impasto.engine.pyramid_extractor import PyramidExtractor
from impasto.engine.regions import Region
from impasto.engine.setup import prepared, sides_of
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution, Snapshot
from impasto.engine.statistics import statistics_engine
from impasto.engine.step import Step
from impasto.engine.workload import Workload, photo_workload
from impasto.errors import ResumeError
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.features.plan import min_side
from impasto.styles.statistics import Painting, Style

__all__ = ["laplacian", "laplacian_workload"]

# How many of the backbone's own style layers see levels, from the first: the next one's level would
# be too small.
_LEVELS = 4

# The most that a content weight may be: beyond it nothing else counts in single precision.
_HEAVIEST = 1e6

# The first stage's share of the time: its network sees the pyramid's levels as well.
_FIRST_SHARE = 0.6


def laplacian(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: LaplacianConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    start: Float[Tensor, "1 3 _ _"] | None = None,
    execution: Execution = DEFAULT_EXECUTION,
) -> Iterator[Step]:
    """Paint `content` in `style` in two stages; yields after every iteration of either.

    Each stage takes half of the iterations, and the steps count the scales of both. Arguments and
    errors as in `gatys`; both stages begin from `start`, and extra iterations are the last stage's.

    Raises:
        ResumeError: a snapshot that is damaged or of another run.
    """
    areas, config, extractor = prepared(style, regions, config or LaplacianConfig(), extractor)
    config, content = _of_one_stage(config), content.to(extractor.device)
    scales = len(sides_of(config, *content.shape[-2:]))
    has_second = config.stage == 2
    if _stage_of(execution, config.stage) == 1:
        step = None
        first_execution = replace(execution, extra=0) if has_second else execution
        for step in _first_stage(content, areas, config, extractor, start, first_execution):
            if has_second and _is_resumed(step, execution):  # its last step, yielded before
                continue
            share = _FIRST_SHARE if has_second else 1.0
            staged = partial(_staged, step.snapshot, 1, {})
            yield replace(
                step, scales=scales * config.stage, done=step.done * share, snapshot=staged
            )
        if not has_second or step is None:
            return
        picture = step.image()
        del step
        execution = replace(execution, snapshot=None)
    else:
        assert execution.snapshot is not None
        picture = execution.snapshot.tensor("painted", device=content.device)
    engine, areas = _engine(config), _as_styles(areas, picture)
    for step in paint_photograph(content, areas, engine, config, extractor, start, execution):
        yield replace(
            step,
            scale=step.scale + scales,
            scales=2 * scales,
            done=_FIRST_SHARE + (1 - _FIRST_SHARE) * step.done,
            snapshot=partial(_staged, step.snapshot, 2, {"painted": picture}),
        )


def laplacian_workload(
    config: LaplacianConfig, height: int, width: int, **properties: Any
) -> Workload:
    """Return what it takes; the arguments are those of `photo_workload`."""
    properties |= {"stages": config.stage, "pyramid_layers": tuple(_level_layers(config))}
    return photo_workload(_of_one_stage(config), height, width, **properties)


def _of_one_stage(config: LaplacianConfig) -> LaplacianConfig:
    """Return the config with the iterations of one stage, which are half of all."""
    return replace(config, iterations=max(1, config.length // 2), epochs=0, steps=0)


def _level_layers(config: LaplacianConfig) -> dict[str, float]:
    """Return the layers that see the pyramid's levels, finest first, and their weights."""
    return layer_weights(config.pyramid_layers or BACKBONES[config.backbone].style[:_LEVELS])


def _stage_of(execution: Execution, stages: int) -> int:
    """Return the stage in which a run goes on; 1 for one that begins."""
    stage = 1 if execution.snapshot is None else execution.snapshot.count("stage")
    if not 1 <= stage <= stages:
        raise ResumeError(
            f"The saved state is of stage {stage}, and this run has {stages}. "
            "Go on with the options that the run began with."
        )
    return stage


def _is_resumed(step: Step, execution: Execution) -> bool:
    """Return whether a step is the one that the run goes on from."""
    if execution.snapshot is None:
        return False
    saved = execution.snapshot
    return (step.scale, step.iteration) == (saved.count("scale"), saved.count("iteration"))


def _staged(make: Callable[[], Snapshot], stage: int, inputs: Mapping[str, Tensor]) -> Snapshot:
    """Add its stage, and the inputs of that stage, to a snapshot."""
    snapshot = make()
    numbers = {**snapshot.numbers, "stage": stage}
    return Snapshot({**snapshot.tensors, **inputs}, numbers)


def _first_stage(
    content: Float[Tensor, "1 3 h w"],
    regions: Sequence[Region],
    config: LaplacianConfig,
    extractor: Extractor,
    start: Tensor | None,
    execution: Execution,
) -> Iterator[Step]:
    """Paint with a network that has the pyramid's levels as further layers."""
    layers = _fitting(list(_level_layers(config)), content, config, extractor)
    pyramid = PyramidExtractor.of(extractor, layers)
    engine = _engine(config)
    config = replace(
        config,
        content_layers=_weighted_levels(pyramid, config),
        content_weight=min(config.content_weight * config.pyramid_weight, _HEAVIEST),
    )
    # This network is more than a plan of operations, so it cannot be computed in tiles.
    execution = replace(execution, plan=replace(execution.plan, tile=0))
    return paint_photograph(content, regions, engine, config, pyramid, start, execution)


def _weighted_levels(pyramid: PyramidExtractor, config: LaplacianConfig) -> tuple[str, ...]:
    """Return the levels with their weights; the last is the small picture that is left."""
    weights = _level_layers(config)
    levels = {name: weights[layer] for name, layer in pyramid.levels.items()}
    levels[f"level {len(levels)}"] *= config.pyramid_base
    return tuple(f"{name}:{weight!r}" for name, weight in levels.items())


def _engine(config: LaplacianConfig) -> Engine:
    return statistics_engine(config.style_layers, config.style_loss)


def _fitting(
    layers: list[str], content: Tensor, config: LaplacianConfig, extractor: Extractor
) -> list[str]:
    """Return the layers, from the first on, whose levels are large enough at the first scale."""
    extractor.check_layers(layers)
    short, long = sorted(content.shape[-2:])
    first = sides_of(config, *content.shape[-2:])[0]
    side = short * first // long + 2 * MARGIN
    fitting: list[str] = []
    for level, layer in enumerate(layers):
        if -(-side // 2**level) < min_side(extractor.plan, [layer]):
            break
        fitting.append(layer)
    return fitting or layers[:1]


def _as_styles(regions: Sequence[Region], picture: Float[Tensor, "1 3 h w"]) -> tuple[Region, ...]:
    """Return each region with the same region of a picture as its style."""
    return tuple(
        region if region.style is None else replace(region, style=Painting(picture, region.mask))
        for region in regions
    )
