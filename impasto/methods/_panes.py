"""A photograph through both networks: in panes where features are large, at once where small.

Features at the picture's own size and half of it take four fifths of the memory, and nothing that
makes or uses them looks farther than a few pixels. So panes that nearly meet do for them, one after
another in the same memory, and the deeper features are those of the whole picture: what is painted
has no seam, and hardly anything is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.features.plan import Operation, Pool
from impasto.networks.decoder import LEVELS, REACH, Decoder
from impasto.networks.portable import MARGIN

__all__ = ["STEP", "Seen", "Span", "look", "paint", "spans"]

STEP = 8
"""Pixels to a step of the deepest level; where panes begin, its grid does."""

# Pixels along a pane's sides.
_SIDE = 512

# The shallow levels, each with its stride, and the pixels to a step after the second pooling.
_FINEST, _FINER = "relu1_1", "relu2_1"
_SHALLOW = 4

Picture = Float[Tensor, "1 3 _ _"]
Features = Mapping[str, Float[Tensor, "1 _ _ _"]]


@dataclass(frozen=True)
class Span:
    """Where a pane lies along one side of a picture with its margin.

    Attributes:
        start, end: of what is painted.
        first, last: of what is looked at for the deeper levels: the margin too, at the ends.
        whole: length of the side.
    """

    start: int
    end: int
    first: int
    last: int
    whole: int

    @property
    def near(self) -> slice:
        """What is seen to look at it."""
        return slice(max(0, self.first - REACH), min(self.whole, self.last + REACH))

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


def spans(side: int) -> list[Span]:
    """Panes of about the same length along a side with its margin, which is of whole steps."""
    inner = side - 2 * MARGIN
    count = max(1, round(inner / _SIDE))
    cuts = [MARGIN + inner * i // count // STEP * STEP for i in range(count)] + [MARGIN + inner]
    firsts, lasts = [0, *cuts[1:-1]], [*cuts[1:-1], side]
    ends = zip(cuts, cuts[1:], firsts, lasts, strict=False)
    return [Span(*each, side) for each in ends]


def _grid(framed: Picture) -> Iterator[tuple[Span, Span]]:
    height, width = framed.shape[-2:]
    return ((row, column) for row in spans(height) for column in spans(width))


def look(framed: Picture, extractor: Extractor) -> Seen:
    """A photograph's features.

    Args:
        framed: the photograph with its margin, of whole steps.
    """
    operations = extractor.needed(LEVELS)
    split = _after_pools(operations, 2)
    pooled = operations[split - 1].name
    panes = list(_grid(framed))
    found: dict[str, Tensor] = {}
    kept = []
    for row, column in panes:
        seen = extractor.enter(framed[..., row.near, column.near])
        shallow = extractor.advance(seen, operations[:split], {*LEVELS, pooled})[1]
        _put(found, _FINEST, shallow[_FINEST][..., ::2, ::2], 2, row, column)
        _put(found, _FINER, shallow[_FINER], 2, row, column)
        _put(found, pooled, shallow[pooled], _SHALLOW, row, column)
        if len(panes) == 1:
            kept.append(shallow[_FINEST][..., row.around, column.around])
    deep = extractor.advance(found.pop(pooled), operations[split:], LEVELS)[1]
    return Seen({**found, **deep}, kept)


def _after_pools(operations: Sequence[Operation], count: int) -> int:
    return [i for i, op in enumerate(operations, 1) if isinstance(op, Pool)][count - 1]


def _put(
    found: dict[str, Tensor], name: str, part: Tensor, stride: int, row: Span, column: Span
) -> None:
    """A pane's features laid beside those of the others."""
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
        begin = span.near.start
        here.append(slice((span.first - begin) // stride, (span.last - begin) // stride))
    found[name][..., there[0], there[1]] = part[..., here[0], here[1]]


def paint(seen: Seen, framed: Picture, decoder: Decoder, extractor: Extractor) -> Picture:
    """The photograph without its margin, to whole steps, as the decoder paints it."""
    coarse = decoder.coarse(seen.levels)
    height, width = (n - 2 * MARGIN for n in framed.shape[-2:])
    painted = framed.new_empty((1, 3, height, width))
    for number, (row, column) in enumerate(_grid(framed)):
        here = framed[..., row.around, column.around]
        finest = seen.panes[number] if seen.panes else extractor(here, [_FINEST])[_FINEST]
        finer = _at(seen.levels[_FINER], 2, row, column)
        made = decoder.fine(_at(coarse, _SHALLOW, row, column), {_FINEST: finest, _FINER: finer})
        inner = made[..., REACH:-REACH, REACH:-REACH]
        painted[
            ..., row.start - MARGIN : row.end - MARGIN, column.start - MARGIN : column.end - MARGIN
        ] = inner
    return painted.clamp_(0, 1)


def _at(features: Tensor, stride: int, row: Span, column: Span) -> Tensor:
    rows, columns = (
        slice(s.around.start // stride, s.around.stop // stride) for s in (row, column)
    )
    return features[..., rows, columns]
