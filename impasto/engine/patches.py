"""Style as patches of features (Li and Wand, "Combining Markov random fields…", 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.config.specs import layer_weights
from impasto.engine.nearest import Source, groups_of, palette_distances, palette_shares, sources_of
from impasto.engine.regions import Situation
from impasto.engine.terms import Engine, one_by_one
from impasto.features.backbones import BACKBONES
from impasto.losses.neighbours import share_out
from impasto.losses.objective import Distance
from impasto.losses.patches import PatchTarget, match, patch_count

__all__ = ["Cut", "patch_engine", "patch_layers"]

# The style's weight at strength 0.5, chosen by eye (LOG.md).
BALANCED = 3.0

# Positions of a painting that are looked at, at most.
_MOST = 16384


def patch_layers(backbone: str) -> tuple[str, ...]:
    """The two layers in the middle of the backbone's own: relu3_1 and relu4_1 of a VGG."""
    return BACKBONES[backbone].style[2:4]


def patch_engine(
    backbone: str,
    layers: Sequence[str] = (),
    patch: int = 3,
    stride: int = 1,
    variety: float = 0.5,
    palette: float = 0.5,
) -> Engine:
    """Each patch of the picture's features takes after the painting's patch most like it.

    Args:
        layers: whose patches are matched, each with a weight if wanted; by default `patch_layers`.
        patch: positions along a patch's side.
        stride: positions from one patch of the picture to the next.
        variety: how much a patch of the painting that is taken often is held back.
        palette: weight of the finest layers' statistics, against 1 for the patches. They hold the
            colours and the grain, which patches of deep layers leave free.
    """
    weights = layer_weights(layers or patch_layers(backbone))
    fine, shares = palette_shares(backbone, palette)
    whole = sum(weights.values())
    shares |= {f"patches {name}": weight / whole for name, weight in weights.items()}
    make = partial(_distances, tuple(weights), Cut(patch, stride), variety, fine)
    return Engine(tuple(dict.fromkeys([*weights, *fine])), one_by_one(make), BALANCED, shares)


@dataclass(frozen=True)
class Cut:
    """How patches are cut: their side, and how far apart those of the picture lie."""

    size: int
    stride: int

    def centres(
        self, weight: Float[Tensor, "h w"] | None, like: Tensor, stride: int
    ) -> tuple[Int[Tensor, " n"], Float[Tensor, " n"]]:
        """The patches whose middle lies in a region, and the region's weight there."""
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
    names: Sequence[str], cut: Cut, variety: float, fine: Sequence[str], situation: Situation
) -> dict[str, Distance]:
    style = situation.region.style
    assert style is not None
    found: dict[str, Distance] = {}
    ordered = sorted(names, key=situation.extractor.names.index)
    for sources, group in groups_of(sources_of(style, "mrf"), ordered):
        for name in group:
            if target := _target(sources, name, cut, variety, situation):
                found[f"patches {name}"] = target.distance(name)
    return found | palette_distances(style, fine, situation)


@torch.no_grad()
def _target(
    sources: Sequence[Source], name: str, cut: Cut, variety: float, situation: Situation
) -> PatchTarget | None:
    """What the picture's patches are matched with; None if there is no room for any."""
    if name not in situation.weights:
        return None
    current = situation.current.features([name])[name]
    where, weight = cut.centres(situation.weights[name], current, cut.stride)
    offered = [_offered(source, name, cut, situation) for source in sources]
    held = [(f, at, s.share) for (f, at), s in zip(offered, sources, strict=True) if len(at)]
    if not len(where) or not held:
        return None
    found = [_match(current, where, f, at, cut, variety) for f, at, _ in held]
    chosen = share_out(torch.stack([values for values, _ in found]), [share for *_, share in held])
    index = torch.stack([index for _, index in found]).gather(0, chosen[None])[0]
    height, width = current.shape[-2:]
    return PatchTarget(
        [features for features, *_ in held],
        chosen,
        index,
        where,
        (height, width),
        size=cut.size,
        stride=cut.stride,
        weight=weight,
    )


def _match(
    current: Tensor, where: Tensor, features: Tensor, at: Tensor, cut: Cut, variety: float
) -> tuple[Tensor, Tensor]:
    """Each patch's match about the mean of either picture.

    Departs from the paper in that mean: without it all cosines of a ReLU's features, which are
    never negative, lie close together.
    """
    ours, theirs = (f.float() - f.float().mean((2, 3), keepdim=True) for f in (current, features))
    return match(
        ours.bfloat16(),
        theirs.bfloat16(),
        cut.size,
        cut.stride,
        query_index=where,
        candidate_index=at,
        variety=variety,
    )


def _offered(
    source: Source, name: str, cut: Cut, situation: Situation
) -> tuple[Float[Tensor, "1 c h w"], Int[Tensor, " m"]]:
    """A painting's features and which of its patches may be taken: evenly thinned if too many."""
    features, masks = source.painting.features_at(situation.long_side, situation.extractor, [name])
    where, weight = cut.centres(masks[name], features[name], 1)
    if len(where):
        where = where[weight >= min(0.5, float(weight.max()))]
    if len(where) > _MOST:
        where = where[torch.linspace(0, len(where) - 1, _MOST).long().to(where.device)]
    return features[name], where
