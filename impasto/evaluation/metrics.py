"""Figures of quality of a painted photograph: how much of its photograph and painting it keeps.

No figure says anything alone: a copy of the photograph has the best content and a copy of the
painting the best style. So both copies are measured too, and a good picture lies between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from impasto.errors import PictureError
from impasto.evaluation.judge import Figures, Judge
from impasto.evaluation.similarity import SMALLEST_SIDE, Pixels
from impasto.features import weights as stored
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.image.picture import Picture, fit, resize
from impasto.image.reading import read
from impasto.image.transparency import without_hidden_colours
from impasto.losses.moments import Moments, moments
from impasto.styles.statistics import Painting

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
    """Measure a result, a copy of its photograph and a copy of its painting.

    All are compared at the result's size: the photograph is resized to it, the painting to its long
    side. A backbone favours pictures that were painted with it, so another one judges better.

    Args:
        result, content, style: pictures, or files that hold them. Their transparency is ignored.
        backbone: the network that judges, by its own content and style layers.
        weights: a file of weights for it, instead of its own.

    Raises:
        PictureError: a picture that cannot be read, or is smaller than 32 pixels on a side.
        WeightsError: the backbone's weights are missing or damaged.
        OptionError: an unknown backbone.
    """
    painted = _pixels(result, "result")
    height, width = painted.shape[-2:]
    photograph = resize(_pixels(content, "photograph"), height, width)
    painting = _pixels(style, "painting")
    fitted = fit(painting, max(height, width))
    _check_sides(fitted, "painting, at the result's size,")
    extractor = stored.load(backbone, weights=weights)
    target = _FittedPainting.of(fitted, extractor, BACKBONES[backbone].style)
    judge = Judge(extractor, backbone, photograph, target)
    pictures = {
        "result": painted,
        "content copied": photograph,
        "style copied": resize(painting, height, width),
    }
    return [_row(name, judge.figures(pixels)) for name, pixels in pictures.items()]


def _row(name: str, figures: Figures) -> Row:
    values: dict[str, Any] = asdict(figures)  # none is None: both parents are pictures
    return Row(name, **values)


def _pixels(source: Source, role: str) -> Pixels:
    picture = source if isinstance(source, Picture) else read(source)
    picture = without_hidden_colours(picture, f"The {role}")
    _check_sides(picture.pixels, role)
    return picture.pixels


def _check_sides(pixels: Pixels, role: str) -> None:
    height, width = pixels.shape[-2:]
    if min(height, width) < SMALLEST_SIDE:
        raise PictureError(
            f"The {role} is {width}×{height} pixels. Figures of quality need at least "
            f"{SMALLEST_SIDE} on each side; give a bigger picture, or one less narrow."
        )


@dataclass(frozen=True)
class _FittedPainting(Painting):
    """A painting measured once, at the size it has: enlarged where the result is larger."""

    measured: Mapping[str, Moments] = field(default_factory=dict)

    @classmethod
    @torch.no_grad()
    def of(cls, pixels: Pixels, extractor: Extractor, layers: Sequence[str]) -> _FittedPainting:
        features = extractor(pixels, layers)
        return cls(pixels, measured={name: moments(f) for name, f in features.items()})

    def at(
        self,
        long_side: int,  # noqa: ARG002
        extractor: Extractor,  # noqa: ARG002
        layers: Sequence[str],
    ) -> Mapping[str, Moments]:
        """Return its moments, whatever the size: the figures of a picture are taken at one."""
        return {name: self.measured[name] for name in layers}
