"""A network taken stage by stage, each of them window by window: exactly what it says of the whole.

A stage ends where the network makes the picture smaller. Within one, a cell sees only a few cells
around it, so windows cut out with that few around them are looked at alone, and each cell is one
window's own. Halos for the whole depth of a network would be twenty times as wide.
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

__all__ = ["Cut", "Stage", "Window", "stages", "windows"]

# A window has at least so many cells along each side, if its layer has them.
_LEAST = 16


@dataclass(frozen=True)
class Window:
    """Cells of a layer that are one window's own.

    Attributes:
        rows, columns: the first, and the one after the last.
        shape: height and width of the whole layer.
        above, left: how many cells come before them in what was cut out.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    shape: tuple[int, int]
    above: int = 0
    left: int = 0

    @staticmethod
    def whole(features: Tensor) -> Window:
        """A layer's only window."""
        height, width = features.shape[-2:]
        return Window((0, height), (0, width), (height, width))

    @property
    def size(self) -> tuple[int, int]:
        """How many rows and columns it has."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    @property
    def is_whole(self) -> bool:
        """Whether all cells of the layer are its own."""
        return self.size == self.shape

    @property
    def share(self) -> float:
        """Its cells over all of the layer's."""
        return math.prod(self.size) / math.prod(self.shape)

    def of(self, layer: Float[Tensor, "*b h w"]) -> Float[Tensor, "*b _ _"]:
        """The window's own cells of a map of the whole layer."""
        return layer[..., slice(*self.rows), slice(*self.columns)]

    def own(self, cut: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c _ _"]:
        """The window's own cells of what was cut out."""
        return self.around(cut, 0, 0)

    def around(
        self, cut: Float[Tensor, "b c h w"], before: int, after: int
    ) -> Float[Tensor, "b c _ _"]:
        """The same with cells before and after them; where the layer ends, its last go on."""
        height, width = self.size
        top, left = self.above - before, self.left - before
        bottom, right = self.above + height + after, self.left + width + after
        inside = cut[..., max(0, top) : bottom, max(0, left) : right]
        beyond = (-left, right - cut.shape[-1], -top, bottom - cut.shape[-2])
        lacking = tuple(max(0, cells) for cells in beyond)
        return F.pad(inside, lacking, "replicate") if any(lacking) else inside


@dataclass(frozen=True)
class Cut:
    """A window of a stage's input, with as much around it as its own cells see.

    Attributes:
        rows, columns: what is cut out; beyond the picture where opposite edges meet.
        own: by layer, and for the stage's output under the name of an empty text.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    own: Mapping[str, Window]


@dataclass(frozen=True)
class Stage:
    """Operations up to one that makes the picture smaller, or to the last that is needed.

    Attributes:
        places: for each layer that is asked for, and for the output (an empty text): cells of the
            input to one of its own, and how many cells before and after its own it sees.
        sizes: of kernel, stride and padding that lead to each of these.
        widths: channels of what the stage holds while it is looked through.
    """

    operations: tuple[Operation, ...]
    places: Mapping[str, tuple[int, int, int]]
    sizes: Mapping[str, tuple[tuple[int, int, int], ...]]
    widths: tuple[int, ...]

    @property
    def stride(self) -> int:
        """Cells of the input to one of the output."""
        return self.places[""][0]

    @property
    def layers(self) -> tuple[str, ...]:
        """Those that are asked for."""
        return tuple(name for name in self.places if name)

    def shape(self, name: str, height: int, width: int, *, wrap: bool) -> tuple[int, int]:
        """Height and width of a layer, or of the output, for an input of that size."""
        found = []
        for cells in (height, width):
            for kernel, stride, padding in self.sizes[name]:
                more = 0 if wrap else 2 * padding - kernel
                cells = cells // stride if wrap else (cells + more) // stride + 1
            found.append(cells)
        return found[0], found[1]


def stages(plan: Iterable[Operation], wanted: Iterable[str], inputs: int = 3) -> list[Stage]:
    """A network's stages, up to the deepest of the layers that are wanted."""
    missing, found, building = set(wanted), [], _Building(inputs)
    for operation in plan:
        if not missing:
            break
        for name in building.add(operation):
            if name in missing:
                building.note(name)
                missing.discard(name)
        if building.stride > 1:
            found.append(building.finish())
            building = _Building(building.width)
    if building.operations or not found:
        found.append(building.finish())
    return found


class _Building:
    """A stage that is being put together."""

    def __init__(self, inputs: int) -> None:
        self.operations: list[Operation] = []
        self.width, self.widths = inputs, [inputs]
        self.stride, self.before, self.after = 1, 0, 0
        self.sizes: list[tuple[int, int, int]] = []
        self.places: dict[str, tuple[int, int, int]] = {}
        self.found: dict[str, tuple[tuple[int, int, int], ...]] = {}

    def add(self, operation: Operation) -> tuple[str, ...]:
        """The layers that the operation makes."""
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
        self.places[name] = (self.stride, self.before, max(0, self.after - self.stride + 1))
        self.found[name] = tuple(self.sizes)

    def finish(self) -> Stage:
        self.note("")
        return Stage(tuple(self.operations), self.places, self.found, tuple(self.widths))


def windows(
    stage: Stage,
    height: int,
    width: int,
    side: int,
    *,
    reaches: Mapping[str, int] | None = None,
    grid: int = 1,
    wrap: bool = False,
) -> Iterator[Cut]:
    """Windows of a stage's input of that size, row by row, that together cover it once.

    Args:
        side: about how many cells one has along each side.
        reaches: by layer, how many of its cells around its own a window shows besides; one of them
            may be `pixels`, the input itself.
        grid: windows begin at multiples of so many cells.
        wrap: opposite edges meet.
    """
    places = {**stage.places, "pixels": (1, 0, 0)}
    reaches = {"": 0, **(reaches or {})}
    step = math.lcm(stage.stride, grid, *(places[name][0] for name in reaches))
    before = max(b + r * s for s, b, _, r in ((*places[n], reaches[n]) for n in reaches))
    after = max(a + r * s for s, _, a, r in ((*places[n], reaches[n]) for n in reaches))
    shapes = {name: _shape(stage, name, height, width, wrap) for name in reaches}
    for rows in pairwise(_edges(height, side, step)):
        for columns in pairwise(_edges(width, side, step)):
            cut = [_grown(span, before, after, step) for span in (rows, columns)]
            if not wrap:
                cut = [_held(c, whole) for c, whole in zip(cut, (height, width), strict=True)]
            own = {
                name: _own(rows, columns, cut, (height, width), shapes[name], places[name][0])
                for name in reaches
            }
            yield Cut(cut[0], cut[1], own)


def _shape(stage: Stage, name: str, height: int, width: int, wrap: bool) -> tuple[int, int]:
    return (height, width) if name == "pixels" else stage.shape(name, height, width, wrap=wrap)


def _edges(cells: int, side: int, step: int) -> list[int]:
    """Where windows begin along one axis, and where the last ends.

    All but the last are of one size: each size of window makes the convolutions' library prepare
    itself anew, and it remembers so many only. What would be left is not let get too thin.
    """
    count = max(1, round(cells / max(side, _LEAST, step)))
    size = math.ceil(cells / count / step) * step
    begins = [begin for begin in range(0, cells, size) if cells - begin >= _LEAST]
    return [*(begins or [0]), cells]


def _grown(span: tuple[int, int], before: int, after: int, step: int) -> tuple[int, int]:
    """A span with what it sees on both sides; it begins on the grid, as all windows do."""
    return (span[0] - before) // step * step, -(-(span[1] + after) // step) * step


def _held(span: tuple[int, int], cells: int) -> tuple[int, int]:
    return max(0, span[0]), min(cells, span[1])


def _own(
    rows: tuple[int, int],
    columns: tuple[int, int],
    cut: list[tuple[int, int]],
    size: tuple[int, int],
    shape: tuple[int, int],
    stride: int,
) -> Window:
    """A window's own cells of a layer: the last window's go on to the layer's end."""
    spans = []
    for (first, end), whole, cells in zip((rows, columns), size, shape, strict=True):
        last = cells if end == whole else min(cells, end // stride)
        spans.append((min(first // stride, last), last))
    above, left = (s[0] - c[0] // stride for s, c in zip(spans, cut, strict=True))
    return Window(spans[0], spans[1], shape, above, left)
