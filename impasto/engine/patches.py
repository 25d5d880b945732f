"""Style as patches of features (Li and Wand, "Combining Markov random fields…", 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.config.bases import PixelConfig
from impasto.config.methods import MrfConfig
from impasto.config.specs import layer_weights
from impasto.engine.comparison import Engine
from impasto.engine.paintings import Source, least_opacity, offered
from impasto.engine.palette import matching_engine
from impasto.engine.regions import RegionView
from impasto.features.backbones import BACKBONES
from impasto.losses.neighbours import share_out
from impasto.losses.objective import Distance
from impasto.losses.patches import PatchTarget, centred, match, patch_count

__all__ = ["patch_engine", "patch_layers"]

# The style's weight at strength 0.5, chosen by eye (LOG.md).
_BALANCED = 3.0


def patch_layers(config: PixelConfig) -> tuple[str, ...]:
    """Return the two layers in the middle of the backbone's own: relu3_1 and relu4_1 of a VGG."""
    return BACKBONES[config.backbone].style[2:4]


def patch_engine(config: MrfConfig) -> Engine:
    """Compare each patch of the picture's features with the painting's patch most like it.

    Args:
        config: with its layers filled in, whose patches are matched.
    """
    weights = layer_weights(config.style_layers)
    total = sum(weights.values())
    shares = {f"patches {name}": weight / total for name, weight in weights.items()}
    return matching_engine(config, partial(_match, config), _BALANCED, shares)


def _match(
    config: MrfConfig, sources: Sequence[Source], names: Sequence[str], view: RegionView
) -> dict[str, Distance]:
    targets = {name: _target(config, sources, name, view) for name in names}
    return {f"patches {n}": target.distance(n) for n, target in targets.items() if target}


@torch.no_grad()
def _target(
    config: MrfConfig, sources: Sequence[Source], name: str, view: RegionView
) -> PatchTarget | None:
    """Return what the picture's patches are matched with; None if there is no room for any."""
    if name not in view.weights:
        return None
    size, stride = config.patch, config.patch_stride
    current = view.current.features([name])[name]
    where, weight = _centres(view.weights[name], current, size, stride)
    candidates = [(*_candidates(s, name, size, view), s.share) for s in sources]
    candidates = [candidate for candidate in candidates if len(candidate[1])]
    if not len(where) or not candidates:
        return None
    matches = [
        match(
            centred(current),
            centred(features),
            size,
            stride,
            query_index=where,
            candidate_index=index,
            variety=config.variety,
        )
        for features, index, _ in candidates
    ]
    chosen = share_out(
        torch.stack([values for values, _ in matches]), [share for *_, share in candidates]
    )
    index = torch.stack([index for _, index in matches]).gather(0, chosen[None])[0]
    paintings = [features for features, *_ in candidates]
    shape = (current.shape[-2], current.shape[-1])
    return PatchTarget(
        paintings, chosen, index, where, shape, size=size, stride=stride, weight=weight
    )


def _centres(
    weight: Float[Tensor, "h w"] | None, like: Tensor, size: int, stride: int
) -> tuple[Int[Tensor, " n"], Float[Tensor, " n"]]:
    """Return the patches whose middle lies in a region, and the region's weight there."""
    rows, columns = patch_count(like.shape[-2], like.shape[-1], size, stride)
    if weight is None:
        middle = torch.ones(rows * columns, device=like.device)
    else:
        first, reach = size // 2, size - 1
        inside = weight[first:, first:][: like.shape[-2] - reach, : like.shape[-1] - reach]
        middle = inside[::stride, ::stride].flatten()
    where = middle.nonzero()[:, 0]
    return where, middle[where]


def _candidates(
    source: Source, name: str, size: int, view: RegionView
) -> tuple[Float[Tensor, "1 c h w"], Int[Tensor, " m"]]:
    """Return a painting's features, and which of its patches may be matched."""
    part = source.painting.features_at(view.long_side, view.extractor, [name])[name]
    where, weight = _centres(part.mask, part.features, size, 1)
    opacity = least_opacity(part, size)
    return part.features, offered(where, weight, None if opacity is None else opacity[where])
