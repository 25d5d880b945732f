"""What is left of the network once a style and a strength are known: convolutions, one by one.

Its coarse half works at an eighth and a quarter of the picture's size, and all of a picture's
features there are small. Its fine half looks no farther than `REACH` pixels, so that it can go over
a large picture in panes that nearly meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.networks.transport import Transport

__all__ = ["COARSE", "COARSE_REACH", "LEVELS", "REACH", "Decoder", "Weights", "laid"]

# Layers whose features are moved and painted from, deepest first, with their channels.
LEVELS = {"relu4_1": 128, "relu3_1": 64, "relu2_1": 32, "relu1_1": 16}

COARSE = tuple(LEVELS)[:2]
"""The levels that the coarse half sees."""

REACH = 8
"""Pixels that the fine half looks beyond what it paints: by two convolutions, and three of half the
size."""

COARSE_REACH = 40
"""Pixels that the coarse half looks beyond what it makes, up to whole steps: by three convolutions
at a quarter of the picture's size, and three at an eighth."""

Weights = tuple[Float[Tensor, "_ _ _ _"], Float[Tensor, " _"]]
Features = Mapping[str, Float[Tensor, "1 _ _ _"]]


@dataclass(frozen=True)
class Decoder:
    """What paints in one style at one strength: convolutions and nothing else.

    Attributes:
        stages: from an eighth of the picture's size to its own.
        joins: what brings the photograph's features into each stage but the first.
    """

    stages: Sequence[Sequence[Weights]]
    joins: Sequence[Weights]
    last: Weights

    def after(self, transports: Mapping[str, Transport]) -> Decoder:
        """The same, with the photograph's transports taken into the convolutions that follow them.

        So they cost nothing for a pixel. At a border, where zeros follow the features, it is not
        the same: the margin that is cut off has it.
        """
        first, *others = (transports[name] for name in LEVELS)
        stages = [list(stage) for stage in self.stages]
        stages[0][0] = _moving(*stages[0][0], first)
        joins = [_moving(*join, each) for join, each in zip(self.joins, others, strict=True)]
        return replace(self, stages=stages, joins=joins)

    def __call__(self, features: Features) -> Float[Tensor, "1 3 h w"]:
        """A picture of the photograph's own features at `LEVELS`."""
        return self.fine(self.coarse(features), features)

    def coarse(self, features: Features) -> Float[Tensor, "1 _ _ _"]:
        """The coarse half, from the two deeper levels; at a quarter of the picture's size."""
        first, *others = (features[name] for name in COARSE)
        # Beyond the border features go on as there, as its training has it.
        x = _through(F.pad(first, (1, 1, 1, 1), "replicate"), self.stages[0], padding=0)
        for number in range(1, len(COARSE)):
            x = self._stage(number, x, others[number - 1])
        return x

    def fine(self, x: Float[Tensor, "1 _ _ _"], features: Features) -> Float[Tensor, "1 3 h w"]:
        """The fine half, from what the coarse one made and the two shallower levels."""
        others = [features[name] for name in list(LEVELS)[len(COARSE) :]]
        for number, seen in enumerate(others, len(COARSE)):
            x = self._stage(number, x, seen)
        return F.conv2d(x, *self.last, padding=1)

    def _stage(self, number: int, x: Tensor, seen: Tensor) -> Tensor:
        return _through(_enlarged(x, F.conv2d(seen, *self.joins[number - 1])), self.stages[number])


def _through(x: Tensor, stage: Sequence[Weights], padding: int = 1) -> Tensor:
    for weight, bias in stage:
        x = F.relu_(F.conv2d(x, weight, bias, padding=padding))
        padding = 1
    return x


def _enlarged(x: Tensor, beside: Tensor) -> Tensor:
    """A stage's input: twice as large as it was, with the photograph's features of that size.

    By nearest neighbour and a convolution: a transposed one would leave a checkerboard. The
    features take up the enlarged map, which nobody has to make.
    """
    batch, channels, height, width = x.shape
    fours = beside.view(batch, channels, height, 2, width, 2)
    fours.add_(x[:, :, :, None, :, None])
    return beside


def laid(weight: Tensor, bias: Tensor, like: Tensor) -> Weights:
    """A convolution's weights as it is fastest with them, of a tensor's number type and device."""
    there = weight.detach().to(like).contiguous(memory_format=torch.channels_last)
    return there, bias.detach().to(like)


def _moving(weight: Tensor, bias: Tensor, transport: Transport) -> Weights:
    """A convolution of features that are moved first."""
    matrix, shift = transport.matrix[0], transport.shift[0, 0]
    whole = weight.to(matrix.dtype)
    moved = torch.einsum("odyx,cd->ocyx", whole, matrix).to(weight.dtype)
    more = torch.einsum("odyx,d->o", whole, shift).to(bias.dtype)
    return moved.contiguous(memory_format=torch.channels_last), bias + more
