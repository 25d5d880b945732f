"""A network that looks at pictures: at once, or in tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.extractor import Extractor
from impasto.features.plan import layer_names
from impasto.features.tiles import Stage, Tile, stages
from impasto.losses.fixed_pixels import FixedPixels
from impasto.losses.objective import (
    PIXELS,
    Features,
    Measurement,
    Term,
    Values,
    differentiated,
    evaluate,
    numbers,
)
from impasto.losses.tiled import TiledPasses, differentiated_in_tiles

__all__ = ["PictureView", "Viewer"]

Picture = Float[Tensor, "1 3 h w"]


@dataclass(frozen=True, eq=False)
class Viewer:
    """A network, and how it is shown pictures.

    Attributes:
        layers: all that are read.
        tile: bytes of activations in memory at a time; 0 computes pictures at once.
        fixed: pixels that are not the picture's own, if there are any.
        shift: by how many pixels a picture is rolled before it is shown.
    """

    extractor: Extractor
    layers: tuple[str, ...]
    tile: int = 0
    fixed: FixedPixels | None = None
    shift: int = 0

    @property
    def wrap(self) -> bool:
        """Whether opposite edges of the picture meet."""
        return self.extractor.padding == "circular"

    @cached_property
    def stages(self) -> list[Stage]:
        """The network up to the deepest layer."""
        return stages(self.extractor.plan, {*self.layers} & {*layer_names(self.extractor.plan)})

    def view(self, pixels: Picture) -> PictureView:
        """Return the view of a picture."""
        return PictureView(self, pixels)

    def differentiate(
        self, terms: Sequence[Term], pixels: Picture
    ) -> tuple[dict[str, float], Picture]:
        """Return each loss and their `total`, and the total's gradient as a sum over pixels."""
        if self.tile:
            passes = self.passes([m for term in terms for m in term.distance.measurements])
            return differentiated_in_tiles(passes, terms, pixels)
        return differentiated(lambda image: self._evaluate(terms, image), pixels)

    def differentiate_each(
        self, terms: Sequence[Sequence[Term]], pixels: Float[Tensor, "b 3 h w"]
    ) -> list[tuple[dict[str, float], Picture]]:
        """Do the same for each picture of a batch, by terms of its own; not in tiles."""
        variable = pixels.clone().requires_grad_()
        features = self.extractor(variable, self.layers)
        results = []
        for i, own in enumerate(terms):
            part = {name: values[i : i + 1] for name, values in features.items()}
            view = PictureView(self, variable[i : i + 1], part)
            measured = [view.measure(term.distance.measurements) for term in own]
            results.append(evaluate(own, measured))
        total = torch.stack([total for total, _ in results]).sum()
        (gradient,) = torch.autograd.grad(total * pixels[0].numel(), variable)
        gradients = torch.split(gradient.contiguous(), 1)
        return [(numbers(*r), own) for r, own in zip(results, gradients, strict=True)]

    def passes(self, measurements: Sequence[Measurement]) -> TiledPasses:
        """Return the passes that compute measurements in tiles."""
        return TiledPasses(self.extractor, measurements, self.tile, self.fixed, self.shift)

    def _evaluate(self, terms: Sequence[Term], image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        view = self.view(image)
        return evaluate(terms, [view.measure(term.distance.measurements) for term in terms])


class PictureView:
    """One picture, shown to a network.

    Attributes:
        viewer: the network.
        pixels: the picture.

    Args:
        features: all layers' activations, if they are known.
    """

    def __init__(self, viewer: Viewer, pixels: Picture, features: Features | None = None) -> None:
        self.viewer, self.pixels = viewer, pixels
        self._assembled: Features = {}
        if features is not None:
            self._features = features

    def shape(self, layer: str) -> tuple[int, int]:
        """Return height and width of a layer."""
        height, width = self.pixels.shape[-2:]
        for stage in self.viewer.stages:
            if layer in stage.fields:
                return stage.shape(layer, height, width, wrap=self.viewer.wrap)
            height, width = stage.shape("", height, width, wrap=self.viewer.wrap)
        rows, columns = self._features[layer].shape[-2:]  # a layer that is no operation's output
        return rows, columns

    def measure(self, measurements: Sequence[Measurement]) -> list[Values]:
        """Return the values of each measurement, for the whole picture."""
        if self.viewer.tile:
            return self.viewer.passes(measurements).first(self.pixels)[0]
        return [self._measure_at_once(measurement) for measurement in measurements]

    def features(self, layers: Sequence[str]) -> Features:
        """Return the whole activations of layers, however large they are."""
        if not self.viewer.tile:
            return {name: self._features[name] for name in layers}
        if missing := [name for name in layers if name not in self._assembled]:
            self._assembled |= _assemble(self, missing)
        return {name: self._assembled[name] for name in layers}

    def _measure_at_once(self, measurement: Measurement) -> Values:
        if measurement.layer != PIXELS:
            features = self._features[measurement.layer]
            return measurement.compute(features, Tile.full(features))
        pixels = self._picture
        tile = Tile.full(pixels)
        if self.viewer.wrap and measurement.reach:
            reach = measurement.reach
            pixels = F.pad(pixels, (reach,) * 4, "circular")
            tile = Tile(tile.rows, tile.columns, tile.shape, reach, reach)
        return measurement.compute(pixels, tile)

    @cached_property
    def _picture(self) -> Tensor:
        fixed = self.viewer.fixed
        return self.pixels if fixed is None else fixed.apply(self.pixels)

    @cached_property
    def _features(self) -> Features:
        pixels = self._picture
        if self.viewer.shift:
            pixels = pixels.roll((self.viewer.shift,) * 2, (2, 3))
        features: Features = self.viewer.extractor(pixels, self.viewer.layers)
        return features


def _assemble(view: PictureView, layers: Sequence[str]) -> Features:
    """Put activations together from their tiles."""
    weight = next(view.viewer.extractor.parameters())
    features: Features = {}
    for name in layers:
        channels, size = view.viewer.extractor.channels(name), view.shape(name)
        empty = weight.new_empty(1, channels, *size)
        features[name] = empty.to(memory_format=torch.channels_last)
    view.measure([Measurement(name, _Copier(features[name])) for name in layers])
    return features


@dataclass(frozen=True, eq=False)
class _Copier:
    """Measures nothing, and copies each tile to its place."""

    layer: Tensor

    def __call__(self, features: Tensor, tile: Tile) -> Values:
        tile.select(self.layer).copy_(tile.crop(features))
        return ()
