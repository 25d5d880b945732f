"""Painting in any style in one pass through a network; nothing is optimised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import StyledConfig
from impasto.config.memory import MemoryPlan
from impasto.config.methods import InstantConfig, RefineConfig
from impasto.engine.regions import Region
from impasto.engine.setup import prepared
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution, Snapshot
from impasto.engine.step import Step
from impasto.engine.workload import Scale, Workload
from impasto.features.extractor import Extractor
from impasto.files import digests
from impasto.image.picture import fitted, resize
from impasto.networks.brush import Brush
from impasto.networks.brush_painting import LARGEST_AT_ONCE
from impasto.networks.brushes import Brushes, paint_sized
from impasto.networks.checkpoint import load_version, version_digest
from impasto.networks.instant import InstantNetwork
from impasto.networks.tiles import Picture
from impasto.styles.statistics import Style

__all__ = [
    "at_once_workload",
    "brushes_of",
    "bytes_at_once",
    "fitted_photograph",
    "instant",
    "instant_digest",
    "paint_once",
    "painted_regions",
]

# Bytes of a tile, of each pixel's deep features, and of each pixel's copies: the photograph, the
# same with its margin, each region's painting, their sum (measured from 512×512 to 7680×4320).
_TILE, _FEATURES, _COPIES = 220e6, 61, 84


def instant(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: InstantConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    network: InstantNetwork | None = None,
    execution: Execution = DEFAULT_EXECUTION,  # noqa: ARG001
) -> Iterator[Step]:
    """Paint `content` in `style` at once; yields a single step.

    Args:
        content: a photograph in [0, 1], of any size; painted at `config.size`.
        style: a painting in [0, 1], or a style card; not read if there are regions.
        config: every option.
        regions: parts of the picture with a style and a strength each, instead of one style.
        extractor: `compact`; by default in the precision that the config names.
        network: what paints; by default the one that the config names.
        execution: not read, as there is one step only; every method takes it.
    """
    areas, config, extractor = prepared(style, regions, config or InstantConfig(), extractor)
    photograph = fitted_photograph(content, config.size, extractor)
    encode = partial(
        brushes_of,
        config=config,
        long_side=max(photograph.shape[-2:]),
        extractor=extractor,
        network=network,
    )
    yield from paint_once(photograph, areas, encode, extractor)


def brushes_of(
    style: Style,
    strength: float,
    *,
    config: InstantConfig | RefineConfig,
    long_side: int,
    extractor: Extractor,
    network: InstantNetwork | None = None,
) -> Brushes:
    """Encode a style with a config's network and stroke.

    Args:
        long_side: of the result, in pixels.
        extractor: `compact`.
        network: in place of the one that the config names.
    """
    network = network or load_version(config.network)
    encode = partial(Brush.of, style, strength, extractor=extractor, network=network)
    # Before, one pass painted any size.
    return Brushes.of(encode, long_side, config.stroke, grows=config.network != "first")


def fitted_photograph(
    content: Float[Tensor, "1 3 h w"], size: int, extractor: Extractor
) -> Float[Tensor, "1 3 _ _"]:
    """Return a photograph at the size of the result, on the extractor's device."""
    photograph = content.to(extractor.device)
    height, width = fitted(content.shape[-2], content.shape[-1], size)
    same = content.shape[-2:] == (height, width)
    return photograph if same else resize(photograph, height, width)


def paint_once(
    photograph: Float[Tensor, "1 3 _ _"],
    regions: Sequence[Region],
    encode: Callable[[Style, float], Brushes],
    extractor: Extractor,
) -> Iterator[Step]:
    """Paint a photograph, of the size of the result and on the extractor's device; one step.

    Args:
        encode: makes brushes of a style and a strength.
    """

    def brushes(region: Region) -> Brushes:
        assert region.style is not None
        return encode(region.style, region.strength)

    painted = painted_regions(photograph, regions, brushes, extractor)
    height, width = photograph.shape[-2:]
    yield Step(
        1, 1, width, height, 1, 1, 1.0, {}, lambda: painted, lambda: Snapshot({"picture": painted})
    )


def painted_regions(
    photograph: Picture,
    regions: Sequence[Region],
    encode: Callable[[Region], Brushes],
    extractor: Extractor,
) -> Picture:
    """Paint each region, and combine them by their masks.

    Args:
        photograph: of the size of the result, on the extractor's device.
        encode: makes the brushes of a region that has a style.
    """
    picture = torch.zeros_like(photograph)
    for region in regions:
        mask, part = region.mask, photograph
        if mask is not None:
            mask = resize(mask.to(photograph), *photograph.shape[-2:])
        if region.style is not None and region.strength > 0:
            part = paint_sized(encode(region), photograph, extractor, mask)
        picture += part if mask is None else mask * part
    return picture


class _AtOnceWorkload(Workload):
    """One pass through a network, of a picture of any size: the largest are painted in tiles."""

    def bytes(self, plan: MemoryPlan, itemsize: int) -> int:  # noqa: ARG002
        return bytes_at_once(self.pixels)


def at_once_workload(config: StyledConfig, height: int, width: int, **_: int) -> Workload:
    """Return what it takes to paint a photograph of these proportions, whatever its regions."""
    size = fitted(height, width, config.size)
    return _AtOnceWorkload((Scale(*size, 1),), (), config.eye, "gd", 1, can_tile=False)


def bytes_at_once(pixels: int) -> int:
    """Return the memory that it takes to paint a number of pixels at once."""
    return int(_TILE + _FEATURES * min(pixels, LARGEST_AT_ONCE) + _COPIES * pixels)


def instant_digest(backbone_digest: str, config: InstantConfig | RefineConfig) -> str:
    """Return the digest of the backbone and of the network that paints: pixels depend on both."""
    return digests.of_bytes(f"{backbone_digest} {version_digest(config.network)}".encode())
