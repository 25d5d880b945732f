"""Style as patches that are matched by what they mean as well as by how they look.

After Champandard, "Semantic style transfer and turning two-bit doodles into fine artworks", 2016:
a map of regions is joined to the features as further channels, in the picture and in the painting.
So the edge of a region takes after an edge between the same two regions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.methods import DoodleConfig
from impasto.config.specs import layer_weights
from impasto.engine.comparison import Comparison, Engine, side_by_side
from impasto.engine.paintings import MOST_POSITIONS, least_opacity, offered
from impasto.engine.palette import palette_distances, palette_shares
from impasto.engine.regions import RegionView
from impasto.image.masks import pooled
from impasto.losses.patches import PatchTarget, centred, match, patch_count
from impasto.styles.statistics import FeatureMap, Painting

__all__ = ["PATCH", "semantic_engine"]

# The weight against 1 for the total variation, chosen by eye.
_WEIGHT = 8.0

PATCH = 3
"""Side of a patch, in positions of its layer."""

# How strongly a patch of the painting that is matched often is held back.
_VARIETY = 0.15

# Weight of the finest layers' statistics, against 1 for the patches, which leave colours free.
_PALETTE = 0.5


def semantic_engine(config: DoodleConfig) -> Engine:
    """Compare each patch of the picture with the patch most like it, of one painting for all.

    Args:
        config: with its layers filled in, whose patches are matched. Its `map_weight` is γ in the
            paper: the weight of the maps beside the features, whose weight is 1.
    """
    weights = layer_weights(config.style_layers)
    fine, shares = palette_shares(config.backbone, _PALETTE)
    total = sum(weights.values())
    shares |= {f"patches {name}": weight / total for name, weight in weights.items()}

    def compare(views: Sequence[RegionView]) -> Comparison:
        distances = [palette_distances(fine, view) for view in views]
        for name in weights:
            for i, target in enumerate(_targets(name, config.map_weight, views)):
                if target is not None:
                    distances[i][f"patches {name}"] = target.distance(name)
        return side_by_side(distances)

    return Engine(tuple(dict.fromkeys([*fine, *weights])), compare, _WEIGHT, shares)


@torch.no_grad()
def _targets(name: str, gamma: float, views: Sequence[RegionView]) -> list[PatchTarget | None]:
    """Return what the patches of each region were matched with; None for a region without any."""
    current = views[0].current.features([name])[name]
    part, painting_map = _painting_at(name, views)
    painting = part.features
    height, width = current.shape[-2:]
    rows, columns = patch_count(painting.shape[-2], painting.shape[-1], PATCH)
    if min(*patch_count(height, width, PATCH), rows, columns) < 1:
        return [None for _ in views]
    # Of a large picture only every second patch along each side is compared.
    stride = 1 if height * width <= MOST_POSITIONS else 2
    positions = torch.arange(rows * columns, device=painting.device)
    region_map = _stacked([view.region.mask for view in views], current)
    _, index = match(
        centred(current),
        centred(painting),
        PATCH,
        stride,
        query_map=region_map,
        candidate_map=painting_map,
        gamma=gamma,
        candidate_index=offered(positions, None, least_opacity(part, PATCH)),
        variety=_VARIETY,
    )
    middle = region_map[0, :, 1:-1, 1:-1][:, ::stride, ::stride].flatten(1)
    return [_target(painting, index, weight, (height, width), stride) for weight in middle]


def _target(
    painting: Tensor,
    index: Tensor,
    weight: Float[Tensor, " n"],
    shape: tuple[int, int],
    stride: int,
) -> PatchTarget | None:
    where = weight.nonzero()[:, 0]
    if not len(where):
        return None
    index, weight, chosen = index[where], weight[where], torch.zeros_like(where)
    return PatchTarget(
        [painting], chosen, index, where, shape, size=PATCH, stride=stride, weight=weight
    )


def _painting_at(name: str, views: Sequence[RegionView]) -> tuple[FeatureMap, Tensor]:
    """Return the painting's features at a layer, and which region each position belongs to."""
    styles = [view.region.style for view in views]
    paintings = [style for style in styles if isinstance(style, Painting)]
    assert len(paintings) == len(styles), "a style card has no patches"
    long_side, extractor = views[0].long_side, views[0].extractor
    part = paintings[0].features_at(long_side, extractor, [name])[name]
    return part, _stacked([p.mask for p in paintings], part.features)


def _stacked(
    masks: Sequence[Float[Tensor, "1 1 _ _"] | None], like: Tensor
) -> Float[Tensor, "1 k h w"]:
    """Return masks as channels of a layer's size; None is 1 everywhere."""
    height, width = like.shape[-2:]
    ones = torch.ones(1, 1, 1, 1, device=like.device)
    channels = [
        pooled(ones if mask is None else mask.to(like.device), height, width) for mask in masks
    ]
    return torch.stack(channels)[None]
