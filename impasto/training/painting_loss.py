"""The loss of a painted picture in training: that of `--method gatys`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.engine.statistics import BALANCED
from impasto.engine.terms import FLOOR, style_weight
from impasto.features.extractor import Extractor
from impasto.losses.functional import variation
from impasto.losses.gaussians import gaussian_each
from impasto.losses.moments import Moments, moments
from impasto.losses.statistics import gram, lift_of
from impasto.networks.instant import STYLE_LAYERS
from impasto.training.styles import StylePool

__all__ = ["MARGIN", "Features", "LossParts", "PaintingLoss", "inner"]

# Pixels of a crop that are painted and not compared: borders are cut off in use too.
MARGIN = 16

CONTENT = "relu4_1"

# Pixels between two cells of each layer.
_STRIDES = {f"relu{stage}_1": 2 ** (stage - 1) for stage in range(1, 6)}

Features = Mapping[str, Float[Tensor, "b _ _ _"]]

# Weight of colours beyond black and white, as a mean square.
_OUT_OF_RANGE = 10.0


@dataclass(frozen=True)
class LossParts:
    """The parts of the loss of each painted picture in a batch.

    Attributes:
        content: distance to the photograph's features, over their own energy.
        style: mean over layers of the distance to the style, over the photograph's own.
        smooth: total variation, and colours beyond black and white.
    """

    content: Float[Tensor, " b"]
    style: Float[Tensor, " b"]
    smooth: Float[Tensor, " b"]

    def total(self, strength: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """Return the loss of `--method gatys` at these strengths, over the sum of its weights."""
        odds = torch.tensor([style_weight(s) for s in strength.tolist()]).to(self.content)
        total = self.content + BALANCED["gaussian"] * odds * self.style
        return (total + (2 * strength).clamp(max=1) * self.smooth) / (1 + odds)


class PaintingLoss:
    """Compares painted pictures with their photographs and their styles.

    Args:
        extractor: `compact`.
    """

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.lifts = {name: lift_of(extractor, name) for name in STYLE_LAYERS}

    @torch.no_grad()
    def features(self, photos: Float[Tensor, "b 3 h w"]) -> Features:
        """Return what photographs are compared by, and painted from."""
        features: Features = self.extractor(photos, STYLE_LAYERS)
        return features

    def parts(
        self, painted: Float[Tensor, "b 3 h w"], photos: Features, styles: StylePool
    ) -> LossParts:
        """Compare pictures, without their margin, with the features of their photographs."""
        painted = inner(painted)
        targets = {name: inner(features, _STRIDES[name]) for name, features in photos.items()}
        with torch.no_grad(), torch.autocast(painted.device.type, enabled=False):
            photo_moments = {name: moments(features) for name, features in targets.items()}
        features = self.extractor(painted, STYLE_LAYERS)
        with torch.autocast(painted.device.type, enabled=False):
            content = self._content(features[CONTENT], targets[CONTENT], photo_moments[CONTENT])
            style = [
                gaussian_each(moments(features[name]), styles.targets[name])
                / gaussian_each(photo_moments[name], styles.targets[name]).clamp(min=FLOOR)
                for name in STYLE_LAYERS
            ]
            rough = torch.stack([variation(picture[None], "l2") for picture in painted])
            out_of_range = (painted - painted.clamp(0, 1)).square().mean((1, 2, 3))
        smooth = rough + _OUT_OF_RANGE * out_of_range
        return LossParts(content, torch.stack(style).mean(0), smooth)

    def _content(
        self, features: Tensor, target: Tensor, target_moments: Moments
    ) -> Float[Tensor, " b"]:
        lift = self.lifts[CONTENT]
        unit = gram(target_moments, lift).diagonal(dim1=1, dim2=2).sum(1)
        difference = (features.float() - target.float()).movedim(1, -1)
        return (difference @ lift.linear.T).square().sum(-1).mean((1, 2)) / unit


def inner(values: Float[Tensor, "b c h w"], stride: int = 1) -> Float[Tensor, "b c _ _"]:
    """Return a picture, or a layer of that stride, without its margin."""
    edge = MARGIN // stride
    return values[..., edge:-edge, edge:-edge].contiguous(memory_format=torch.channels_last)
