"""A photograph through both networks in tiles, one after another in the same memory.

The layers at the picture's own size and half of it see no farther than a few pixels, so small tiles
with a little overlap are enough. Those at a quarter and an eighth see farther, and have larger
tiles. In between the features are those of the whole picture: the result has no seam, and little is
computed twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.features.plan import Operation, Pool
from impasto.networks.decoder import COARSE, COARSE_REACH, LEVELS, MARGIN, REACH, Decoder

__all__ = [
    "STEP",
    "STRIDES",
    "PhotographFeatures",
    "TileSpan",
    "features_of",
    "paint",
    "tile_spans",
]

STEP = 8
"""Pixels to a step of the deepest level; tiles begin at its multiples."""

# Pixels along a tile's sides, for the shallow levels and for the deep ones, whose maps are smaller.
_SIDE, _DEEP_SIDE = 512, 896

# Pixels that the deep levels see beyond a tile, from the second pooling on: by four convolutions at
# a quarter of the size, and one at an eighth.
_DEEP_REACH = 24

# The shallow levels, and the pixels to a step after the second pooling.
_FINEST, _FINER = "relu1_1", "relu2_1"
_SHALLOW = 4

STRIDES = {name: STEP >> number for number, name in enumerate(LEVELS)}
"""Pixels to a step of each level."""

Picture = Float[Tensor, "1 3 _ _"]
Features = Mapping[str, Float[Tensor, "1 _ _ _"]]


@dataclass(frozen=True)
class TileSpan:
    """Where a tile lies along one side of a picture with its margin.

    Attributes:
        start, end: of what is painted.
        first, last: of the features that are kept; at the ends of the side with the margin.
        side: length of the side.
    """

    start: int
    end: int
    first: int
    last: int
    side: int

    def input(self, reach: int, stride: int = 1) -> slice:
        """Return what the features are computed from, with `reach` pixels around; in strides."""
        first, last = max(0, self.first - reach), min(self.side, self.last + reach)
        return slice(first // stride, last // stride)

    def decoder_input(self, stride: int = 1) -> slice:
        """Return what the fine half paints from, in strides."""
        return slice((self.start - REACH) // stride, (self.end + REACH) // stride)


@dataclass(frozen=True)
class PhotographFeatures:
    """A photograph's features at `LEVELS`.

    Attributes:
        levels: by level; of the finest only every second row and column, for its moments.
        finest: the finest level of the only tile; None if there are several, which compute it
            again.
    """

    levels: Features
    finest: Tensor | None


def tile_spans(side: int, length: int) -> list[TileSpan]:
    """Divide a side with its margin, of whole steps, into tiles of about that length."""
    inner = side - 2 * MARGIN
    count = max(1, round(inner / length))
    cuts = [MARGIN + inner * i // count // STEP * STEP for i in range(count)] + [MARGIN + inner]
    firsts, lasts = [0, *cuts[1:-1]], [*cuts[1:-1], side]
    ends = zip(cuts, cuts[1:], firsts, lasts, strict=False)
    return [TileSpan(*numbers, side) for numbers in ends]


def _tiles(sides: Sequence[int], length: int) -> Iterator[tuple[TileSpan, TileSpan]]:
    rows, columns = (tile_spans(side, length) for side in sides)
    return ((row, column) for row in rows for column in columns)


def features_of(framed: Picture, extractor: Extractor) -> PhotographFeatures:
    """Return a photograph's features.

    Args:
        framed: the photograph with its margin, of whole steps.
    """
    operations = extractor.needed(LEVELS)
    split = [i for i, op in enumerate(operations, 1) if isinstance(op, Pool)][1]
    pooled = operations[split - 1].name
    tiles = list(_tiles(framed.shape[-2:], _SIDE))
    levels: dict[str, Tensor] = {}
    finest = None
    for row, column in tiles:
        entered = extractor.enter(_input(framed, 1, row, column, REACH))
        shallow = extractor.advance(entered, operations[:split], {*LEVELS, pooled})[1]
        _put(levels, _FINEST, shallow[_FINEST][..., ::2, ::2], 2, row, column, REACH)
        _put(levels, _FINER, shallow[_FINER], 2, row, column, REACH)
        _put(levels, pooled, shallow[pooled], _SHALLOW, row, column, REACH)
        if len(tiles) == 1:
            finest = _decoder_input(shallow[_FINEST], 1, row, column)
    deep = _deep_features(levels.pop(pooled), extractor, operations[split:])
    return PhotographFeatures({**levels, **deep}, finest)


def _deep_features(
    pooled: Tensor, extractor: Extractor, operations: Sequence[Operation]
) -> dict[str, Tensor]:
    """Return the deep levels, from the output of the second pooling."""
    levels: dict[str, Tensor] = {}
    sides = [_SHALLOW * n for n in pooled.shape[-2:]]
    for row, column in _tiles(sides, _DEEP_SIDE):
        x = _input(pooled, _SHALLOW, row, column, _DEEP_REACH)
        deep = extractor.advance(x, operations, LEVELS)[1]
        for name, part in deep.items():
            _put(levels, name, part, STRIDES[name], row, column, _DEEP_REACH)
    return levels


def _put(
    features: dict[str, Tensor],
    name: str,
    part: Tensor,
    stride: int,
    row: TileSpan,
    column: TileSpan,
    reach: int,
) -> None:
    """Write a tile's features into those of the whole picture.

    Args:
        part: computed from the tile's input with that reach.
    """
    if (row.first, row.last, column.first, column.last) == (0, row.side, 0, column.side):
        features[name] = part
        return
    if name not in features:
        features[name] = torch.empty(
            (1, part.shape[1], row.side // stride, column.side // stride),
            dtype=part.dtype,
            device=part.device,
            memory_format=torch.channels_last,
        )
    target, source = [], []
    for span in (row, column):
        first, last = span.first // stride, span.last // stride
        begin = span.input(reach, stride).start
        target.append(slice(first, last))
        source.append(slice(first - begin, last - begin))
    features[name][..., target[0], target[1]] = part[..., source[0], source[1]]


def paint(
    features: PhotographFeatures, framed: Picture, decoder: Decoder, extractor: Extractor
) -> Picture:
    """Decode a photograph's features; the picture has no margin, and whole steps."""
    sides = framed.shape[-2:]
    coarse = _coarse_output(features.levels, sides, decoder)
    height, width = (n - 2 * MARGIN for n in sides)
    painted = framed.new_empty((1, 3, height, width))
    for row, column in _tiles(sides, _SIDE):
        finest = features.finest
        if finest is None:
            finest = extractor(_decoder_input(framed, 1, row, column), [_FINEST])[_FINEST]
        finer = _decoder_input(features.levels[_FINER], 2, row, column)
        coarse_part = _decoder_input(coarse, _SHALLOW, row, column)
        tile = decoder.fine(coarse_part, {_FINEST: finest, _FINER: finer})
        rows, columns = (slice(span.start - MARGIN, span.end - MARGIN) for span in (row, column))
        painted[..., rows, columns] = tile[..., REACH:-REACH, REACH:-REACH]
    return painted.clamp_(0, 1)


def _coarse_output(levels: Features, sides: Sequence[int], decoder: Decoder) -> Tensor:
    """Return the output of the decoder's coarse half, from the two deep levels."""
    output: dict[str, Tensor] = {}
    for row, column in _tiles(sides, _DEEP_SIDE):
        parts = {
            name: _input(levels[name], STRIDES[name], row, column, COARSE_REACH) for name in COARSE
        }
        _put(output, "coarse", decoder.coarse(parts), _SHALLOW, row, column, COARSE_REACH)
    return output["coarse"]


def _input(features: Tensor, stride: int, row: TileSpan, column: TileSpan, reach: int) -> Tensor:
    return features[..., row.input(reach, stride), column.input(reach, stride)]


def _decoder_input(features: Tensor, stride: int, row: TileSpan, column: TileSpan) -> Tensor:
    return features[..., row.decoder_input(stride), column.decoder_input(stride)]
