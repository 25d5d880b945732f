"""Style as nearest features (Kolkin et al., "Neural Neighbor Style Transfer", 2022)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.config.specs import layer_weights
from impasto.engine.regions import Situation
from impasto.engine.terms import Engine, one_by_one
from impasto.errors import StyleError
from impasto.features.backbones import BACKBONES
from impasto.features.plan import layers as describe
from impasto.features.tiles import Tile
from impasto.losses.cells import Grid, on_grid
from impasto.losses.gaussians import GaussianTarget, gaussian
from impasto.losses.moments import Moments
from impasto.losses.neighbours import Columns, MatchTarget, nearest, potential, share_out, spread
from impasto.losses.objective import Distance, Features, Measurement, Values
from impasto.losses.statistics import lift_of
from impasto.losses.tiled_losses import region_measurement
from impasto.losses.viewer import PictureView
from impasto.styles.blend import Blend, Share
from impasto.styles.statistics import Painting, Style

__all__ = [
    "CELL",
    "MOST",
    "Source",
    "flat",
    "groups_of",
    "nearest_engine",
    "nearest_layers",
    "palette_distances",
    "palette_layers",
    "palette_shares",
    "sources_of",
]

# Pixels of the picture to a cell of the grid: a quarter of the picture (Kolkin et al. 2022).
CELL = 4

# Pixels of the picture that a matched feature sees, across.
_FARTHEST = 100

# The style's weight at strength 0.5, chosen by eye (LOG.md).
BALANCED = 8.0

# Positions of a painting that are looked at, at most; one of 512 pixels has 12,000 to 16,000.
MOST = 16384

# Positions that are looked up at a time.
_BLOCK = 16384


@dataclass(frozen=True)
class Source:
    """A painting to take features from, and its share of the positions."""

    painting: Painting
    share: float


def nearest_layers(backbone: str) -> tuple[str, ...]:
    """The layers whose features are matched: every ReLU that sees at most 100 pixels across.

    In a VGG these end at the third of the fourth stage, as in the paper; deeper ones know little of
    strokes.
    """
    infos = [i for i in describe(BACKBONES[backbone].plan) if i.name.startswith("relu")]
    return tuple(i.name for i in infos if i.receptive_field <= _FARTHEST)


def palette_layers(backbone: str) -> tuple[str, ...]:
    """The two finest of the backbone's own layers, which hold colours and grain."""
    return BACKBONES[backbone].style[:2]


def palette_shares(backbone: str, palette: float) -> tuple[tuple[str, ...], dict[str, float]]:
    """The palette's layers, and what each of their parts counts of the weight that they share."""
    fine = palette_layers(backbone) if palette else ()
    return fine, {f"palette {name}": palette / len(fine) for name in fine}


def nearest_engine(
    backbone: str,
    layers: Sequence[str] = (),
    content_mix: float = 0.5,
    variety: float = 0.8,
    palette: float = 0.5,
) -> Engine:
    """Each position takes after the painting's position that is most like it.

    Args:
        layers: whose features are joined, each with a weight if wanted; by default all of
            `nearest_layers`. Those of one size count together as much as those of another.
        content_mix: how much of the photograph, from 0 to 1, is in what is looked up; the rest is
            the picture so far.
        variety: how much a feature of the painting that is taken often is held back.
        palette: weight of the finest layers' statistics, against 1 for the matching. They hold the
            colours, which the angle between features leaves free.
    """
    weights = layer_weights(layers or nearest_layers(backbone))
    fine, shares = palette_shares(backbone, palette)
    make = partial(_distances, weights, content_mix, variety, fine)
    return Engine(tuple(dict.fromkeys([*weights, *fine])), one_by_one(make), BALANCED, shares)


def _stage(name: str) -> str:
    """The part of a backbone in which all layers have one size: `relu4` of `relu4_2`."""
    return name.partition("_")[0]


def _balanced(weights: Mapping[str, float]) -> dict[str, float]:
    """The layers' weights over the number of their stage's."""
    counts = Counter(map(_stage, weights))
    return {name: weight / counts[_stage(name)] for name, weight in weights.items()}


def sources_of(style: Style, method: str) -> list[tuple[Share, Painting]]:
    """The paintings of a style that has pixels.

    Raises:
        StyleError: a style card, which has none.
    """
    shares = style.shares if isinstance(style, Blend) else (Share(style),)
    found = []
    for share in shares:
        if not isinstance(share.style, Painting):
            raise StyleError(
                f"The method {method} takes features from the painting itself, and a style card "
                "holds only their statistics. Give the painting's file, or use the method gatys."
            )
        if share.weight > 0:
            found.append((share, share.style))
    return found


def _distances(
    weights: Mapping[str, float],
    content_mix: float,
    variety: float,
    fine: Sequence[str],
    situation: Situation,
) -> dict[str, Distance]:
    style = situation.region.style
    assert style is not None
    found: dict[str, Distance] = {}
    ordered = sorted(weights, key=situation.extractor.names.index)
    for sources, names in groups_of(sources_of(style, "nnst"), ordered):
        grid = _grid(names, situation)
        if grid is None:
            continue
        group = {name: weights[name] for name in names}
        found[f"nearest {names[0]}"] = _matching(
            sources, group, grid, content_mix, variety, situation
        )
    return found | palette_distances(style, fine, situation)


def groups_of(
    found: Sequence[tuple[Share, Painting]], names: Sequence[str]
) -> Iterator[tuple[list[Source], list[str]]]:
    """Layers, given from fine to coarse, that the same paintings speak at, and these paintings."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for i, name in enumerate(names):
        both = tuple(k for k, (s, _) in enumerate(found) if s.covers(i, len(names)))
        groups.setdefault(both, []).append(name)
    for speaking, group in groups.items():
        if speaking:
            yield [Source(found[k][1], found[k][0].weight) for k in speaking], group


def _grid(names: Sequence[str], situation: Situation) -> str | None:
    """The layer whose cells the layers are brought to: of cells of at least 4 pixels, the finest.

    None where the region is too small at that layer to have a style.
    """
    strides = {info.name: info.stride for info in describe(situation.extractor.plan)}
    coarse = [name for name in names if strides[name] >= CELL]
    grid = min(coarse, key=strides.__getitem__) if coarse else max(names, key=strides.__getitem__)
    return grid if grid in situation.weights else None


def _matching(
    sources: Sequence[Source],
    weights: Mapping[str, float],
    grid: str,
    content_mix: float,
    variety: float,
    situation: Situation,
) -> Distance:
    """The distance to what each position of the region is matched with."""
    weight = flat(situation.weights[grid])
    where = None if weight is None else weight.nonzero()[:, 0]
    there = Grid(*situation.current.shape(grid), where)
    inside = None if weight is None or where is None else weight[where]
    with torch.no_grad():
        candidates = [_candidates(s, situation, list(weights), grid) for s in sources]
        shares = [source.share for source in sources]
        columns = Columns.of(candidates, shares, _balanced(weights))
        offered = [columns.join(c) for c in candidates]
        current = _gathered(situation.current, weights, there)
        held = None if situation.content is None or not content_mix else situation.content
        photograph = None if held is None else _gathered(held, weights, there)
        query = _Query(columns, current, photograph, content_mix, inside)
        index = _matched(query, offered, shares, variety)
        rows = torch.cat(offered).to(_type_of(situation))
        target = MatchTarget(columns, rows, index, inside)
    readings = [_reading(name, target, there, situation.current) for name in weights]
    return Distance(tuple(readings), target.mean)


def _type_of(situation: Situation) -> torch.dtype:
    return next(situation.extractor.parameters()).dtype


def flat(weight: Float[Tensor, "h w"] | None) -> Float[Tensor, " n"] | None:
    """A mask in the order of a grid's rows."""
    return None if weight is None else weight.flatten()


def _reading(name: str, target: MatchTarget, grid: Grid, view: PictureView) -> Measurement:
    """A layer's part in the comparison of each position."""

    def read(features: Tensor, window: Tile) -> Values:
        rows = grid.rows(features, window)
        return target.compare(name, rows, grid.positions(window)[0].to(rows.device))

    return Measurement(name, read, reach=grid.reach(view.shape(name)), positions=grid.positions)


def _gathered(
    view: PictureView, names: Iterable[str], grid: Grid
) -> dict[str, Float[Tensor, "n _"]]:
    """Each layer's features at the wanted cells of a grid."""

    def reading(name: str) -> Measurement:
        # As columns, since the last axis is that of the places.
        read = lambda features, window: (grid.rows(features, window).T,)  # noqa: E731
        return Measurement(name, read, reach=grid.reach(view.shape(name)), positions=grid.positions)

    wanted = list(names)
    found = view.measure([reading(name) for name in wanted])
    return {name: parts[0].T for name, parts in zip(wanted, found, strict=True)}


def _rows(
    features: Features,
    names: Sequence[str],
    like: torch.Size,
    where: Int[Tensor, " n"] | None,
) -> dict[str, Tensor]:
    """Each layer's features on the grid of another, at some of its cells."""
    rows = {name: on_grid(features[name], like[-2], like[-1]) for name in names}
    return rows if where is None else {n: r.index_select(0, where) for n, r in rows.items()}


def _candidates(
    source: Source, situation: Situation, names: Sequence[str], grid: str
) -> dict[str, Tensor]:
    """The features of the painting, inside its mask; evenly thinned out where they are too many."""
    features, masks = source.painting.features_at(situation.long_side, situation.extractor, names)
    weight = flat(masks[grid])
    count = features[grid][0, 0].numel()
    where = torch.arange(count, device=features[grid].device)
    if weight is not None and bool((weight > 0).any()):
        where = where[weight >= min(0.5, float(weight.max()))]
    if len(where) > MOST:
        where = where[torch.linspace(0, len(where) - 1, MOST).long().to(where.device)]
    return _rows(features, names, features[grid].shape, where)


@dataclass(frozen=True, eq=False)
class _Query:
    """What is looked up: the photograph's features and the picture's, mixed, and joined.

    About the region's own mean: so a dark picture finds more than dark features.
    """

    columns: Columns
    current: Mapping[str, Float[Tensor, "n _"]]
    photograph: Mapping[str, Float[Tensor, "n _"]] | None
    content_mix: float
    weight: Float[Tensor, " n"] | None

    @property
    def count(self) -> int:
        """How many positions are looked up."""
        return len(next(iter(self.current.values())))

    @cached_property
    def centre(self) -> dict[str, Float[Tensor, " _"]]:
        """Each layer's mean over the region."""
        weight = self.weight
        share = torch.ones(self.count, device=self._device) if weight is None else weight
        share = share / share.sum()
        found = {name: rows.new_zeros(rows.shape[1], dtype=torch.float32)
                 for name, rows in self.current.items()}  # fmt: skip
        for block in self.blocks():
            for name, rows in self._mixed(block).items():
                found[name] += share[block] @ rows
        return found

    @property
    def _device(self) -> torch.device:
        return next(iter(self.current.values())).device

    def blocks(self) -> Iterator[slice]:
        """Some positions after others: joined, and in single precision, they take the most room."""
        return (slice(i, min(i + _BLOCK, self.count)) for i in range(0, self.count, _BLOCK))

    def joined(self, which: slice | Int[Tensor, " k"]) -> Float[Tensor, "k _"]:
        """The rows of some positions."""
        return self.columns.join(self._mixed(which), self.centre)

    def _mixed(self, which: slice | Int[Tensor, " k"]) -> dict[str, Tensor]:
        current = {name: rows[which].float() for name, rows in self.current.items()}
        if self.photograph is None:
            return current
        mix, held = self.content_mix, self.photograph
        return {n: torch.lerp(rows, held[n][which].float(), mix) for n, rows in current.items()}


def _matched(
    query: _Query,
    candidates: Sequence[Float[Tensor, "_ d"]],
    shares: Sequence[float],
    variety: float,
) -> Int[Tensor, " n"]:
    """For each position the row that it is matched with, of all paintings' rows joined."""
    # Where bfloat16 is native, products take a quarter of the time; eight bits tell rows apart.
    fast = [rows.bfloat16() for rows in candidates]
    few = lambda most: query.joined(spread(query.count, most)).bfloat16()  # noqa: E731
    bias = [potential(few, rows, variety) for rows in fast]
    found = [
        [nearest(query.joined(block).bfloat16(), *both) for both in zip(fast, bias, strict=True)]
        for block in query.blocks()
    ]
    values = torch.stack([torch.cat([each[k][0] for each in found]) for k in range(len(fast))])
    indices = torch.stack([torch.cat([each[k][1] for each in found]) for k in range(len(fast))])
    chosen = share_out(values, shares)
    before = torch.tensor([0, *(len(rows) for rows in fast)], device=chosen.device).cumsum(0)
    return indices.gather(0, chosen[None])[0] + before[chosen]


def palette_distances(
    style: Style, fine: Sequence[str], situation: Situation
) -> dict[str, Distance]:
    """The finest layers' statistics, as Gaussians."""
    present = [name for name in fine if name in situation.guides]
    wanted = style.at(situation.long_side, situation.extractor, present) if present else {}
    return {f"palette {name}": _gaussian(name, m, situation) for name, m in wanted.items()}


def _gaussian(name: str, wanted: Moments, situation: Situation) -> Distance:
    device = next(situation.extractor.parameters()).device
    target = GaussianTarget(wanted.to(device), lift_of(situation.extractor, name))
    reading = region_measurement(name, [situation.guides[name]])
    return Distance((reading,), lambda found: gaussian(Moments(*found[0]), target))
