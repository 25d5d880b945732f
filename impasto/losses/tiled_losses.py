"""The losses as readings: what each adds up over windows of a picture, and what is made of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.features.tiles import Window
from impasto.losses import functional as losses
from impasto.losses.moments import Guide, Together, pulled, stacked
from impasto.losses.objective import PIXELS, Distance, Found, Reading
from impasto.losses.statistics import Lift

__all__ = [
    "content_reading",
    "laplacian_distance",
    "pixel_reading",
    "region_reading",
    "variation_reading",
]

Mask = Float[Tensor, "h w"]


def region_reading(layer: str, guides: Sequence[Guide | None]) -> Reading:
    """The moments of each of a layer's regions, as `Moments` along the first axis."""

    @cache  # its tables are large, and of no use to windows, which have theirs
    def together() -> Together:
        return Together.of(guides)

    def read(features: Tensor, window: Window) -> Found:
        own = window.own(features)
        if window.is_whole:
            found = stacked(own, together())
            return found.mean, found.second
        parts = [None if guide is None else Guide(window.of(guide.mask)) for guide in guides]
        found = stacked(own, Together.of(parts))
        shares = own.new_tensor(
            [
                window.share if whole is None or part is None else part.total / whole.total
                for part, whole in zip(parts, guides, strict=True)
            ],
            dtype=found.mean.dtype,
        )
        return found.mean * shares[:, None], found.second * shares[:, None, None]

    def pull(own: Tensor, window: Window, slopes: Found) -> Tensor:
        # What `read` computes need not be computed once more to be differentiated.
        changes = [_pull_of(g, i, own, window, slopes) for i, g in enumerate(guides)]
        found = [change for change in changes if change is not None]
        if len(found) == 1:
            return found[0]
        return torch.stack(found).sum(0) if found else torch.zeros_like(own)

    return Reading(layer, read, pull=pull)


def _pull_of(
    guide: Guide | None, number: int, own: Tensor, window: Window, slopes: Found
) -> Tensor | None:
    """What one region's moments make of a window's activations; None if it is not there."""
    by_mean, by_second = (slope[[number]] for slope in slopes)
    if guide is None:
        return pulled(own, by_mean, by_second, math.prod(window.shape))
    weight = window.of(guide.mask).square()
    if not bool(weight.any()):
        return None
    change = pulled(own, by_mean, by_second, guide.total)
    return change if bool((weight == 1).all()) else (change.float() * weight).to(change.dtype)


def content_reading(
    layer: str,
    target: Float[Tensor, "1 c h w"],
    lift: Lift,
    unit: Float[Tensor, ""],
    weight: Mask | None = None,
) -> Reading:
    """`content` of a layer."""

    def read(features: Tensor, window: Window) -> Found:
        parts = [window.own(features), window.of(target)]
        held = None if weight is None else window.of(weight)
        return (losses.content(parts[0], parts[1], lift, unit, held) * window.share,)

    return Reading(layer, read)


def variation_reading(kind: str, weight: Mask | None = None) -> Reading:
    """`total_variation`; of a tile, if windows show the opposite edges beside each other."""

    def read(pixels: Tensor, window: Window) -> Found:
        held = None if weight is None else window.of(weight)
        return (losses.variation(window.around(pixels, 0, 1), kind, held) * window.share,)

    return Reading(PIXELS, read, reach=1)


def pixel_reading(target: Float[Tensor, "1 3 h w"], weight: Mask | None = None) -> Reading:
    """`l2`."""

    def read(pixels: Tensor, window: Window) -> Found:
        held = None if weight is None else window.of(weight)
        return (losses.l2(window.own(pixels), window.of(target), held) * window.share,)

    return Reading(PIXELS, read)


def laplacian_distance(
    target: Float[Tensor, "1 3 h w"], pool: int, weight: Mask | None = None
) -> Distance:
    """`laplacian`: its unit is read of the target on the way, as what it is measured by is."""
    cells = math.prod(-(-side // pool) for side in target.shape[-2:])

    def read(pixels: Tensor, window: Window) -> Found:
        there = _cut_like(target, pixels, window)
        wanted = losses.edges(there, window, pool)
        off = (losses.edges(pixels, window, pool) - wanted).square()
        if weight is not None:
            off = off * losses.averages(window.of(weight)[None], pool)[0]
        return off.sum() / (3 * cells), wanted.square().sum().detach() / (3 * cells)

    def value(found: Sequence[Found]) -> Tensor:
        ((off, energy),) = found
        return off / energy.detach().clamp(min=losses.FLAT)

    return Distance((Reading(PIXELS, read, reach=pool, grid=pool),), value)


def _cut_like(target: Tensor, pixels: Tensor, window: Window) -> Tensor:
    """The target where the window's pixels were cut out."""
    top, left = window.rows[0] - window.above, window.columns[0] - window.left
    return target[..., top : top + pixels.shape[-2], left : left + pixels.shape[-1]]
