"""Style as patches of features (Li and Wand, "Combining Markov random fields…", 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.config.specs import layer_weights
from impasto.engine.comparison import Engine, one_by_one
from impasto.engine.paintings import Source, offered, paintings_of, sources_by_layers
from impasto.engine.palette import palette_distances, palette_shares
from impasto.engine.regions import RegionView
from impasto.features.backbones import BACKBONES
from impasto.losses.neighbours import share_out
from impasto.losses.objective import Distance
from impasto.losses.patches import PatchTarget, match, patch_count

__all__ = ["patch_engine", "patch_layers"]

# The style's weight at strength 0.5, chosen by eye (LOG.md).
BALANCED = 3.0


def patch_layers(backbone: str) -> tuple[str, ...]:
    """Return the two layers in the middle of the backbone's own: relu3_1 and relu4_1 of a VGG."""
    return BACKBONES[backbone].style[2:4]


def patch_engine(
    backbone: str,
    layers: Sequence[str] = (),
    patch: int = 3,
    stride: int = 1,
    variety: float = 0.5,
    palette: float = 0.5,
) -> Engine:
    """Compare each patch of the picture's features with the painting's patch most like it.

    Args:
        layers: whose patches are matched, each with an optional weight; by default `patch_layers`.
        patch: positions along a patch's side.
        stride: positions from one patch of the picture to the next.
        variety: how strongly a patch of the painting that is matched often is held back.
        palette: weight of the finest layers' statistics, against 1 for the patches. They hold the
            colours and the grain, which patches of deep layers leave free.
    """
    weights = layer_weights(layers or patch_layers(backbone))
    fine, shares = palette_shares(backbone, palette)
    total = sum(weights.values())
    shares |= {f"patches {name}": weight / total for name, weight in weights.items()}
    make = partial(_distances, tuple(weights), _PatchShape(patch, stride), variety, fine)
    return Engine(tuple(dict.fromkeys([*weights, *fine])), one_by_one(make), BALANCED, shares)


@dataclass(frozen=True)
class _PatchShape:
    """The side of patches, and how far apart those of the picture lie."""

    size: int
    stride: int

    def centres(
        self, weight: Float[Tensor, "h w"] | None, like: Tensor, stride: int
    ) -> tuple[Int[Tensor, " n"], Float[Tensor, " n"]]:
        """Return the patches whose middle lies in a region, and the region's weight there."""
        rows, columns = patch_count(like.shape[-2], like.shape[-1], self.size, stride)
        if weight is None:
            middle = torch.ones(rows * columns, device=like.device)
        else:
            first, reach = self.size // 2, self.size - 1
            inside = weight[first:, first:][: like.shape[-2] - reach, : like.shape[-1] - reach]
            middle = inside[::stride, ::stride].flatten()
        where = middle.nonzero()[:, 0]
        return where, middle[where]


def _distances(
    names: Sequence[str],
    shape: _PatchShape,
    variety: float,
    fine: Sequence[str],
    region_view: RegionView,
) -> dict[str, Distance]:
    style = region_view.region.style
    assert style is not None
    distances: dict[str, Distance] = {}
    ordered = sorted(names, key=region_view.extractor.names.index)
    for sources, group in sources_by_layers(paintings_of(style, "mrf"), ordered):
        for name in group:
            if target := _target(sources, name, shape, variety, region_view):
                distances[f"patches {name}"] = target.distance(name)
    return distances | palette_distances(style, fine, region_view)


@torch.no_grad()
def _target(
    sources: Sequence[Source],
    name: str,
    shape: _PatchShape,
    variety: float,
    region_view: RegionView,
) -> PatchTarget | None:
    """Return what the picture's patches are matched with; None if there is no room for any."""
    if name not in region_view.weights:
        return None
    current = region_view.current.features([name])[name]
    where, weight = shape.centres(region_view.weights[name], current, shape.stride)
    candidates = [(*_candidates(s, name, shape, region_view), s.share) for s in sources]
    candidates = [candidate for candidate in candidates if len(candidate[1])]
    if not len(where) or not candidates:
        return None
    matches = [_match(current, where, f, at, shape, variety) for f, at, _ in candidates]
    values = torch.stack([values for values, _ in matches])
    chosen = share_out(values, [share for *_, share in candidates])
    index = torch.stack([index for _, index in matches]).gather(0, chosen[None])[0]
    height, width = current.shape[-2:]
    return PatchTarget(
        [features for features, *_ in candidates],
        chosen,
        index,
        where,
        (height, width),
        size=shape.size,
        stride=shape.stride,
        weight=weight,
    )


def _match(
    current: Tensor,
    where: Tensor,
    features: Tensor,
    at: Tensor,
    shape: _PatchShape,
    variety: float,
) -> tuple[Tensor, Tensor]:
    """Match each patch, about the mean of either picture.

    Departs from the paper in that mean: without it all cosines of a ReLU's features, which are
    never negative, lie close together.
    """
    query, candidates = (
        f.float() - f.float().mean((2, 3), keepdim=True) for f in (current, features)
    )
    return match(
        query.bfloat16(),
        candidates.bfloat16(),
        shape.size,
        shape.stride,
        query_index=where,
        candidate_index=at,
        variety=variety,
    )


def _candidates(
    source: Source, name: str, shape: _PatchShape, region_view: RegionView
) -> tuple[Float[Tensor, "1 c h w"], Int[Tensor, " m"]]:
    """Return a painting's features, and which of its patches may be matched."""
    features, masks = source.painting.features_at(
        region_view.long_side, region_view.extractor, [name]
    )
    return features[name], offered(*shape.centres(masks[name], features[name], 1))
