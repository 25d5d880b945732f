"""How near a picture is to its photograph and its painting, measured by one network."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import StyleError
from impasto.evaluation.similarity import SMALLEST_SIDE, colour_distance, ssim
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.image.picture import fit, resize
from impasto.losses import functional as losses
from impasto.losses.moments import Moments, moments
from impasto.losses.statistics import Lift, gram, lift_of
from impasto.styles.statistics import Painting, Style

__all__ = ["Figures", "GramRow", "Judge"]

Pixels = Float[Tensor, "1 3 _ _"]
Features = Mapping[str, Tensor]


@dataclass(frozen=True)
class Figures:
    """As `impasto.evaluation.metrics.Row`; None where there is nothing to compare with."""

    content: float | None = None
    style: float | None = None
    ssim: float | None = None
    colour: float | None = None


@dataclass(frozen=True)
class GramRow:
    """One layer's Gram matrix of one picture (Gatys et al. 2016, eq. 3, over the pixels' number).

    Attributes:
        picture: its name.
        size: rows and columns of the matrix: channels, after the layer's lift.
        features: height and width of the layer; None of a style card, which holds no picture.
        minimum, maximum, mean: of the entries.
        distance: to the painting's matrix, squared, over its square; None without one.
    """

    picture: str
    layer: str
    size: int
    features: tuple[int, int] | None
    minimum: float
    maximum: float
    mean: float
    distance: float | None


class Judge:
    """A network that compares pictures of any size with one photograph and one painting.

    Content and style are compared at the backbone's own layers whatever a picture was painted with,
    so that pictures can be compared with each other.

    Args:
        extractor: in float32, with the backbone's own pooling.
        backbone: its name.
        photograph, style: what the pictures were painted from.
        layers: more layers to take Gram matrices of.
    """

    def __init__(
        self,
        extractor: Extractor,
        backbone: str,
        photograph: Pixels,
        style: Style,
        layers: Sequence[str] = (),
    ) -> None:
        self.extractor, self.photograph, self.style = extractor, photograph, style
        self.content_layers = BACKBONES[backbone].content
        self.style_layers = BACKBONES[backbone].style
        compared = {*self.style_layers, *layers}
        self.layers = [name for name in extractor.names if name in compared]
        self._photographs: dict[tuple[int, int], Features] = {}
        self._paintings: dict[int, dict[str, Moments]] = {}

    def figures(self, pixels: Pixels) -> Figures:
        """Measure a picture; one that is too small for the deepest layers has no figures."""
        if min(pixels.shape[-2:]) < SMALLEST_SIDE:
            return Figures()
        content, style = self.distances(pixels)
        photograph = resize(self.photograph, *pixels.shape[-2:])
        return Figures(content, style, ssim(pixels, photograph), self._colour(pixels))

    def distances(self, pixels: Pixels) -> tuple[float, float | None]:
        """Return a picture's content and style distance; no style without a layer in common."""
        features = self._features(pixels, {*self.content_layers, *self.style_layers})
        painting = self._painting(max(pixels.shape[-2:]))
        style = [
            losses.gram_distance(gram(moments(features[name]), lift), gram(painting[name], lift))
            for name in self.style_layers
            if name in painting
            for lift in [lift_of(self.extractor, name)]
        ]
        return self._content(features, pixels.shape), _mean(style) if style else None

    def gram_rows(self, name: str, pixels: Pixels) -> list[GramRow]:
        """Measure a picture's Gram matrices, layer by layer."""
        if min(pixels.shape[-2:]) < SMALLEST_SIDE:
            return []
        painting = self._painting(max(pixels.shape[-2:]))
        rows = []
        for layer, features in self._features(pixels, self.layers).items():
            lift = _full_lift(self.extractor, layer)
            target = gram(painting[layer], lift) if layer in painting else None
            rows.append(_row(name, layer, gram(moments(features), lift), target, features))
        return rows

    def painting_rows(self, name: str, long_side: int) -> list[GramRow]:
        """Measure the painting's Gram matrices for results of that long side."""
        rows = []
        for layer, painting in self._painting(long_side).items():
            matrix = gram(painting, _full_lift(self.extractor, layer))
            rows.append(_row(name, layer, matrix, matrix, None))
        return rows

    def _painting(self, long_side: int) -> dict[str, Moments]:
        """Return the painting's moments by layer; a style card may not hold every layer."""
        if long_side not in self._paintings:
            measured = ((name, self._painting_at(long_side, name)) for name in self.layers)
            self._paintings[long_side] = {name: m for name, m in measured if m is not None}
        return self._paintings[long_side]

    def _painting_at(self, long_side: int, layer: str) -> Moments | None:
        try:
            return self.style.at(long_side, self.extractor, [layer])[layer]
        except StyleError:
            return None

    @torch.no_grad()
    def _features(self, pixels: Pixels, layers: Collection[str]) -> Features:
        features: Features = self.extractor(pixels, layers)
        return features

    def _content(self, features: Features, shape: torch.Size) -> float:
        size = (shape[-2], shape[-1])
        if size not in self._photographs:
            photograph = resize(self.photograph, *size)
            self._photographs = {size: self._features(photograph, self.content_layers)}
        each = []
        for name, target in self._photographs[size].items():
            lift = lift_of(self.extractor, name)
            energy = losses.energy(moments(target), lift)
            each.append(losses.content(features[name], target, lift, energy))
        return _mean(each)

    def _colour(self, pixels: Pixels) -> float | None:
        if not isinstance(self.style, Painting):
            return None
        return colour_distance(pixels, fit(self.style.pixels, max(pixels.shape[-2:])))


def _mean(values: Sequence[Float[Tensor, ""]]) -> float:
    return float(torch.stack(list(values)).mean())


def _full_lift(extractor: Extractor, layer: str) -> Lift:
    """Return a lift as it is, not its triangular factor: entries mean what VGG-19's channels mean.

    Distances are the same with either; extremes and averages of entries are not.
    """
    if layer not in extractor.lifts:
        return lift_of(extractor, layer)
    lift = extractor.lifts[layer]
    weight = lift.get_parameter("weight")[:, :, 0, 0].detach()
    bias = lift.get_parameter("bias").detach()
    return Lift(torch.cat([weight, bias[:, None]], 1), weight)


def _row(
    picture: str,
    layer: str,
    matrix: Float[Tensor, "1 k k"],
    target: Float[Tensor, "1 k k"] | None,
    features: Float[Tensor, "1 c h w"] | None,
) -> GramRow:
    return GramRow(
        picture,
        layer,
        size=matrix.shape[-1],
        features=None if features is None else (features.shape[-2], features.shape[-1]),
        minimum=float(matrix.min()),
        maximum=float(matrix.max()),
        mean=float(matrix.mean()),
        distance=None if target is None else float(losses.gram_distance(matrix, target)),
    )
