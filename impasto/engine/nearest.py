"""Style as nearest features (Kolkin et al., "Neural Neighbor Style Transfer", 2022)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.specs import layer_weights
from impasto.engine.comparison import Engine, one_by_one
from impasto.engine.feature_query import FeatureQuery, matched_rows
from impasto.engine.paintings import Source, offered, paintings_of, sources_by_layers
from impasto.engine.palette import palette_distances, palette_shares
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
BALANCED = 8.0


def nearest_layers(backbone: str) -> tuple[str, ...]:
    """Return the layers whose features are matched: every ReLU that sees at most 100 pixels across.

    In a VGG these end at the third of the fourth stage, as in the paper; deeper ones know little of
    strokes.
    """
    infos = [i for i in describe(BACKBONES[backbone].plan) if i.name.startswith("relu")]
    return tuple(i.name for i in infos if i.receptive_field <= _WIDEST)


def nearest_engine(
    backbone: str,
    layers: Sequence[str] = (),
    content_mix: float = 0.5,
    variety: float = 0.8,
    palette: float = 0.5,
) -> Engine:
    """Compare each position with the painting's position that is most like it.

    Args:
        layers: whose features are joined, each with an optional weight; by default all of
            `nearest_layers`. Those of one size count together as much as those of another.
        content_mix: the photograph's share, from 0 to 1, in what is looked up; the rest is the
            picture so far.
        variety: how strongly a feature of the painting that is matched often is held back.
        palette: weight of the finest layers' statistics, against 1 for the matching. They hold the
            colours, which the angle between features leaves free.
    """
    weights = layer_weights(layers or nearest_layers(backbone))
    fine, shares = palette_shares(backbone, palette)
    make = partial(_distances, weights, content_mix, variety, fine)
    return Engine(tuple(dict.fromkeys([*weights, *fine])), one_by_one(make), BALANCED, shares)


def _stage(name: str) -> str:
    """Return the stage of a backbone, in which all layers have one size: `relu4` of `relu4_2`."""
    return name.partition("_")[0]


def _balanced(weights: Mapping[str, float]) -> dict[str, float]:
    """Divide the layers' weights by the number of layers of their stage."""
    counts = Counter(map(_stage, weights))
    return {name: weight / counts[_stage(name)] for name, weight in weights.items()}


def _distances(
    weights: Mapping[str, float],
    content_mix: float,
    variety: float,
    fine: Sequence[str],
    region_view: RegionView,
) -> dict[str, Distance]:
    style = region_view.region.style
    assert style is not None
    distances: dict[str, Distance] = {}
    ordered = sorted(weights, key=region_view.extractor.names.index)
    for sources, names in sources_by_layers(paintings_of(style, "nnst"), ordered):
        grid = _grid_layer(names, region_view)
        if grid is None:
            continue
        group = {name: weights[name] for name in names}
        distances[f"nearest {names[0]}"] = _matching(
            sources, group, grid, content_mix, variety, region_view
        )
    return distances | palette_distances(style, fine, region_view)


def _grid_layer(names: Sequence[str], region_view: RegionView) -> str | None:
    """Return the layer whose grid all layers are brought to; None where the region is too small.

    It is the finest one with cells of at least `CELL` pixels.
    """
    strides = {info.name: info.stride for info in describe(region_view.extractor.plan)}
    coarse = [name for name in names if strides[name] >= CELL]
    grid = min(coarse, key=strides.__getitem__) if coarse else max(names, key=strides.__getitem__)
    return grid if grid in region_view.weights else None


def _matching(
    sources: Sequence[Source],
    weights: Mapping[str, float],
    grid_layer: str,
    content_mix: float,
    variety: float,
    region_view: RegionView,
) -> Distance:
    """Return the distance to what each position of the region is matched with."""
    weight = _flat(region_view.weights[grid_layer])
    where = None if weight is None else weight.nonzero()[:, 0]
    grid = Grid(*region_view.current.shape(grid_layer), where)
    inside = None if weight is None or where is None else weight[where]
    with torch.no_grad():
        candidates = [_candidates(s, region_view, list(weights), grid_layer) for s in sources]
        shares = [source.share for source in sources]
        columns = Columns.of(candidates, shares, _balanced(weights))
        joined = [columns.join(rows) for rows in candidates]
        current = _gathered(region_view.current, weights, grid)
        content = region_view.content if content_mix else None
        photograph = None if content is None else _gathered(content, weights, grid)
        query = FeatureQuery(columns, current, photograph, content_mix, inside)
        index = matched_rows(query, joined, shares, variety)
        dtype = next(region_view.extractor.parameters()).dtype
        target = MatchTarget(columns, torch.cat(joined).to(dtype), index, inside)
    measurements = [_reading(name, target, grid, region_view.current) for name in weights]
    return Distance(tuple(measurements), target.mean)


def _flat(weight: Float[Tensor, "h w"] | None) -> Float[Tensor, " n"] | None:
    """Return a mask in the order of a grid's rows."""
    return None if weight is None else weight.flatten()


def _reading(name: str, target: MatchTarget, grid: Grid, view: PictureView) -> Measurement:
    """Return a layer's part in the comparison of each position."""

    def read(features: Tensor, window: Tile) -> Values:
        rows = grid.rows(features, window)
        return target.compare(name, rows, grid.positions(window)[0].to(rows.device))

    return Measurement(name, read, reach=grid.reach(view.shape(name)), positions=grid.positions)


def _gathered(
    view: PictureView, names: Iterable[str], grid: Grid
) -> dict[str, Float[Tensor, "n _"]]:
    """Return each layer's features at a grid's cells."""

    def measurement(name: str) -> Measurement:
        # As columns, since the last axis is that of the places.
        read = lambda features, window: (grid.rows(features, window).T,)  # noqa: E731
        return Measurement(name, read, reach=grid.reach(view.shape(name)), positions=grid.positions)

    names = list(names)
    values = view.measure([measurement(name) for name in names])
    return {name: columns[0].T for name, columns in zip(names, values, strict=True)}


def _candidates(
    source: Source, region_view: RegionView, names: Sequence[str], grid_layer: str
) -> dict[str, Tensor]:
    """Return the painting's features of each layer, at the positions that may be matched."""
    features, masks = source.painting.features_at(
        region_view.long_side, region_view.extractor, names
    )
    height, width = features[grid_layer].shape[-2:]
    positions = torch.arange(height * width, device=features[grid_layer].device)
    where = offered(positions, _flat(masks[grid_layer]))
    return {n: on_grid(features[n], height, width).index_select(0, where) for n in names}
