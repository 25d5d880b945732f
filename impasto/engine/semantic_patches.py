"""Style as patches that are matched by what they mean as well as by how they look.

After Champandard, "Semantic style transfer and turning two-bit doodles into fine artworks", 2016:
a map of regions is joined to the features as further channels, in the picture and in the painting.
So the edge of a region takes after an edge between the same two regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.config.specs import layer_weights
from impasto.engine.nearest import palette_distances, palette_layers
from impasto.engine.regions import Situation
from impasto.engine.terms import Comparison, Engine, side_by_side
from impasto.image.masks import pooled
from impasto.losses.objective import Distance
from impasto.losses.patches import PatchTarget, match, patch_count
from impasto.styles.statistics import Painting

__all__ = ["meaning_engine"]

# The weight against 1 for the total variation, chosen by eye.
_WEIGHT = 8.0

# Side of a patch, in positions of its layer.
_PATCH = 3

# How much a patch of the painting that is taken often is held back.
_VARIETY = 0.15

# Patches that are looked at, of the painting and of the picture: beyond it these lie further apart.
_MOST = 16384

# Weight of the finest layers' statistics, against 1 for the patches, which leave colours free.
_PALETTE = 0.5


def meaning_engine(backbone: str, layers: Sequence[str], map_weight: float) -> Engine:
    """Each patch of the picture takes after the patch most like it, of one painting for all.

    Args:
        layers: whose patches are matched, each with a weight if wanted.
        map_weight: what the maps count beside the features, whose weight is 1: γ in the paper.
    """
    weights = layer_weights(layers)
    fine = palette_layers(backbone)
    whole = sum(weights.values())
    shares = {f"patches {name}": weight / whole for name, weight in weights.items()}
    shares |= {f"palette {name}": _PALETTE / len(fine) for name in fine}
    compare = partial(_compare, tuple(weights), map_weight, fine)
    return Engine(tuple(dict.fromkeys([*fine, *weights])), compare, _WEIGHT, shares)


def _compare(
    names: Sequence[str], gamma: float, fine: Sequence[str], areas: Sequence[Situation]
) -> Comparison:
    targets = [_palette(fine, area) for area in areas]
    for name in names:
        for i, target in enumerate(_targets(name, gamma, areas)):
            if target is not None:
                targets[i][f"patches {name}"] = target.distance(name)
    return side_by_side(targets)


def _palette(fine: Sequence[str], area: Situation) -> dict[str, Distance]:
    assert area.region.style is not None
    return palette_distances(area.region.style, fine, area)


@torch.no_grad()
def _targets(name: str, gamma: float, areas: Sequence[Situation]) -> list[PatchTarget | None]:
    """What the patches of each region were matched with; None for a region without any."""
    ours = areas[0].current.features([name])[name]
    theirs, their_map = _painting_at(name, areas)
    height, width = ours.shape[-2:]
    offers = patch_count(theirs.shape[-2], theirs.shape[-1], _PATCH)
    if min(*patch_count(height, width, _PATCH), *offers) < 1:
        return [None for _ in areas]
    stride = 1 if height * width <= _MOST else 2
    our_map = _stacked([area.region.mask for area in areas], ours)
    # About the mean of either: without it all cosines of a ReLU's features lie close together.
    asked, offered = (f.float() - f.float().mean((2, 3), keepdim=True) for f in (ours, theirs))
    _, index = match(
        asked.bfloat16(),
        offered.bfloat16(),
        _PATCH,
        stride,
        query_map=our_map,
        candidate_map=their_map,
        gamma=gamma,
        candidate_index=_thinned(offers[0] * offers[1], theirs.device),
        variety=_VARIETY,
    )
    middle = our_map[0, :, 1:-1, 1:-1][:, ::stride, ::stride].flatten(1)
    return [_target(theirs, index, weight, (height, width), stride) for weight in middle]


def _thinned(count: int, device: torch.device) -> Int[Tensor, " m"]:
    """Which of the painting's patches may be taken: all, or as many as can be looked at."""
    return torch.linspace(0, count - 1, min(count, _MOST), device=device).long()


def _target(
    theirs: Tensor,
    index: Tensor,
    weight: Float[Tensor, " n"],
    shape: tuple[int, int],
    stride: int,
) -> PatchTarget | None:
    where = weight.nonzero()[:, 0]
    if not len(where):
        return None
    return PatchTarget(
        [theirs],
        torch.zeros_like(where),
        index[where],
        where,
        shape,
        size=_PATCH,
        stride=stride,
        weight=weight[where],
    )


def _painting_at(name: str, areas: Sequence[Situation]) -> tuple[Tensor, Tensor]:
    """The painting's features at a layer, and which region each position belongs to."""
    parts = [area.region.style for area in areas]
    paintings = [part for part in parts if isinstance(part, Painting)]
    assert len(paintings) == len(parts), "a style card has no patches"
    features, _ = paintings[0].features_at(areas[0].long_side, areas[0].extractor, [name])
    return features[name], _stacked([p.mask for p in paintings], features[name])


def _stacked(
    masks: Sequence[Float[Tensor, "1 1 _ _"] | None], like: Tensor
) -> Float[Tensor, "1 k h w"]:
    """Masks as channels of a layer's size; none is one everywhere."""
    height, width = like.shape[-2:]
    whole = torch.ones(1, 1, 1, 1, device=like.device)
    each = [
        pooled(whole if mask is None else mask.to(like.device), height, width) for mask in masks
    ]
    return torch.stack(each)[None]
