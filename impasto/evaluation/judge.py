"""Figures of a study's pictures: what they keep of their parents, and their Gram matrices."""

from __future__ import annotations

from collections.abc import Sequence
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
Grams = dict[str, Float[Tensor, "1 _ _"]]


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
        picture: whose.
        size: the matrix has so many rows and columns: channels, after the layer's lift.
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
    """A network that has seen the photograph and the painting, and sees pictures of any size.

    Its content and style distances are those of `impasto evaluate`, at the backbone's own layers
    whatever the picture was painted with, so that pictures of one study can be compared.

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
        wanted = {*self.style_layers, *layers}
        self.layers = [name for name in extractor.names if name in wanted]
        self.lifts = {name: _whole_lift(extractor, name) for name in self.layers}
        self._paintings: dict[int, Grams] = {}

    def figures(self, pixels: Pixels) -> Figures:
        """What a picture keeps of its parents; nothing of one too small to tell."""
        height, width = pixels.shape[-2:]
        if min(height, width) < SMALLEST_SIDE:
            return Figures()
        photograph = resize(self.photograph, height, width)
        got, wanted = self._grams(pixels), self.painting(max(height, width))
        each = [losses.gram_distance(got[n], wanted[n]) for n in self.style_layers if n in wanted]
        return Figures(
            content=self._content(pixels, photograph),
            style=float(torch.stack(each).mean()) if each else None,
            ssim=ssim(pixels, photograph),
            colour=self._colour(pixels),
        )

    def gram_rows(self, name: str, pixels: Pixels) -> list[GramRow]:
        """A picture's Gram matrices, layer by layer."""
        if min(pixels.shape[-2:]) < SMALLEST_SIDE:
            return []
        seen = self._see(pixels, self.layers)
        wanted = self.painting(max(pixels.shape[-2:]))
        return [
            _row(name, layer, gram(moments(f), self.lifts[layer]), wanted.get(layer), f)
            for layer, f in seen.items()
        ]

    def painting_rows(self, name: str, long_side: int) -> list[GramRow]:
        """The painting's Gram matrices for results of that long side."""
        return [
            _row(name, layer, matrix, matrix, None)
            for layer, matrix in self.painting(long_side).items()
        ]

    def painting(self, long_side: int) -> Grams:
        """The painting's Gram matrices; a style card may not hold every layer."""
        if long_side not in self._paintings:
            self._paintings[long_side] = {}
            for layer in self.layers:
                found = self._painting_at(long_side, layer)
                if found is not None:
                    self._paintings[long_side][layer] = gram(found, self.lifts[layer])
        return self._paintings[long_side]

    def _painting_at(self, long_side: int, layer: str) -> Moments | None:
        try:
            return self.style.at(long_side, self.extractor, [layer])[layer]
        except StyleError:
            return None

    @torch.no_grad()
    def _see(self, pixels: Pixels, layers: Sequence[str]) -> dict[str, Tensor]:
        seen: dict[str, Tensor] = self.extractor(pixels, layers)
        return seen

    def _grams(self, pixels: Pixels) -> Grams:
        seen = self._see(pixels, self.style_layers)
        return {name: gram(moments(f), self.lifts[name]) for name, f in seen.items()}

    def _content(self, pixels: Pixels, photograph: Pixels) -> float:
        got, wanted = (self._see(p, self.content_layers) for p in (pixels, photograph))
        each = []
        for name, target in wanted.items():
            lift = lift_of(self.extractor, name)
            each.append(
                losses.content(got[name], target, lift, losses.energy(moments(target), lift))
            )
        return float(torch.stack(each).mean())

    def _colour(self, pixels: Pixels) -> float | None:
        if not isinstance(self.style, Painting):
            return None
        painting = self.style.pixels
        return colour_distance(pixels, fit(painting, max(pixels.shape[-2:])))


def _whole_lift(extractor: Extractor, layer: str) -> Lift:
    """A lift as it is, not its triangular factor: entries mean what VGG-19's channels mean.

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
    wanted: Float[Tensor, "1 k k"] | None,
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
        distance=None if wanted is None else float(losses.gram_distance(matrix, wanted)),
    )
