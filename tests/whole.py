"""Losses of a whole picture, at once."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from impasto.features.tiles import Tile
from impasto.losses.neighbours import MatchTarget
from impasto.losses.objective import Distance
from impasto.losses.patches import PatchTarget


def distance_of(distance: Distance, layers: Mapping[str, Tensor]) -> Tensor:
    """The distance of a picture, from its layers and its `pixels`."""
    layer = {m: layers[m.layer] for m in distance.measurements}
    return distance.value([m.compute(x, Tile.full(x)) for m, x in layer.items()])


def patch_distance(target: PatchTarget, features: Tensor) -> Tensor:
    return distance_of(target.distance("relu"), {"relu": features})


def match_distance(target: MatchTarget, rows: Mapping[str, Tensor]) -> Tensor:
    positions = torch.arange(len(target.index))
    return target.mean([target.compare(name, rows[name], positions) for name in target.targets])
