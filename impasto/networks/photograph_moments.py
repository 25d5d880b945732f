"""The moments of a photograph's features, as a network that paints in one pass needs them."""

from __future__ import annotations

import torch
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.image.masks import pooled
from impasto.losses.guides import Guide
from impasto.losses.moments import Moments, moments
from impasto.networks.decoder import LEVELS, MARGIN
from impasto.networks.tiles import STRIDES, Features, Picture
from impasto.styles.statistics import LEAST_CELLS

__all__ = ["moments_of", "sampled_moments"]

# A large photograph's moments are measured in this many squares of it, of this side in pixels.
_SAMPLES, _SAMPLE = 64, 128

# Of layers of this stride and finer every second row and column is counted: neighbours are alike,
# and counting them all takes a fifth of the time that painting does.
_FINE = 2


def moments_of(levels: Features, mask: Tensor | None, size: tuple[int, int]) -> dict[str, Moments]:
    """Return the moments of features inside the margin.

    Args:
        levels: of the finest only every second row and column.
        size: of the photograph.
    """
    result = {}
    for name, stride in STRIDES.items():
        edge, (rows, columns) = MARGIN // stride, (max(1, n // stride) for n in size)
        step = 2 if stride <= _FINE else 1
        thin = 2 if stride == 1 else 1
        spans = [slice(edge // thin, -(-(edge + n) // thin), step // thin) for n in (rows, columns)]
        inner = levels[name][..., spans[0], spans[1]]
        guide = None
        if mask is not None:
            weight = pooled(mask, rows, columns)[::step, ::step].contiguous()
            guide = Guide(weight) if float(weight.sum()) >= LEAST_CELLS else None
        result[name] = moments(inner.contiguous(memory_format=torch.channels_last), guide)
    return result


def sampled_moments(
    photograph: Picture, extractor: Extractor, mask: Tensor | None
) -> dict[str, Moments]:
    """Estimate the moments of a large photograph's features, from squares all over it."""
    height, width = photograph.shape[-2:]
    across = max(1, round((_SAMPLES * width / height) ** 0.5))
    down = max(1, round(_SAMPLES / across))
    means: dict[str, Tensor] = {}
    seconds: dict[str, Tensor] = {}
    weights = 0.0
    for row in range(down):
        for column in range(across):
            top = round((height - _SAMPLE) * (row + 0.5) / down)
            left = round((width - _SAMPLE) * (column + 0.5) / across)
            square = (..., slice(top, top + _SAMPLE), slice(left, left + _SAMPLE))
            share = 1.0 if mask is None else float(mask[square].mean())
            if share < 0.01:
                continue
            for name, features in extractor(photograph[square], LEVELS).items():
                sample = moments(features)
                means[name] = share * sample.mean + means.get(name, 0)
                seconds[name] = share * sample.second + seconds.get(name, 0)
            weights += share
    if not weights:  # the region lies between the squares
        return sampled_moments(photograph, extractor, None)
    return {name: Moments(means[name] / weights, seconds[name] / weights) for name in means}
