"""Style as nearest features (Kolkin et al., "Neural Neighbor Style Transfer", 2022)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PixelConfig
from impasto.config.methods import NnstConfig
from impasto.config.specs import layer_weights
from impasto.engine.comparison import Engine
from impasto.engine.feature_query import FeatureQuery, matched_rows
from impasto.engine.paintings import Source, offered
from impasto.engine.palette import matching_engine
from impasto.engine.regions import RegionView
from impasto.features.backbones import BACKBONES
from impasto.features.plan import layers as describe
from impasto.features.tiles import Tile
from impasto.losses.cells import Grid, on_grid
from impasto.losses.neighbours import Columns, MatchTarget
from impasto.losses.objective import Distance, Measurement, Values
from impasto.losses.viewer import PictureView

__all__ = ["CELL", "nearest_engine", "nearest_layers"]

CELL = 4
"""Pixels of the picture to a cell of the grid: a quarter of the picture (Kolkin et al. 2022)."""

# The largest receptive field of a matched feature, in pixels across.
_WIDEST = 100

# The style's weight at strength 0.5, chosen by eye (LOG.md).
_BALANCED = 8.0


def nearest_layers(config: PixelConfig) -> tuple[str, ...]:
    """Return the layers whose features are matched: every ReLU that sees at most 100 pixels across.

    In a VGG these end at the third of the fourth stage, as in the paper; deeper ones know little of
    strokes.
    """
    infos = [i for i in describe(BACKBONES[config.backbone].plan) if i.name.startswith("relu")]
    return tuple(i.name for i in infos if i.receptive_field <= _WIDEST)


def nearest_engine(config: NnstConfig) -> Engine:
    """Compare each position with the painting's position that is most like it.

    Args:
        config: with its layers filled in, whose features are joined. Those of one size count
            together as much as those of another.
    """
    return matching_engine(config, partial(_match, config), _BALANCED, {})


def _stage(name: str) -> str:
    """Return the stage of a backbone, in which all layers have one size: `relu4` of `relu4_2`."""
    return name.partition("_")[0]


def _balanced(weights: Mapping[str, float]) -> dict[str, float]:
    """Divide the layers' weights by the number of layers of their stage."""
    counts = Counter(map(_stage, weights))
    return {name: weight / counts[_stage(name)] for name, weight in weights.items()}


def _grid_layer(names: Sequence[str], view: RegionView) -> str | None:
    """Return the layer whose grid all layers are brought to; None where the region is too small.

    It is the finest one with cells of at least `CELL` pixels.
    """
    strides = {info.name: info.stride for info in describe(view.extractor.plan)}
    coarse = [name for name in names if strides[name] >= CELL]
    grid = min(coarse, key=strides.__getitem__) if coarse else max(names, key=strides.__getitem__)
    return grid if grid in view.weights else None


@torch.no_grad()
def _match(
    config: NnstConfig, sources: Sequence[Source], names: Sequence[str], view: RegionView
) -> dict[str, Distance]:
    """Return the distance to what each position of the region is matched with."""
    grid_layer = _grid_layer(names, view)
    if grid_layer is None:
        return {}
    all_weights, shares = layer_weights(config.style_layers), [source.share for source in sources]
    weight = _flat(view.weights[grid_layer])
    where = None if weight is None else weight.nonzero()[:, 0]
    grid = Grid(*view.current.shape(grid_layer), where)
    inside = None if weight is None or where is None else weight[where]
    candidates = [_candidates(source, view, names, grid_layer) for source in sources]
    columns = Columns.of(candidates, shares, _balanced({n: all_weights[n] for n in names}))
    joined = [columns.join(rows) for rows in candidates]
    current = _gathered(view.current, names, grid)
    content = view.content if config.content_mix else None
    photograph = None if content is None else _gathered(content, names, grid)
    query = FeatureQuery(columns, current, photograph, config.content_mix, inside)
    index = matched_rows(query, joined, shares, config.variety)
    dtype = next(view.extractor.parameters()).dtype
    target = MatchTarget(columns, torch.cat(joined).to(dtype), index, inside)
    measurements = [_measurement(name, target, grid, view.current) for name in names]
    return {f"nearest {names[0]}": Distance(tuple(measurements), target.mean)}


def _flat(weight: Float[Tensor, "h w"] | None) -> Float[Tensor, " n"] | None:
    """Return a mask in the order of a grid's rows."""
    return None if weight is None else weight.flatten()


def _measurement(name: str, target: MatchTarget, grid: Grid, picture: PictureView) -> Measurement:
    """Return a layer's part in the comparison of each position."""

    def compute(features: Tensor, tile: Tile) -> Values:
        rows = grid.rows(features, tile)
        return target.compare(name, rows, grid.positions(tile)[0].to(rows.device))

    reach = grid.reach(picture.shape(name))
    return Measurement(name, compute, reach=reach, positions=grid.positions)


def _gathered(
    picture: PictureView, names: Sequence[str], grid: Grid
) -> dict[str, Float[Tensor, "n _"]]:
    """Return each layer's features at a grid's cells."""
    # As columns, since the last axis is that of the places.
    compute = lambda features, tile: (grid.rows(features, tile).T,)  # noqa: E731
    reaches = [grid.reach(picture.shape(name)) for name in names]
    values = picture.measure(
        [
            Measurement(name, compute, reach=reach, positions=grid.positions)
            for name, reach in zip(names, reaches, strict=True)
        ]
    )
    return {name: columns[0].T for name, columns in zip(names, values, strict=True)}


def _candidates(
    source: Source, view: RegionView, names: Sequence[str], grid_layer: str
) -> dict[str, Tensor]:
    """Return the painting's features of each layer, at the positions that may be matched."""
    maps = source.painting.features_at(view.long_side, view.extractor, names)
    grid = maps[grid_layer]
    height, width = grid.features.shape[-2:]
    positions = torch.arange(height * width, device=grid.features.device)
    where = offered(positions, _flat(grid.mask), _flat(grid.opacity))
    return {n: on_grid(maps[n].features, height, width).index_select(0, where) for n in names}
