"""The Laplacian pyramid method, in two stages.

First the photograph is held by the levels of its Laplacian pyramid, the finest as an early layer
sees it and coarser ones as later layers do. Then the photograph is painted in the usual way, with
the first stage's picture as its style.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from impasto.config.methods import GatysConfig, LaplacianConfig
from impasto.config.specs import layer_weights
from impasto.engine.canvas import MARGIN
from impasto.engine.photograph import paint_photograph
from impasto.engine.regions import Region
from impasto.engine.setup import backbone_of, regions_of, with_layers
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution, Snapshot
from impasto.engine.statistics import statistics_engine
from impasto.engine.step import Step
from impasto.engine.workload import Workload, photo_workload
from impasto.errors import ResumeError
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.features.plan import min_side
from impasto.image.pyramid import scale_schedule, split
from impasto.methods.gatys import gatys
from impasto.styles.statistics import Painting, Style

__all__ = ["laplacian", "laplacian_workload"]

# How many of the backbone's own style layers see levels, from the first: the next one's level would
# be too small.
_LEVELS = 4

# How long an iteration of the first stage takes, of one of each: it sees every level besides.
_FIRST_SHARE = 0.6


_GREY = 0.5

# Of what a layer says of grey: detail of so much is next to none. That of photographs is two to six
# times what a layer says of grey.
_FAINT = 0.5


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

    Each stage takes half of the iterations, and the steps count the scales of both.

    Args:
        content: a photograph in [0, 1], of any size; worked on at `config.size`.
        style: a painting in [0, 1], of any size, or a style card; not read if there are regions.
        config: every option.
        regions: parts of the picture with a style and a strength each, instead of one style.
        extractor: the backbone; by default the one that the config names.
        start: a picture that both stages start from, instead of `config.init`.
        execution: from where on, and with how much memory; extra iterations are the last stage's.

    Raises:
        OptionError: an unknown layer, or a picture too thin for the deepest one.
        DivergedError: no step was small enough.
        ResumeError: a snapshot that is damaged or of another run.
    """
    config = with_layers(config or LaplacianConfig())
    config = _of_one_stage(config)
    extractor = extractor or backbone_of(config)
    content = content.to(next(extractor.parameters()).device)
    areas = regions_of(style, regions, config.strength, content.device)
    scales = len(scale_schedule(config.size, config.smallest))
    both = config.stage == 2
    if _stage_of(execution, config.stage) == 1:
        step = None
        own = replace(execution, extra=0) if both else execution
        for step in _first_stage(content, areas, config, extractor, start, own):
            if both and _is_told(step, execution):  # it was the last of this stage
                continue
            share = _FIRST_SHARE if both else 1.0
            staged = partial(_staged, step.snapshot, 1, {})
            yield replace(
                step, scales=scales * config.stage, done=step.done * share, snapshot=staged
            )
        if not both or step is None:
            return
        picture = step.image()
        del step
        execution = replace(execution, snapshot=None)
    else:
        assert execution.snapshot is not None
        picture = execution.snapshot.tensor("painted", device=content.device)
    second = gatys(
        content,
        None,
        _usual(config),
        regions=_as_styles(areas, picture),
        extractor=extractor,
        start=start,
        execution=execution,
    )
    for later in second:
        yield replace(
            later,
            scale=later.scale + scales,
            scales=2 * scales,
            done=_FIRST_SHARE + (1 - _FIRST_SHARE) * later.done,
            snapshot=partial(_staged, later.snapshot, 2, {"painted": picture}),
        )


def laplacian_workload(
    config: LaplacianConfig, height: int, width: int, **properties: Any
) -> Workload:
    """Return what it takes; the arguments are those of `photo_workload`."""
    layers = tuple(_level_layers(config))
    return photo_workload(
        _of_one_stage(config),
        height,
        width,
        stages=config.stage,
        pyramid_layers=layers,
        **properties,
    )


def _of_one_stage(config: LaplacianConfig) -> LaplacianConfig:
    """Return the config with the iterations of one stage, which are half of all."""
    return replace(config, iterations=max(1, config.length // 2), epochs=0, steps=0)


def _level_layers(config: LaplacianConfig) -> dict[str, float]:
    """Return the layers that see the pyramid's levels, finest first, and their weights."""
    return layer_weights(config.pyramid_layers or BACKBONES[config.backbone].style[:_LEVELS])


def _stage_of(execution: Execution, stages: int) -> int:
    """The stage that a run goes on in; 1 begins."""
    stage = 1 if execution.snapshot is None else execution.snapshot.whole("stage")
    if not 1 <= stage <= stages:
        raise ResumeError(
            f"The saved state is of stage {stage}, and this run has {stages}. "
            "Go on with the options that the run began with."
        )
    return stage


def _is_told(step: Step, execution: Execution) -> bool:
    """Whether a step is the one that the run goes on from."""
    if execution.snapshot is None:
        return False
    at = execution.snapshot.whole("scale"), execution.snapshot.whole("iteration")
    return (step.scale, step.iteration) == at


def _staged(taken: Callable[[], Snapshot], stage: int, more: Mapping[str, Tensor]) -> Snapshot:
    """A snapshot that says of which stage it is, with what that stage was given."""
    snapshot = taken()
    numbers = {**snapshot.numbers, "stage": stage}
    return Snapshot({**snapshot.tensors, **more}, numbers)


def _first_stage(
    content: Float[Tensor, "1 3 h w"],
    regions: Sequence[Region],
    config: LaplacianConfig,
    extractor: Extractor,
    start: Tensor | None,
    execution: Execution,
) -> Iterator[Step]:
    """The usual loop, through a network that shows the pyramid's levels as layers of its own."""
    weights = _level_layers(config)
    eye = _PyramidEye.of(extractor, _fitting(list(weights), content, config, extractor))
    held = tuple(f"{name}:{weights[layer]!r}" for name, layer in eye.levels.items())
    engine = statistics_engine(config.style_layers, config.style_loss)
    config = replace(config, content_layers=held)
    # This network is no plain plan of operations: it has no windows, and sees pictures whole.
    execution = replace(execution, plan=replace(execution.plan, tile=0))
    return paint_photograph(content, regions, engine, config, eye, start, execution=execution)


def _fitting(
    layers: list[str], content: Tensor, config: LaplacianConfig, extractor: Extractor
) -> list[str]:
    """As many of the layers as there are levels, at the first scale, that they can see."""
    extractor.check_layers(layers)
    short, long = sorted(content.shape[-2:])
    first = scale_schedule(config.size, config.smallest)[0]
    side = short * first // long + 2 * MARGIN
    found: list[str] = []
    for level, layer in enumerate(layers):
        if -(-side // 2**level) < min_side(extractor.plan, [layer]):
            break
        found.append(layer)
    return found or layers[:1]


def _as_styles(regions: Sequence[Region], picture: Float[Tensor, "1 3 h w"]) -> tuple[Region, ...]:
    """Each region with the same region of a picture as its style."""
    return tuple(
        region if region.style is None else replace(region, style=Painting(picture, region.mask))
        for region in regions
    )


def _usual(config: LaplacianConfig) -> GatysConfig:
    """The options of the second stage."""
    return GatysConfig(**{spec.name: getattr(config, spec.name) for spec in fields(GatysConfig)})


class _PyramidEye(Extractor):
    """The same network with layers besides: a level of the picture's pyramid, as a layer sees it.

    A level lies around grey, and what the layer says of grey is taken away: so a level without any
    detail gives zeros.

    Attributes:
        levels: the layer of the network behind each of these, finest level first.
        greys: what each layer last said of grey, and of how much of it.
    """

    levels: Mapping[str, str]
    greys: dict[str, tuple[torch.Size, Tensor]]

    @staticmethod
    def of(eye: Extractor, layers: Sequence[str]) -> _PyramidEye:
        """The network, weights shared, whose `level 1` sees the finest level as `layers[0]`."""
        other = cast(_PyramidEye, copy.copy(eye))
        other.__class__ = _PyramidEye
        other._modules = dict(eye._modules)  # a copy shares it, and the lifts change below
        other.levels = {f"level {i}": layer for i, layer in enumerate(layers, 1)}
        other.greys = {}
        own = {name: _lift_of_level(eye, layer) for name, layer in other.levels.items()}
        other.lifts = nn.ModuleDict({**eye.lifts, **own})
        return other

    def forward(
        self, image: Float[Tensor, "b 3 h w"], layers: Iterable[str]
    ) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """The activations of `layers`, whether of the picture or of a level of its pyramid."""
        wanted = set(layers)
        plain = wanted - set(self.levels)
        found: dict[str, Tensor] = super().forward(image, plain) if plain else {}
        if wanted - plain:
            parts = split(image, len(self.levels))
            parts = [*[part + _GREY for part in parts[:-1]], parts[-1]]
            for (name, layer), part in zip(self.levels.items(), parts, strict=True):
                found[name] = super().forward(part, [layer])[layer] - self._grey(part, layer)
        return found

    def channels(self, layer: str) -> int:
        """A layer's width before its lift; also of a level."""
        return super().channels(self.levels.get(layer, layer))

    @torch.no_grad()
    def _grey(self, like: Tensor, layer: str) -> Tensor:
        size, seen = self.greys.get(layer, (None, like))
        if size != like.shape:
            seen = super().forward(torch.full_like(like, _GREY), [layer])[layer]
            self.greys[layer] = (like.shape, seen)
        return seen


@torch.no_grad()
def _lift_of_level(eye: Extractor, layer: str) -> nn.Conv2d:
    """The lift of a layer's differences from grey, with a small constant.

    The energy of a level is the unit in which its differences are measured: the constant keeps it
    off nought where the photograph has no detail.
    """
    parameter = next(eye.parameters())
    channels = eye.channels(layer)
    weight = torch.eye(channels, device=parameter.device)[:, :, None, None]
    if layer in eye.lifts:
        weight = eye.lifts[layer].get_parameter("weight")
    grey = eye(torch.full((1, 3, 64, 64), _GREY, device=parameter.device), [layer])[layer]
    lifted = eye.lift(layer, grey).float().mean((0, 2, 3))
    other = nn.Conv2d(channels, len(weight), 1).requires_grad_(False)
    other.weight.data, other.bias = weight, nn.Parameter(_FAINT * lifted, requires_grad=False)
    return other
