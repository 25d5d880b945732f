"""What a painted picture is worth, as the trainings see it: by the loss of `--method gatys`."""

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

__all__ = ["MARGIN", "Features", "Judge", "Judged", "inner"]

# Pixels of a crop that are painted and not judged: borders are cut off in use too.
MARGIN = 16

CONTENT = "relu4_1"

# Pixels to a step of each layer.
_STRIDES = {f"relu{stage}_1": 2 ** (stage - 1) for stage in range(1, 6)}

Features = Mapping[str, Float[Tensor, "b _ _ _"]]

# What colours beyond white and black cost, as a mean square.
_BEYOND = 10.0


@dataclass(frozen=True)
class Judged:
    """What each painted picture of a batch is judged by.

    Attributes:
        content: distance to the photograph's features, over their own energy.
        style: mean over layers of the distance to the style, over the photograph's own.
        smooth: total variation, and what lies beyond black and white.
    """

    content: Float[Tensor, " b"]
    style: Float[Tensor, " b"]
    smooth: Float[Tensor, " b"]

    def loss(self, strength: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """What `--method gatys` would lower at these strengths, over the sum of its weights."""
        odds = torch.tensor([style_weight(s) for s in strength.tolist()]).to(self.content)
        total = self.content + BALANCED["gaussian"] * odds * self.style
        return (total + (2 * strength).clamp(max=1) * self.smooth) / (1 + odds)


class Judge:
    """Compares pictures with the photographs they are of and the styles they are in.

    Args:
        extractor: `compact`.
    """

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.lifts = {name: lift_of(extractor, name) for name in STYLE_LAYERS}

    @torch.no_grad()
    def look(self, photos: Float[Tensor, "b 3 h w"]) -> Features:
        """What the photographs are judged by, and painted from."""
        seen: Features = self.extractor(photos, STYLE_LAYERS)
        return seen

    def judge(self, painted: Float[Tensor, "b 3 h w"], seen: Features, styles: StylePool) -> Judged:
        """What pictures are worth inside their margin."""
        painted = inner(painted)
        theirs = {name: inner(features, _STRIDES[name]) for name, features in seen.items()}
        with torch.no_grad():
            held = {name: moments(features) for name, features in theirs.items()}
        ours = self.extractor(painted, STYLE_LAYERS)
        with torch.autocast(painted.device.type, enabled=False):
            content = self._content(ours[CONTENT], theirs[CONTENT], held[CONTENT])
            parts = [
                gaussian_each(moments(ours[name]), styles.targets[name])
                / gaussian_each(held[name], styles.targets[name]).clamp(min=FLOOR)
                for name in STYLE_LAYERS
            ]
            rough = torch.stack([variation(picture[None], "l2") for picture in painted])
            beyond = (painted - painted.clamp(0, 1)).square().mean((1, 2, 3))
        return Judged(content, torch.stack(parts).mean(0), rough + _BEYOND * beyond)

    def _content(self, ours: Tensor, theirs: Tensor, held: Moments) -> Float[Tensor, " b"]:
        lift = self.lifts[CONTENT]
        unit = gram(held, lift).diagonal(dim1=1, dim2=2).sum(1)
        difference = (ours.float() - theirs.float()).movedim(1, -1)
        return (difference @ lift.linear.T).square().sum(-1).mean((1, 2)) / unit


def inner(values: Float[Tensor, "b c h w"], stride: int = 1) -> Float[Tensor, "b c _ _"]:
    """A picture, or a layer of that stride, without its margin."""
    edge = MARGIN // stride
    return values[..., edge:-edge, edge:-edge].contiguous(memory_format=torch.channels_last)
