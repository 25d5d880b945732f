"""A photograph through both networks in panes, one after another in the same memory.

What makes and uses the features at the picture's own size and half of it looks no farther than a
few pixels: small panes that nearly meet do for it. What makes and uses those at a quarter and an
eighth looks farther, and has larger panes. In between the features are those of the whole picture:
what is painted has no seam, and little is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.features.plan import Operation, Pool
from impasto.networks.decoder import COARSE, COARSE_REACH, LEVELS, REACH, Decoder
from impasto.networks.portable import MARGIN

__all__ = ["STEP", "Seen", "Span", "look", "paint", "spans"]

STEP = 8
"""Pixels to a step of the deepest level; where panes begin, its grid does."""

# Pixels along a pane's sides, for the shallow levels and for the deep ones, whose maps are smaller.
_SIDE, _DEEP_SIDE = 512, 896

# Pixels that the deep levels look at beyond themselves, from the second pooling on: by four
# convolutions at a quarter of the size, and one at an eighth.
_DEEP_REACH = 24

# The shallow levels, and the pixels to a step after the second pooling.
_FINEST, _FINER = "relu1_1", "relu2_1"
_SHALLOW = 4

_STRIDES = {name: STEP >> number for number, name in enumerate(LEVELS)}

Picture = Float[Tensor, "1 3 _ _"]
Features = Mapping[str, Float[Tensor, "1 _ _ _"]]


@dataclass(frozen=True)
class Span:
    """Where a pane lies along one side of a picture with its margin.

    Attributes:
        start, end: of what is painted.
        first, last: of what is looked at: the margin too, at the ends.
        whole: length of the side.
    """

    start: int
    end: int
    first: int
    last: int
    whole: int

    def near(self, reach: int, stride: int = 1) -> slice:
        """What is seen to look at it by what reaches so many pixels, in steps of so many."""
        first, last = max(0, self.first - reach), min(self.whole, self.last + reach)
        return slice(first // stride, last // stride)

    @property
    def around(self) -> slice:
        """What is seen to paint it."""
        return slice(self.start - REACH, self.end + REACH)


@dataclass(frozen=True)
class Seen:
    """What a photograph's features are.

    Attributes:
        levels: by level; of the finest only every second row and column, for its moments.
        panes: the finest level itself, around each pane, where there are few.
    """

    levels: Features
    panes: Sequence[Tensor]


def spans(side: int, length: int) -> list[Span]:
    """Panes of about that length along a side with its margin, which is of whole steps."""
    inner = side - 2 * MARGIN
    count = max(1, round(inner / length))
    cuts = [MARGIN + inner * i // count // STEP * STEP for i in range(count)] + [MARGIN + inner]
    firsts, lasts = [0, *cuts[1:-1]], [*cuts[1:-1], side]
    ends = zip(cuts, cuts[1:], firsts, lasts, strict=False)
    return [Span(*each, side) for each in ends]


def _grid(sides: Sequence[int], length: int) -> Iterator[tuple[Span, Span]]:
    rows, columns = (spans(side, length) for side in sides)
    return ((row, column) for row in rows for column in columns)


def look(framed: Picture, extractor: Extractor) -> Seen:
    """A photograph's features.

    Args:
        framed: the photograph with its margin, of whole steps.
    """
    operations = extractor.needed(LEVELS)
    split = _after_pools(operations, 2)
    pooled = operations[split - 1].name
    panes = list(_grid(framed.shape[-2:], _SIDE))
    found: dict[str, Tensor] = {}
    kept = []
    for row, column in panes:
        seen = extractor.enter(_near(framed, 1, row, column, REACH))
        shallow = extractor.advance(seen, operations[:split], {*LEVELS, pooled})[1]
        _put(found, _FINEST, shallow[_FINEST][..., ::2, ::2], 2, row, column, REACH)
        _put(found, _FINER, shallow[_FINER], 2, row, column, REACH)
        _put(found, pooled, shallow[pooled], _SHALLOW, row, column, REACH)
        if len(panes) == 1:
            kept.append(shallow[_FINEST][..., row.around, column.around])
    deep = _look_deeper(found.pop(pooled), extractor, operations[split:])
    return Seen({**found, **deep}, kept)


def _look_deeper(
    pooled: Tensor, extractor: Extractor, operations: Sequence[Operation]
) -> dict[str, Tensor]:
    """The deep levels, from what the second pooling made."""
    found: dict[str, Tensor] = {}
    sides = [_SHALLOW * n for n in pooled.shape[-2:]]
    for row, column in _grid(sides, _DEEP_SIDE):
        seen = _near(pooled, _SHALLOW, row, column, _DEEP_REACH)
        deep = extractor.advance(seen, operations, LEVELS)[1]
        for name, part in deep.items():
            _put(found, name, part, _STRIDES[name], row, column, _DEEP_REACH)
    return found


def _after_pools(operations: Sequence[Operation], count: int) -> int:
    return [i for i, op in enumerate(operations, 1) if isinstance(op, Pool)][count - 1]


def _put(
    found: dict[str, Tensor],
    name: str,
    part: Tensor,
    stride: int,
    row: Span,
    column: Span,
    reach: int,
) -> None:
    """A pane's features laid beside those of the others.

    Args:
        part: of what is near to it, by that reach.
    """
    if (row.first, row.last, column.first, column.last) == (0, row.whole, 0, column.whole):
        found[name] = part
        return
    if name not in found:
        found[name] = torch.empty(
            (1, part.shape[1], row.whole // stride, column.whole // stride),
            dtype=part.dtype,
            device=part.device,
            memory_format=torch.channels_last,
        )
    there, here = [], []
    for span in (row, column):
        there.append(slice(span.first // stride, span.last // stride))
        begin = span.near(reach, stride).start
        here.append(slice(span.first // stride - begin, span.last // stride - begin))
    found[name][..., there[0], there[1]] = part[..., here[0], here[1]]


def paint(seen: Seen, framed: Picture, decoder: Decoder, extractor: Extractor) -> Picture:
    """The photograph without its margin, to whole steps, as the decoder paints it."""
    sides = framed.shape[-2:]
    coarse = _paint_coarsely(seen.levels, sides, decoder)
    height, width = (n - 2 * MARGIN for n in sides)
    painted = framed.new_empty((1, 3, height, width))
    for number, (row, column) in enumerate(_grid(sides, _SIDE)):
        here = framed[..., row.around, column.around]
        finest = seen.panes[number] if seen.panes else extractor(here, [_FINEST])[_FINEST]
        finer = _at(seen.levels[_FINER], 2, row, column)
        made = decoder.fine(_at(coarse, _SHALLOW, row, column), {_FINEST: finest, _FINER: finer})
        inner = made[..., REACH:-REACH, REACH:-REACH]
        painted[
            ..., row.start - MARGIN : row.end - MARGIN, column.start - MARGIN : column.end - MARGIN
        ] = inner
    return painted.clamp_(0, 1)


def _paint_coarsely(levels: Features, sides: Sequence[int], decoder: Decoder) -> Tensor:
    """What the decoder's coarse half makes of the two deep levels."""
    found: dict[str, Tensor] = {}
    for row, column in _grid(sides, _DEEP_SIDE):
        seen = {
            name: _near(levels[name], _STRIDES[name], row, column, COARSE_REACH) for name in COARSE
        }
        _put(found, "coarse", decoder.coarse(seen), _SHALLOW, row, column, COARSE_REACH)
    return found["coarse"]


def _near(features: Tensor, stride: int, row: Span, column: Span, reach: int) -> Tensor:
    return features[..., row.near(reach, stride), column.near(reach, stride)]


def _at(features: Tensor, stride: int, row: Span, column: Span) -> Tensor:
    rows, columns = (
        slice(s.around.start // stride, s.around.stop // stride) for s in (row, column)
    )
    return features[..., rows, columns]
