"""What a plain photograph lacks: the features of a picture with a bit of everything.

An optimal transport moves a photograph's mean to the painting's. Of a photograph of one colour that
is all that there is to move, and white, grey and black would come out alike; in a nearly plain sky
the little that varies, such as a roof at its edge, would be moved far beyond any colour. So a plain
photograph is moved as if a part of it were this picture, which has all greys and many colours: then
white becomes the painting's lights, and black its darks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.losses.moments import Moments, moments
from impasto.networks.decoder import LEVELS
from impasto.runtime import generator

__all__ = ["PLAIN", "broad_moments", "broad_picture", "broad_share", "steadied"]

PLAIN = 0.1
"""The variance of a photograph, as a share of the broad picture's, below which it counts as plain.
Ordinary photographs have from 0.3 to 2 of it, and are painted as they are."""

# The broad picture in pixels, its leaves, the least and the largest radius, and the width of edges.
_SIDE, _LEAVES, _LEAST, _LARGEST, _EDGE = 192, 300, 12.0, 48.0, 3.0

# How far a leaf's colour is from its grey.
_CHROMA = 0.4


@cache
def broad_picture() -> Float[Tensor, "1 3 side side"]:
    """Draw discs of many sizes and colours over each other; always the same ones.

    The dead leaves of Lee, Mumford and Huang, "Occlusion models for natural images" (2001): with
    radii distributed by r⁻³ it has the statistics of photographs, edges included.
    """
    picture = torch.full((3, _SIDE, _SIDE), 0.5)
    places = torch.arange(_SIDE) + 0.5
    for leaf in torch.rand(_LEAVES, 6, generator=generator(0)).tolist():
        least, largest = _LEAST**-2, _LARGEST**-2
        radius = (least - (least - largest) * leaf[0]) ** -0.5
        column, row = (_SIDE * share for share in leaf[1:3])
        across, down = (
            slice(max(0, int(middle - radius - _EDGE)), int(middle + radius + _EDGE) + 1)
            for middle in (column, row)
        )
        far = torch.hypot((places[across] - column)[None], (places[down] - row)[:, None])
        cover = ((radius - far) / _EDGE + 0.5).clamp(0, 1)
        colour = _colour(*leaf[3:])[:, None, None]
        picture[:, down, across] = torch.lerp(picture[:, down, across], colour, cover)
    return picture[None]


def _colour(grey: float, warm: float, green: float) -> Float[Tensor, "3"]:
    """Return a grey with a share of red against blue, and of green against both; each in [0, 1]."""
    red_blue = _CHROMA * (warm - 0.5) * torch.tensor([1.0, 0.0, -1.0])
    green_others = _CHROMA / 2 * (green - 0.5) * torch.tensor([1.0, -2.0, 1.0])
    return (grey + red_blue + green_others).clamp(0, 1)


@torch.no_grad()
def broad_moments(extractor: Extractor) -> dict[str, Moments]:
    """Return the moments of the broad picture's features, by level."""
    like = next(extractor.parameters())
    features = extractor(broad_picture().to(like.device), LEVELS)
    return {name: moments(features[name]) for name in LEVELS}


def broad_share(variance: Tensor, broad: Moments) -> Tensor:
    """Return how much of the broad picture a photograph with that mean variance of channels gets.

    1 for one of one colour, 0 for one that is not plain.
    """
    broad_variance = (broad.second.diagonal(dim1=1, dim2=2) - broad.mean.square()).mean(1)
    return (1 - variance.clamp(min=0) / (PLAIN * broad_variance)).clamp(min=0).square()


def steadied(photograph: Mapping[str, Moments], broad: Mapping[str, Moments]) -> dict[str, Moments]:
    """Return a photograph's moments, mixed with the broad picture's as far as it is plain."""
    return {name: _mixed(photograph[name], broad[name]) for name in broad}


def _mixed(plain: Moments, broad: Moments) -> Moments:
    variance = (plain.second.diagonal(dim1=1, dim2=2) - plain.mean.square()).mean(1)
    share = broad_share(variance, broad)
    mean = torch.lerp(plain.mean, broad.mean, share[:, None])
    return Moments(mean, torch.lerp(plain.second, broad.second, share[:, None, None]))
