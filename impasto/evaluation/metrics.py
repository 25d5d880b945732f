"""Figures of quality of a painted photograph: how much of each of its two parents it keeps.

No figure says anything alone: copying the photograph wins the first and copying the painting the
second. So both copies are measured too, and a good picture lies between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from impasto.errors import PictureError
from impasto.evaluation.similarity import SMALLEST_SIDE, Pixels, colour_distance, ssim
from impasto.features import weights as stored
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.image.picture import Picture, fit, resize
from impasto.image.reading import read
from impasto.losses import functional as losses
from impasto.losses.moments import moments
from impasto.losses.statistics import gram, lift_of

__all__ = ["Row", "evaluate"]

Source = Picture | Image.Image | str | Path


@dataclass(frozen=True)
class Row:
    """One picture's figures.

    Attributes:
        name: `result`, `content copied` or `style copied`.
        content: distance to the photograph's features, over their own energy; 0 for a copy.
        style: distance of Gram matrices to the painting's, over their own energy; 0 for a copy.
        ssim: structural similarity to the photograph, at most 1.
        colour: distance to the painting's colours in units of CIE Lab, about 2 being just visible.
    """

    name: str
    content: float
    style: float
    ssim: float
    colour: float


def evaluate(
    result: Source,
    content: Source,
    style: Source,
    backbone: str = "compact",
    weights: Path | None = None,
) -> list[Row]:
    """Measure a result, and beside it a copy of its photograph and a copy of its painting.

    All are compared at the result's size: the photograph is resized to it, the painting to its long
    side. A backbone flatters what was painted through it, so prefer another one for the judge.

    Args:
        result, content, style: pictures, or files that hold them. Their transparency is ignored.
        backbone: whose layers judge, at its own choice of content and style layers.
        weights: a file of weights for it, instead of the known ones.

    Raises:
        PictureError: a picture that cannot be read, or is smaller than 32 pixels on a side.
        WeightsError: the backbone's weights are missing or damaged.
        OptionError: an unknown backbone.
    """
    painted = _pixels(result, "result")
    height, width = painted.shape[-2:]
    photograph = resize(_pixels(content, "photograph"), height, width)
    painting = _pixels(style, "painting")
    beside = fit(painting, max(height, width))
    _check_sides(beside, "painting, at the result's size,")
    judge = _Judge(stored.load(backbone, weights=weights), backbone, photograph, beside)
    return [
        judge.measure("result", painted),
        judge.measure("content copied", photograph),
        judge.measure("style copied", resize(painting, height, width)),
    ]


def _pixels(source: Source, role: str) -> Pixels:
    picture = source if isinstance(source, Picture) else read(source)
    _check_sides(picture.pixels, role)
    return picture.pixels


def _check_sides(pixels: Pixels, role: str) -> None:
    height, width = pixels.shape[-2:]
    if min(height, width) < SMALLEST_SIDE:
        raise PictureError(
            f"The {role} is {width}×{height} pixels. Figures of quality need at least "
            f"{SMALLEST_SIDE} on each side; give a bigger picture, or one less narrow."
        )


class _Judge:
    """A backbone that has seen the photograph and the painting."""

    def __init__(
        self, extractor: Extractor, backbone: str, photograph: Pixels, painting: Pixels
    ) -> None:
        self.extractor, self.photograph, self.painting = extractor, photograph, painting
        self.content_layers = BACKBONES[backbone].content
        self.style_layers = BACKBONES[backbone].style
        self.content_target = self._see(photograph, self.content_layers)
        self.style_target = self._grams(self._see(painting, self.style_layers))

    def measure(self, name: str, picture: Pixels) -> Row:
        features = self._see(picture, {*self.content_layers, *self.style_layers})
        return Row(
            name,
            content=self._content_distance(features),
            style=self._style_distance(features),
            ssim=ssim(picture, self.photograph),
            colour=colour_distance(picture, self.painting),
        )

    def _see(self, picture: Pixels, layers: Sequence[str] | set[str]) -> dict[str, Tensor]:
        with torch.no_grad():
            seen: dict[str, Tensor] = self.extractor(picture, layers)
        return seen

    def _content_distance(self, features: dict[str, Tensor]) -> float:
        each = []
        for name, target in self.content_target.items():
            lift = lift_of(self.extractor, name)
            unit = losses.energy(moments(target), lift)
            each.append(losses.content(features[name], target, lift, unit))
        return float(torch.stack(each).mean())

    def _style_distance(self, features: dict[str, Tensor]) -> float:
        got = self._grams({name: features[name] for name in self.style_layers})
        each = [losses.gram_distance(got[n], wanted) for n, wanted in self.style_target.items()]
        return float(torch.stack(each).mean())

    def _grams(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {
            name: gram(moments(f), lift_of(self.extractor, name)) for name, f in features.items()
        }
