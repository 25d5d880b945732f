"""A picture's losses and their gradient, computed in tiles by two passes.

A loss of statistics is not a sum over tiles, but the statistics are. So the first pass adds them
up; the loss of the sums gives the gradient of each of them, ∂L/∂S; and the second pass, tile by
tile, takes that back to the pixels. The result is the whole picture's loss and gradient, to
rounding, and only one tile's activations and the input of each stage are in memory at a
time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.features.tiles import Cut, Stage, Tile, cut_tiles, stages
from impasto.losses.fixed_pixels import FixedPixels
from impasto.losses.objective import PIXELS, Features, Measurement, Term, Values, evaluate, numbers

__all__ = ["TiledPasses", "differentiated_in_tiles"]

Picture = Float[Tensor, "1 3 h w"]
Slopes = Sequence[Sequence[Tensor | None]]  # for each measurement, the gradient of each value


def differentiated_in_tiles(
    passes: TiledPasses, terms: Sequence[Term], pixels: Picture
) -> tuple[dict[str, float], Picture]:
    """Return each loss and their `total`, and the gradient of the total as a sum over pixels.

    Args:
        passes: of all the terms' measurements, in their order.
    """
    sums, inputs = passes.first(pixels)
    leaves = [tuple(part.requires_grad_() for part in parts) for parts in sums]
    try:
        total, values = evaluate(terms, _grouped(terms, leaves))
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        return {"total": math.nan}, torch.zeros_like(pixels)
    losses = numbers(total, values)
    flat = [part for parts in leaves for part in parts]
    if not total.requires_grad or not math.isfinite(losses["total"]):
        return losses, torch.zeros_like(pixels)
    slopes = iter(torch.autograd.grad(total * pixels.numel(), flat, allow_unused=True))
    return losses, passes.second(inputs, [tuple(next(slopes) for _ in parts) for parts in leaves])


def _grouped(terms: Sequence[Term], values: Sequence[Values]) -> list[list[Values]]:
    each = iter(values)
    return [[next(each) for _ in term.distance.measurements] for term in terms]


class TiledPasses:
    """Both passes over one picture.

    The pixels count as a layer of the first stage, whose input they are.

    Args:
        tile_bytes: bytes of activations in memory at a time.
        fixed: pixels that are not the picture's own, if there are any.
        shift: by how many pixels a picture is rolled before it is shown.
    """

    def __init__(
        self,
        extractor: Extractor,
        measurements: Sequence[Measurement],
        tile_bytes: int,
        fixed: FixedPixels | None = None,
        shift: int = 0,
    ) -> None:
        self.extractor, self.measurements = extractor, measurements
        self.tile_bytes, self.fixed, self.shift = tile_bytes, fixed, shift
        self.wrap = extractor.padding == "circular"
        deep = {measurement.layer for measurement in measurements} - {PIXELS}
        extractor.check_layers(deep)
        self.stages = stages(extractor.plan, deep)
        self.dtype = next(extractor.parameters()).dtype

    def first(self, pixels: Picture) -> tuple[list[Values], list[Tensor]]:
        """Return the values of the measurements, and the input of each stage."""
        deep = [name for stage in self.stages for name in stage.layers]
        self.extractor.check_size(pixels.shape[-2], pixels.shape[-1], deep)
        sums: list[list[Tensor]] = [[] for _ in self.measurements]
        inputs = [pixels.roll((self.shift,) * 2, (2, 3)) if self.shift else pixels]
        with torch.no_grad():
            for index, stage in enumerate(self.stages):
                is_last = index == len(self.stages) - 1
                output = None if is_last else self._output(stage, inputs[-1])
                padded, offset = self._padded(stage, inputs[-1], index)
                for cut in self._cuts(stage, inputs[-1], index):
                    x = _select(padded, cut, offset)
                    y, features = self._compute(index, stage, x, cut, to_end=not is_last)
                    if output is not None:
                        tile = cut.tiles[""]
                        tile.select(output).copy_(tile.crop(y))
                    for number, measurement in self._measured(index):
                        layer = measurement.layer
                        _add(sums[number], measurement, cut.tiles[layer], features[layer])
                if output is not None:
                    inputs.append(output)
        return [tuple(parts) for parts in sums], inputs

    def second(self, inputs: list[Tensor], slopes: Slopes) -> Picture:
        """Return the gradient of Σ slopes · values for the pixels; empties `inputs` on the way."""
        gradient: Tensor | None = None
        for index in reversed(range(len(self.stages))):
            stage, stage_input = self.stages[index], inputs.pop()
            padded, offset = self._padded(stage, stage_input, index)
            below = torch.zeros_like(padded)
            for cut in self._cuts(stage, stage_input, index):
                change = self._backward(index, cut, _select(padded, cut, offset), gradient, slopes)
                if change is not None:
                    _select(below, cut, offset).add_(change)
            gradient = _folded(below, stage_input, offset)
        assert gradient is not None
        if self.shift:
            gradient = gradient.roll((-self.shift,) * 2, (2, 3))
        return gradient

    def _backward(
        self, index: int, cut: Cut, part: Tensor, gradient: Tensor | None, slopes: Slopes
    ) -> Tensor | None:
        """Return the gradient for a tile's part of a stage's input; None for zero."""
        layout = torch.channels_last if index else torch.contiguous_format
        x = part.detach().clone(memory_format=layout).requires_grad_()
        to_end = gradient is not None
        with torch.enable_grad():
            y, features = self._compute(index, self.stages[index], x, cut, to_end=to_end)
            pairs = self._gradients(index, cut, features, slopes)
            if gradient is not None:
                tile = cut.tiles[""]
                pairs.append((y, _embedded(tile.select(gradient), y, tile)))
        if not pairs:
            return None
        outputs, gradients = zip(*pairs, strict=True)
        return torch.autograd.grad(outputs, x, gradients)[0]

    def _gradients(
        self, index: int, cut: Cut, features: Features, slopes: Slopes
    ) -> list[tuple[Tensor, Tensor]]:
        """Return tensors of a tile, each with its gradient, that together are its measurements'."""
        pairs = []
        for number, measurement in self._measured(index):
            layer, tile = features[measurement.layer], cut.tiles[measurement.layer]
            if measurement.gradient is not None:
                present = tuple(slope for slope in slopes[number] if slope is not None)
                if len(present) == len(slopes[number]):
                    change = measurement.gradient(tile.crop(layer.detach()), tile, present)
                    pairs.append((layer, _embedded(change, layer, tile)))
                continue
            parts = measurement.compute(layer, tile)
            for part, slope in zip(parts, slopes[number], strict=True):
                if slope is not None and part.requires_grad:
                    pairs.append((part, _tile_slope(slope, measurement, tile).to(part.dtype)))
        return pairs

    def _measured(self, index: int) -> Iterator[tuple[int, Measurement]]:
        """Return the measurements of a stage's layers, with their numbers."""
        layers = {*self.stages[index].layers, *([] if index else [PIXELS])}
        return ((i, m) for i, m in enumerate(self.measurements) if m.layer in layers)

    def _compute(
        self, index: int, stage: Stage, x: Tensor, cut: Cut, *, to_end: bool
    ) -> tuple[Tensor, Features]:
        """Return a stage's output for a tile, and its layers; the first stage's have the pixels."""
        if index:
            return self._advance(stage, x, to_end=to_end)
        pixels = x
        if self.fixed is not None:
            pixels = self.fixed.apply(x, slice(*cut.rows), slice(*cut.columns))
        if not stage.operations:
            return pixels, {PIXELS: pixels}
        y, features = self._advance(stage, self.extractor.enter(pixels), to_end=to_end)
        return y, {**features, PIXELS: pixels}

    def _advance(self, stage: Stage, x: Tensor, *, to_end: bool) -> tuple[Tensor, Features]:
        operations = stage.operations
        if not to_end:  # up to the last layer, which may come before the last operation
            needed = [len(stage.sizes[name]) for name in stage.layers]
            operations = operations[: max(needed, default=0)]
        return self.extractor.for_tiles().advance(x, operations, set(stage.layers))

    def _output(self, stage: Stage, x: Tensor) -> Tensor:
        size = stage.shape("", *x.shape[-2:], wrap=self.wrap)
        empty = torch.empty(1, stage.widths[-1], *size, dtype=self.dtype, device=x.device)
        return empty.to(memory_format=torch.channels_last)

    def _cuts(self, stage: Stage, x: Tensor, index: int) -> Iterator[Cut]:
        height, width = x.shape[-2:]
        side = _side(stage, self.tile_bytes, self.dtype.itemsize, is_first=index == 0)
        measurements = [measurement for _, measurement in self._measured(index)]
        reaches = dict.fromkeys(stage.layers, 0)
        for one in measurements:
            reaches[one.layer] = max(reaches.get(one.layer, 0), one.reach)
        grid = math.lcm(*(one.grid for one in measurements))
        return cut_tiles(stage, height, width, side, reaches=reaches, grid=grid, wrap=self.wrap)

    def _padded(self, stage: Stage, x: Tensor, index: int) -> tuple[Tensor, int]:
        """Return the input, repeated beyond its edges as far as tiles reach if edges meet."""
        if not self.wrap:
            return x, 0
        cuts = self._cuts(stage, x, index)
        beyond = max(max(-min(c.rows[0], c.columns[0]), c.rows[1] - x.shape[-2],
                         c.columns[1] - x.shape[-1]) for c in cuts)  # fmt: skip
        if not beyond:
            return x, 0
        rows, columns = (
            torch.arange(-beyond, side + beyond, device=x.device) % side for side in x.shape[-2:]
        )
        padded = x[..., rows, :][..., columns]
        return padded.contiguous(memory_format=torch.channels_last) if index else padded, beyond


def _side(stage: Stage, tile_bytes: int, itemsize: int, *, is_first: bool) -> int:
    """Return the cells along a tile's side that take about `tile_bytes` of memory."""
    # Of each operation its output, rectified and not; two gradients; and rows in single precision.
    channels = 2 * sum(stage.widths) + 2 * max(stage.widths)
    cell = channels * itemsize + 8 * max(stage.widths) + (120 if is_first else 0)
    return max(1, math.isqrt(tile_bytes // cell))


def _select(x: Tensor, cut: Cut, offset: int) -> Tensor:
    """Return the part of an input, or of its gradient, that is cut out."""
    rows, columns = (slice(a + offset, b + offset) for a, b in (cut.rows, cut.columns))
    return x[..., rows, columns]


def _embedded(cells: Tensor, features: Tensor, tile: Tile) -> Tensor:
    """Turn a gradient of a tile's cells into one of all that was cut out.

    Autograd would make one of another memory layout, with which all that follows takes longer.
    """
    gradient = torch.zeros_like(features)
    tile.crop(gradient).copy_(cells)
    return gradient


def _folded(padded: Tensor, x: Tensor, offset: int) -> Tensor:
    """Turn a gradient of what was padded where opposite edges meet into one of the input itself."""
    if not offset:
        return padded
    folded = torch.zeros_like(x)
    height, width = x.shape[-2:]
    rows, columns = (
        torch.arange(-offset, side + offset, device=x.device) % side for side in (height, width)
    )
    narrow = padded.new_zeros(*padded.shape[:-1], width).index_add_(-1, columns, padded)
    return folded.index_add_(-2, rows, narrow)


def _add(sums: list[Tensor], measurement: Measurement, tile: Tile, features: Tensor) -> None:
    parts = measurement.compute(features, tile)
    for i, part in enumerate(parts):
        if measurement.positions is not None:
            where, count = measurement.positions(tile)
            if len(sums) <= i:
                sums.append(part.new_zeros(*part.shape[:-1], count))
            sums[i].index_copy_(-1, where.to(part.device), part)
        elif len(sums) <= i:
            sums.append(part.detach().clone())
        else:
            sums[i].add_(part)


def _tile_slope(slope: Tensor, measurement: Measurement, tile: Tile) -> Tensor:
    """Return the gradient of a tile's values, of all the values' gradient."""
    if measurement.positions is None:
        return slope
    return slope[..., measurement.positions(tile)[0].to(slope.device)]
