"""A picture as a network sees it: looked at whole, or window by window in two passes.

A loss of statistics is no sum over windows, but the statistics are. So the first pass adds them up;
the loss of the sums says what each of them should change, ∂L/∂S; and the second pass, window by
window, takes that back to the pixels. What comes out is the whole picture's loss and gradient, to
rounding, and never more is held than one window's activations and the input of each stage.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.extractor import Extractor
from impasto.features.plan import layer_names
from impasto.features.tiles import Cut, Stage, Window, stages, windows
from impasto.losses.objective import (
    PIXELS,
    Features,
    Found,
    Reading,
    Term,
    differentiated,
    evaluate,
    numbers,
)

__all__ = ["Eye", "Kept", "View"]

Picture = Float[Tensor, "1 3 h w"]


@dataclass(frozen=True, eq=False)
class Kept:
    """A picture some of whose pixels are always another's.

    Attributes:
        photograph: whose they are.
        free: 1 where the picture's own count and 0 where the photograph's do.
    """

    photograph: Picture
    free: Float[Tensor, "1 1 h w"]

    def seen(
        self, pixels: Tensor, rows: slice = slice(None), columns: slice = slice(None)
    ) -> Tensor:
        """Pixels of that part of the picture as they are shown."""
        there = self.photograph[..., rows, columns]
        return there + self.free[..., rows, columns] * (pixels - there)


@dataclass(frozen=True, eq=False)
class Eye:
    """A network, and how it is shown pictures.

    Attributes:
        layers: all that is read.
        tile: bytes of activations that are held at a time; 0 looks at pictures whole.
        kept: pixels that are not the picture's own, if there are any.
        aside: by how many pixels a tile is rolled before it is looked at.
    """

    extractor: Extractor
    layers: tuple[str, ...]
    tile: int = 0
    kept: Kept | None = None
    aside: int = 0

    @property
    def wrap(self) -> bool:
        """Whether opposite edges of the picture meet."""
        return self.extractor.padding == "circular"

    @cached_property
    def stages(self) -> list[Stage]:
        """The network up to the deepest layer."""
        return stages(self.extractor.plan, {*self.layers} & {*layer_names(self.extractor.plan)})

    def of(self, pixels: Picture) -> View:
        """What it sees of a picture."""
        return View(self, pixels)

    def descend(self, terms: Sequence[Term], pixels: Picture) -> tuple[dict[str, float], Picture]:
        """Each loss and their `total`, and the gradient of the total as a sum over pixels."""
        if self.tile:
            return _by_windows(self, terms, pixels)
        return differentiated(lambda image: self._evaluate(terms, image), pixels)

    def _evaluate(self, terms: Sequence[Term], image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        view = self.of(image)
        return evaluate(terms, [view.read(term.distance.readings) for term in terms])


class View:
    """One picture before an eye."""

    def __init__(self, eye: Eye, pixels: Picture) -> None:
        self.eye, self.pixels = eye, pixels
        self._held: Features = {}

    def shape(self, layer: str) -> tuple[int, int]:
        """Height and width of a layer."""
        height, width = self.pixels.shape[-2:]
        for stage in self.eye.stages:
            if layer in stage.places:
                return stage.shape(layer, height, width, wrap=self.eye.wrap)
            height, width = stage.shape("", height, width, wrap=self.eye.wrap)
        rows, columns = self._seen[layer].shape[-2:]  # a layer that is no operation's output
        return rows, columns

    def read(self, readings: Sequence[Reading]) -> list[Found]:
        """What each of the readings finds in the whole picture."""
        if self.eye.tile:
            return _Passes(self.eye, [*readings]).first(self.pixels)[0]
        return [self._whole(reading) for reading in readings]

    def features(self, layers: Sequence[str]) -> Features:
        """The activations of layers, whole, however large they are."""
        if not self.eye.tile:
            return {name: self._seen[name] for name in layers}
        if missing := [name for name in layers if name not in self._held]:
            self._held |= _assembled(self, missing)
        return {name: self._held[name] for name in layers}

    def _whole(self, reading: Reading) -> Found:
        if reading.layer != PIXELS:
            features = self._seen[reading.layer]
            return reading.read(features, Window.whole(features))
        shown = self._shown
        window = Window.whole(shown)
        if self.eye.wrap and reading.reach:
            reach = reading.reach
            shown = F.pad(shown, (reach,) * 4, "circular")
            window = Window(window.rows, window.columns, window.shape, reach, reach)
        return reading.read(shown, window)

    @cached_property
    def _shown(self) -> Tensor:
        kept = self.eye.kept
        return self.pixels if kept is None else kept.seen(self.pixels)

    @cached_property
    def _seen(self) -> Features:
        shown = self._shown
        if self.eye.aside:
            shown = shown.roll((self.eye.aside,) * 2, (2, 3))
        found: Features = self.eye.extractor(shown, self.eye.layers)
        return found


def _assembled(view: View, layers: Sequence[str]) -> Features:
    """Activations put together from their windows."""
    weight = next(view.eye.extractor.parameters())
    found: Features = {}
    readings = []
    for name in layers:
        channels, size = view.eye.extractor.channels(name), view.shape(name)
        whole = weight.new_empty(1, channels, *size).to(memory_format=torch.channels_last)
        found[name] = whole
        readings.append(Reading(name, _Copier(whole)))
    view.read(readings)
    return found


@dataclass(frozen=True, eq=False)
class _Copier:
    """Reads nothing, and puts what it is shown in its place."""

    whole: Tensor

    def __call__(self, features: Tensor, window: Window) -> Found:
        window.of(self.whole).copy_(window.own(features))
        return ()


def _by_windows(
    eye: Eye, terms: Sequence[Term], pixels: Picture
) -> tuple[dict[str, float], Picture]:
    readings = [reading for term in terms for reading in term.distance.readings]
    passes = _Passes(eye, readings)
    found, inputs = passes.first(pixels)
    held = [tuple(part.requires_grad_() for part in parts) for parts in found]
    try:
        total, values = evaluate(terms, _grouped(terms, held))
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        return {"total": math.nan}, torch.zeros_like(pixels)
    losses = numbers(total, values)
    flat = [part for parts in held for part in parts]
    if not total.requires_grad or not math.isfinite(losses["total"]):
        return losses, torch.zeros_like(pixels)
    slopes = iter(torch.autograd.grad(total * pixels.numel(), flat, allow_unused=True))
    taken = [tuple(next(slopes) for _ in parts) for parts in held]
    return losses, passes.second(inputs, taken)


def _grouped(terms: Sequence[Term], found: Sequence[Found]) -> list[list[Found]]:
    each = iter(found)
    return [[next(each) for _ in term.distance.readings] for term in terms]


class _Passes:
    """Both passes over one picture.

    The pixels count as a layer of the first stage, whose input they are.
    """

    def __init__(self, eye: Eye, readings: Sequence[Reading]) -> None:
        self.eye, self.readings = eye, readings
        deep = {reading.layer for reading in readings} - {PIXELS}
        eye.extractor.check_layers(deep)
        self.stages = stages(eye.extractor.plan, deep)
        self.dtype = next(eye.extractor.parameters()).dtype

    def first(self, pixels: Picture) -> tuple[list[Found], list[Tensor]]:
        """What the readings find, and the input of each stage."""
        deep = [name for stage in self.stages for name in stage.layers]
        self.eye.extractor.check_size(pixels.shape[-2], pixels.shape[-1], deep)
        sums: list[list[Tensor]] = [[] for _ in self.readings]
        inputs = [pixels.roll((self.eye.aside,) * 2, (2, 3)) if self.eye.aside else pixels]
        with torch.no_grad():
            for index, stage in enumerate(self.stages):
                is_last = index == len(self.stages) - 1
                output = None if is_last else self._output(stage, inputs[-1])
                padded, offset = self._padded(stage, inputs[-1], index)
                for cut in self._windows(stage, inputs[-1], index):
                    x = _taken(padded, cut, offset)
                    y, found = self._look(index, stage, x, cut, run_out=not is_last)
                    if output is not None:
                        window = cut.own[""]
                        window.of(output).copy_(window.own(y))
                    for number, reading in self._speaking(index):
                        window = cut.own[reading.layer]
                        _add(sums[number], reading, window, found[reading.layer])
                if output is not None:
                    inputs.append(output)
        return [tuple(parts) for parts in sums], inputs

    def second(self, inputs: list[Tensor], slopes: Sequence[Sequence[Tensor | None]]) -> Picture:
        """The gradient of Σ slopes · findings for the pixels. Takes the inputs, last one first."""
        gradient: Tensor | None = None
        for index in reversed(range(len(self.stages))):
            stage, whole = self.stages[index], inputs.pop()
            padded, offset = self._padded(stage, whole, index)
            below = torch.zeros_like(padded)
            for cut in self._windows(stage, whole, index):
                change = self._back(index, cut, _taken(padded, cut, offset), gradient, slopes)
                if change is not None:
                    _taken(below, cut, offset).add_(change)
            gradient = _folded(below, whole, offset)
        assert gradient is not None
        if self.eye.aside:
            gradient = gradient.roll((-self.eye.aside,) * 2, (2, 3))
        return gradient

    def _back(
        self,
        index: int,
        cut: Cut,
        shown: Tensor,
        gradient: Tensor | None,
        slopes: Sequence[Sequence[Tensor | None]],
    ) -> Tensor | None:
        """What a window's part of a stage's input should change; None for nothing."""
        layout = torch.channels_last if index else torch.contiguous_format
        x = shown.detach().clone(memory_format=layout).requires_grad_()
        run_out = gradient is not None
        with torch.enable_grad():
            y, found = self._look(index, self.stages[index], x, cut, run_out=run_out)
            pulled = self._pulled(index, cut, found, slopes)
            if gradient is not None:
                window = cut.own[""]
                pulled.append((y, _embedded(window.of(gradient), y, window)))
        if not pulled:
            return None
        outputs, pulls = zip(*pulled, strict=True)
        return torch.autograd.grad(outputs, x, pulls)[0]

    def _pulled(
        self, index: int, cut: Cut, found: Features, slopes: Sequence[Sequence[Tensor | None]]
    ) -> list[tuple[Tensor, Tensor]]:
        """What a window's readings find, each with what it should change."""
        pulled = []
        for number, reading in self._speaking(index):
            window = cut.own[reading.layer]
            if reading.pull is not None:
                features, wanted = found[reading.layer], slopes[number]
                held = tuple(slope for slope in wanted if slope is not None)
                if len(held) == len(wanted):
                    change = reading.pull(window.own(features.detach()), window, held)
                    pulled.append((features, _embedded(change, features, window)))
                continue
            parts = reading.read(found[reading.layer], window)
            for part, slope in zip(parts, slopes[number], strict=True):
                if slope is not None and part.requires_grad:
                    pulled.append((part, _share_of(slope, reading, window).to(part.dtype)))
        return pulled

    def _speaking(self, index: int) -> Iterator[tuple[int, Reading]]:
        """The readings of a stage's layers, with their numbers."""
        layers = {*self.stages[index].layers, *([] if index else [PIXELS])}
        return ((i, r) for i, r in enumerate(self.readings) if r.layer in layers)

    def _look(
        self, index: int, stage: Stage, x: Tensor, cut: Cut, *, run_out: bool
    ) -> tuple[Tensor, Features]:
        """What a stage makes of a window, and its layers; of the first, the pixels are one."""
        if index:
            return self._advance(stage, x, run_out=run_out)
        shown = x
        if self.eye.kept is not None:
            shown = self.eye.kept.seen(x, slice(*cut.rows), slice(*cut.columns))
        if not stage.operations:
            return shown, {PIXELS: shown}
        y, found = self._advance(stage, self.eye.extractor.enter(shown), run_out=run_out)
        return y, {**found, PIXELS: shown}

    def _advance(self, stage: Stage, x: Tensor, *, run_out: bool) -> tuple[Tensor, Features]:
        operations = stage.operations
        if not run_out:  # up to the last layer, which may come before the last operation
            needed = [len(stage.sizes[name]) for name in stage.layers]
            operations = operations[: max(needed, default=0)]
        return self.eye.extractor.cut().advance(x, operations, set(stage.layers))

    def _output(self, stage: Stage, x: Tensor) -> Tensor:
        size = stage.shape("", *x.shape[-2:], wrap=self.eye.wrap)
        empty = torch.empty(1, stage.widths[-1], *size, dtype=self.dtype, device=x.device)
        return empty.to(memory_format=torch.channels_last)

    def _windows(self, stage: Stage, x: Tensor, index: int) -> Iterator[Cut]:
        height, width = x.shape[-2:]
        side = _side(stage, self.eye.tile, self.dtype.itemsize, is_first=index == 0)
        speaking = [reading for _, reading in self._speaking(index)]
        reaches = dict.fromkeys(stage.layers, 0)
        for reading in speaking:
            reaches[reading.layer] = max(reaches.get(reading.layer, 0), reading.reach)
        grid = math.lcm(*(reading.grid for reading in speaking))
        return windows(stage, height, width, side, reaches=reaches, grid=grid, wrap=self.eye.wrap)

    def _padded(self, stage: Stage, x: Tensor, index: int) -> tuple[Tensor, int]:
        """Where opposite edges meet, the input with as much beyond them as any window sees."""
        if not self.eye.wrap:
            return x, 0
        cuts = self._windows(stage, x, index)
        beyond = max(max(-min(c.rows[0], c.columns[0]), c.rows[1] - x.shape[-2],
                         c.columns[1] - x.shape[-1]) for c in cuts)  # fmt: skip
        if not beyond:
            return x, 0
        rows, columns = (
            torch.arange(-beyond, side + beyond, device=x.device) % side for side in x.shape[-2:]
        )
        wall = x[..., rows, :][..., columns]
        return wall.contiguous(memory_format=torch.channels_last) if index else wall, beyond


def _side(stage: Stage, tile: int, itemsize: int, *, is_first: bool) -> int:
    """Cells along a window's side so that what is held of it takes about `tile` bytes."""
    # Of each operation its output, rectified and not; two gradients; and rows in single precision.
    channels = 2 * sum(stage.widths) + 2 * max(stage.widths)
    cell = channels * itemsize + 8 * max(stage.widths) + (120 if is_first else 0)
    return max(1, math.isqrt(tile // cell))


def _taken(x: Tensor, cut: Cut, offset: int) -> Tensor:
    """The part of an input, or of its gradient, that a window sees."""
    rows, columns = (slice(a + offset, b + offset) for a, b in (cut.rows, cut.columns))
    return x[..., rows, columns]


def _embedded(own: Tensor, features: Tensor, window: Window) -> Tensor:
    """A gradient of a window's own cells as one of all that was cut out.

    Autograd would make one of another memory layout, with which all that follows takes longer.
    """
    whole = torch.zeros_like(features)
    window.own(whole).copy_(own)
    return whole


def _folded(padded: Tensor, whole: Tensor, offset: int) -> Tensor:
    """A gradient of what was padded where opposite edges meet, as one of the input itself."""
    if not offset:
        return padded
    folded = torch.zeros_like(whole)
    height, width = whole.shape[-2:]
    rows, columns = (
        torch.arange(-offset, side + offset, device=whole.device) % side for side in (height, width)
    )
    narrow = padded.new_zeros(*padded.shape[:-1], width).index_add_(-1, columns, padded)
    return folded.index_add_(-2, rows, narrow)


def _add(sums: list[Tensor], reading: Reading, window: Window, features: Tensor) -> None:
    parts = reading.read(features, window)
    for i, part in enumerate(parts):
        if reading.places is not None:
            where, count = reading.places(window)
            if len(sums) <= i:
                sums.append(part.new_zeros(*part.shape[:-1], count))
            sums[i].index_copy_(-1, where.to(part.device), part)
        elif len(sums) <= i:
            sums.append(part.detach().clone())
        else:
            sums[i].add_(part)


def _share_of(slope: Tensor, reading: Reading, window: Window) -> Tensor:
    """What a window's own numbers should change, of all the numbers' changes."""
    if reading.places is None:
        return slope
    return slope[..., reading.places(window)[0].to(slope.device)]
