"""A network computed stage by stage, each in tiles, with exactly the result of the whole picture.

A stage ends where the network makes the picture smaller. Within one, a cell depends on only a few
cells around it, so tiles are cut out with those around them and computed alone; each cell belongs
to one tile. Halos for the whole depth of a network would be twenty times as wide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.plan import Conv, Operation, relu_name

__all__ = ["Cut", "Stage", "Tile", "cut_tiles", "stages"]

# A tile has at least as many cells along each side, if its layer has them.
_LEAST = 16

Span = tuple[int, int]  # along one axis: the first cell, and the one after the last


@dataclass(frozen=True)
class Tile:
    """The cells of a layer that belong to one tile.

    Attributes:
        rows, columns: the first, and the one after the last.
        shape: height and width of the whole layer.
        above, left: how many cells come before them in what was cut out.
    """

    rows: Span
    columns: Span
    shape: tuple[int, int]
    above: int = 0
    left: int = 0

    @staticmethod
    def full(features: Tensor) -> Tile:
        """Return the tile that is a whole layer."""
        height, width = features.shape[-2:]
        return Tile((0, height), (0, width), (height, width))

    @property
    def size(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    @property
    def is_full(self) -> bool:
        """Whether all cells of the layer belong to it."""
        return self.size == self.shape

    @property
    def share(self) -> float:
        """Its cells over all of the layer's."""
        return math.prod(self.size) / math.prod(self.shape)

    def select(self, layer: Float[Tensor, "*b h w"]) -> Float[Tensor, "*b _ _"]:
        """Return the tile's cells of a map of the whole layer."""
        return layer[..., slice(*self.rows), slice(*self.columns)]

    def crop(self, cut: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c _ _"]:
        """Return the tile's cells of what was cut out."""
        return self.crop_around(cut, 0, 0)

    def crop_around(
        self, cut: Float[Tensor, "b c h w"], before: int, after: int
    ) -> Float[Tensor, "b c _ _"]:
        """Return them with cells before and after; beyond the layer its last cells are repeated."""
        height, width = self.size
        top, left = self.above - before, self.left - before
        bottom, right = self.above + height + after, self.left + width + after
        inside = cut[..., max(0, top) : bottom, max(0, left) : right]
        beyond = (-left, right - cut.shape[-1], -top, bottom - cut.shape[-2])
        missing = tuple(max(0, cells) for cells in beyond)
        return F.pad(inside, missing, "replicate") if any(missing) else inside


@dataclass(frozen=True)
class Cut:
    """A part of a stage's input: a tile, with the cells around it that its layers depend on.

    Attributes:
        rows, columns: what is cut out; they go beyond the picture where opposite edges meet.
        tiles: by layer, and for the stage's output under an empty name.
    """

    rows: Span
    columns: Span
    tiles: Mapping[str, Tile]


@dataclass(frozen=True)
class Stage:
    """Operations up to one that makes the picture smaller, or to the last that is needed.

    Attributes:
        fields: for each requested layer, and for the output (an empty name): the input's cells to
            one of its own, and how many cells before and after these it depends on.
        sizes: kernel, stride and padding of the operations that lead to each of these.
        widths: channels of what the stage computes on the way.
    """

    operations: tuple[Operation, ...]
    fields: Mapping[str, tuple[int, int, int]]
    sizes: Mapping[str, tuple[tuple[int, int, int], ...]]
    widths: tuple[int, ...]

    @property
    def stride(self) -> int:
        """Cells of the input to one of the output."""
        return self.fields[""][0]

    @property
    def layers(self) -> tuple[str, ...]:
        """The requested layers."""
        return tuple(name for name in self.fields if name)

    def shape(self, name: str, height: int, width: int, *, wrap: bool) -> tuple[int, int]:
        """Return height and width of a layer, or of the output, for an input of that size."""
        sides = []
        for cells in (height, width):
            for kernel, stride, padding in self.sizes[name]:
                more = 0 if wrap else 2 * padding - kernel
                cells = cells // stride if wrap else (cells + more) // stride + 1
            sides.append(cells)
        return sides[0], sides[1]


def stages(plan: Iterable[Operation], layers: Iterable[str], inputs: int = 3) -> list[Stage]:
    """Return a network's stages, up to the deepest of the layers."""
    missing, finished, builder = set(layers), [], _StageBuilder(inputs)
    for operation in plan:
        if not missing:
            break
        for name in builder.add(operation):
            if name in missing:
                builder.note(name)
                missing.discard(name)
        if builder.stride > 1:
            finished.append(builder.finish())
            builder = _StageBuilder(builder.width)
    if builder.operations or not finished:
        finished.append(builder.finish())
    return finished


class _StageBuilder:
    """A stage that is being put together."""

    def __init__(self, inputs: int) -> None:
        self.operations: list[Operation] = []
        self.width, self.widths = inputs, [inputs]
        self.stride, self.before, self.after = 1, 0, 0
        self.sizes: list[tuple[int, int, int]] = []
        self.fields: dict[str, tuple[int, int, int]] = {}
        self.layer_sizes: dict[str, tuple[tuple[int, int, int], ...]] = {}

    def add(self, operation: Operation) -> tuple[str, ...]:
        """Add an operation and return the layers that it makes."""
        padding = operation.padding if isinstance(operation, Conv) else 0
        self.before += padding * self.stride
        self.after += (operation.kernel - 1 - padding) * self.stride
        self.stride *= operation.stride
        self.sizes.append((operation.kernel, operation.stride, padding))
        self.operations.append(operation)
        if isinstance(operation, Conv):
            self.width = operation.outputs
        self.widths.append(self.width)
        is_conv = isinstance(operation, Conv)
        return (operation.name, relu_name(operation.name)) if is_conv else (operation.name,)

    def note(self, name: str) -> None:
        # A cell begins where its first input does: those of its own stride are not beyond it.
        self.fields[name] = (self.stride, self.before, max(0, self.after - self.stride + 1))
        self.layer_sizes[name] = tuple(self.sizes)

    def finish(self) -> Stage:
        self.note("")
        return Stage(tuple(self.operations), self.fields, self.layer_sizes, tuple(self.widths))


def cut_tiles(
    stage: Stage,
    height: int,
    width: int,
    side: int,
    *,
    reaches: Mapping[str, int] | None = None,
    grid: int = 1,
    wrap: bool = False,
) -> Iterator[Cut]:
    """Yield the tiles of a stage's input of that size, row by row; together they cover it once.

    Args:
        side: about how many cells a tile has along each side.
        reaches: by layer, how many of its cells around a tile are needed as well; one of the layers
            may be `pixels`, the input itself.
        grid: tiles begin at multiples of this number of cells.
        wrap: opposite edges meet.
    """
    fields = {**stage.fields, "pixels": (1, 0, 0)}
    reaches = {"": 0, **(reaches or {})}
    step = math.lcm(stage.stride, grid, *(fields[name][0] for name in reaches))
    before = max(b + r * s for s, b, _, r in ((*fields[n], reaches[n]) for n in reaches))
    after = max(a + r * s for s, _, a, r in ((*fields[n], reaches[n]) for n in reaches))
    shapes = {name: _shape(stage, name, height, width, wrap) for name in reaches}
    for rows in pairwise(_edges(height, side, step)):
        for columns in pairwise(_edges(width, side, step)):
            cut = [_widened(span, before, after, step) for span in (rows, columns)]
            if not wrap:
                sides = zip(cut, (height, width), strict=True)
                cut = [(max(0, first), min(cells, end)) for (first, end), cells in sides]
            tiles = {
                name: _tile(rows, columns, cut, (height, width), shapes[name], fields[name][0])
                for name in reaches
            }
            yield Cut(cut[0], cut[1], tiles)


def _shape(stage: Stage, name: str, height: int, width: int, wrap: bool) -> tuple[int, int]:
    return (height, width) if name == "pixels" else stage.shape(name, height, width, wrap=wrap)


def _edges(cells: int, side: int, step: int) -> list[int]:
    """Return where tiles begin along one axis, and where the last one ends.

    All but the last have one size: the convolutions' library prepares for each size of input, and
    remembers only a few of them. A last tile that would be too thin joins the one before.
    """
    count = max(1, round(cells / max(side, _LEAST, step)))
    size = math.ceil(cells / count / step) * step
    begins = [begin for begin in range(0, cells, size) if cells - begin >= _LEAST]
    return [*(begins or [0]), cells]


def _widened(span: Span, before: int, after: int, step: int) -> Span:
    """Widen a span by what it depends on at both sides, out to the grid on which tiles begin."""
    return (span[0] - before) // step * step, -(-(span[1] + after) // step) * step


def _tile(
    rows: Span,
    columns: Span,
    cut: list[Span],
    size: tuple[int, int],
    shape: tuple[int, int],
    stride: int,
) -> Tile:
    """Return a tile's cells of a layer; those of the last tile go on to the layer's end."""
    spans = []
    for (first, end), input_cells, cells in zip((rows, columns), size, shape, strict=True):
        last = cells if end == input_cells else min(cells, end // stride)
        spans.append((min(first // stride, last), last))
    above, left = (s[0] - c[0] // stride for s, c in zip(spans, cut, strict=True))
    return Tile(spans[0], spans[1], shape, above, left)
