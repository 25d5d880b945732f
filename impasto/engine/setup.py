"""What a method sets up before it paints: layers, backbone, settings, iterations, regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PhotoConfig, PictureConfig, PixelConfig, StyledConfig
from impasto.config.methods import DoodleConfig, MatchingConfig, QuickConfig, method_of
from impasto.config.specs import layer_weights
from impasto.engine.regions import Region
from impasto.engine.step import Settings
from impasto.errors import OptionError
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.features.plan import min_side
from impasto.features.weights import load
from impasto.image.picture import fitted
from impasto.image.pyramid import scale_schedule
from impasto.runtime import pick_device, pick_precision
from impasto.styles.statistics import Painting, Style

__all__ = [
    "DETAILED",
    "backbone_layers",
    "backbone_of",
    "detail_layers",
    "iterations_of",
    "layers_of",
    "least_side",
    "prepared",
    "scales_of",
    "settings_of",
    "sides_of",
    "with_layers",
]

# Long side in pixels of the largest scale that gets as many iterations as smaller ones.
_LARGE = 1024

# Iterations of each scale, against those of the one that is twice as large.
_COARSER = 0.8

# Of a run of a few evaluations: how many more of them each scale gets than the next, which takes
# four times as long. Whirls and waves come from the coarse ones.
_COARSER_QUICK = 1.5

DETAILED = 1024
"""Long side in pixels of the largest scale at which a photograph's small details are held."""

# The least pixels along a side of a picture in which anything can be seen, whatever the network.
_LEAST_SIDE = 16

# How often a doodle's patches are matched: at the first scale, which begins from noise, and later.
_DOODLE_ROUNDS = (4, 2)

Config = TypeVar("Config", bound=PictureConfig)
Styled = TypeVar("Styled", bound=StyledConfig)


def with_layers(config: Config) -> Config:
    """Return the config with its method's own layers where it names none."""
    if not isinstance(config, PixelConfig):
        return config
    layers = config.style_layers or method_of(config).layers(config)
    config = replace(config, style_layers=layers)
    if isinstance(config, PhotoConfig):
        layers = config.content_layers or BACKBONES[config.backbone].content
        config = replace(config, content_layers=layers)
    return config


def backbone_layers(config: PixelConfig) -> tuple[str, ...]:
    """Return the backbone's own style layers."""
    return BACKBONES[config.backbone].style


def detail_layers(config: PixelConfig, height: int, width: int) -> tuple[str, ...]:
    """Return the layer that holds the details of a photograph of that size; none if nothing does.

    In a large one nothing that matters is so small; finer scales get its detail as they begin.
    """
    weight = config.detail_weight if isinstance(config, PhotoConfig) else 0.0
    return (BACKBONES[config.backbone].detail,) if weight and max(height, width) <= DETAILED else ()


def layers_of(config: PictureConfig) -> list[str]:
    """Return every layer that style or content is compared at."""
    return [*layer_weights(config.content_names), *layer_weights(config.style_names)]


def least_side(config: PictureConfig) -> int:
    """Return the pixels that each side of a picture needs for the network to see anything in it."""
    return max(_LEAST_SIDE, min_side(BACKBONES[config.eye].plan, layers_of(config)))


def backbone_of(config: PictureConfig, weights: Path | None = None) -> Extractor:
    """Load the backbone that the config names, on its device and in its precision."""
    device = pick_device(config.device)
    precision = pick_precision(config.precision, device)
    pooling = config.pooling if isinstance(config, PixelConfig) else "max"
    net = load(config.eye, pooling=pooling, weights=weights, precision=precision)
    return net.to(device)


def settings_of(config: PixelConfig) -> Settings:
    """Return what the solver needs of the config."""
    return Settings(
        config.optimizer,
        config.history,
        config.learning_rate,
        preconditioner=config.preconditioner,
        # The first step at a scale does more than the few pairs of a smaller one (LOG.md).
        remembers=not isinstance(config, QuickConfig),
    )


def iterations_of(total: int, sides: Sequence[int], octaves: float) -> list[int]:
    """Divide the iterations among the scales.

    Args:
        sides: the long side of each scale, in pixels. Beyond 1,024 a scale gets fewer, as a step
            takes longest there and changes least.
        octaves: from each scale to the next.
    """
    scales = len(sides)
    shares = zip(_shares(scales, octaves), sides, strict=True)
    weights = [share * min(1.0, (_LARGE / side) ** 0.5) for share, side in shares]
    return _divided(total, weights)


def _divided(total: int, weights: Sequence[float]) -> list[int]:
    """Divide a number in whole parts, of at least 1."""
    ends = [round(total * sum(weights[: i + 1]) / sum(weights)) for i in range(len(weights))]
    return [max(1, end - begin) for begin, end in zip([0, *ends], ends, strict=False)]


def _quick_counts(total: int, scales: int) -> list[int]:
    """Return the evaluations of each scale; where they are few, the coarsest scales have none."""
    counts = _divided(total, [_COARSER_QUICK**-i for i in range(scales)])
    return counts if sum(counts) <= total else _quick_counts(total, scales - 1)


def _shares(scales: int, octaves: float) -> list[float]:
    """Return each scale's share of the iterations, from coarse to fine.

    Where a scale is close to the one before, the first, cheap one lays the picture out and gets the
    most. Where it is twice as large, most of its detail is new, and the last one gets the most.
    """
    if octaves < 1:
        return [2.0, 1.3, *[1.0] * scales][:scales]
    return [_COARSER**coarser for coarser in range(scales - 1, -1, -1)]


def sides_of(config: PixelConfig, height: int, width: int) -> list[int]:
    """Return the long side of each scale, coarse to fine.

    Scales at which the short side would be too small are left out, as a panorama's first ones are.

    Args:
        height, width: of the photograph or of the map; only the proportion counts.
    """
    sides = scale_schedule(config.size, config.smallest, config.octaves)
    least = least_side(config)
    return [s for s in sides if min(fitted(height, width, s)) >= least] or sides[-1:]


def scales_of(
    config: PixelConfig, height: int, width: int
) -> tuple[list[tuple[int, int]], list[int]]:
    """Return height and width of each scale, or of each round of it, and the iterations of each.

    Args:
        height, width: of the photograph or of the map; only the proportion counts.
    """
    sides = [
        side
        for i, side in enumerate(sides_of(config, height, width))
        for _ in range(_rounds(config, i))
    ]
    if isinstance(config, QuickConfig):
        counts = _quick_counts(config.length, len(sides))
        sides = sides[-len(counts) :]
    else:
        counts = iterations_of(config.length, sides, config.octaves)
    return [fitted(height, width, side) for side in sides], counts


def _rounds(config: PixelConfig, scale: int) -> int:
    """Return how often a scale is painted: an engine finds its targets again each time."""
    if isinstance(config, DoodleConfig) and config.engine == "patches":
        return _DOODLE_ROUNDS[min(scale, 1)]
    return config.rounds if isinstance(config, MatchingConfig) else 1


def prepared(
    style: Style | Float[Tensor, "1 3 h w"] | None,
    regions: Sequence[Region],
    config: Styled,
    extractor: Extractor | None,
) -> tuple[tuple[Region, ...], Styled, Extractor]:
    """Return what a method paints with: regions, its config with layers, and its backbone.

    Args:
        style: of the whole picture, if there are no regions.
        extractor: None for the one that the config names.

    Raises:
        OptionError: neither regions nor a style.
    """
    config = with_layers(config)
    extractor = extractor or backbone_of(config)
    if regions:
        return tuple(regions), config, extractor
    if style is None:
        raise OptionError("There is nothing to paint with: give a style, or regions with styles.")
    source = Painting(style.to(extractor.device)) if isinstance(style, Tensor) else style
    return (Region(source, config.strength),), config, extractor
