"""The plain convolutions that a network is reduced to, for one style at one strength.

The coarse half works at an eighth and a quarter of the picture's size, where all of a picture's
features are small. The fine half sees no farther than `REACH` pixels, so that it can paint a large
picture in tiles that overlap little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.networks.chroma import joined
from impasto.networks.transport import Transport

__all__ = [
    "COARSE",
    "COARSE_REACH",
    "FAINT",
    "LEVELS",
    "MARGIN",
    "REACH",
    "SMALLEST_SIDE",
    "Decoder",
    "Weights",
    "packed",
]

LEVELS = {"relu4_1": 128, "relu3_1": 64, "relu2_1": 32, "relu1_1": 16}
"""Layers whose features are moved and decoded, deepest first, with their channels."""

COARSE = tuple(LEVELS)[:2]
"""The levels that the coarse half reads."""

REACH = 12
"""Pixels that the fine half sees beyond what it paints: 8 by two convolutions, and three at half
the size, around the cell of colour (`chroma.CELL`) beside it."""

COARSE_REACH = 40
"""Pixels that the coarse half sees beyond what it makes, up to whole steps: by three convolutions
at a quarter of the picture's size, and three at an eighth."""

MARGIN = 32
"""Pixels around the picture that are painted and cut off, as a border changes features. With 16, a
trained style put a stripe along a plain sky."""

FAINT = 0.1
"""Below this strength the picture fades to the photograph, as no network returns it even at 0."""

SMALLEST_SIDE = 16
"""Pixels of the shortest side that a network paints."""

Weights = tuple[Float[Tensor, "_ _ _ _"], Float[Tensor, " _"]]
Features = Mapping[str, Float[Tensor, "1 _ _ _"]]


@dataclass(frozen=True)
class Decoder:
    """A network that paints in one style at one strength: convolutions and nothing else.

    Attributes:
        stages: from an eighth of the picture's size to its own.
        joins: 1×1 convolutions that add the photograph's features to each stage but the first.
        last: paints red, green and blue; if colour is averaged over cells, brightness and colours
            without it (`chroma.separated`).
        cell: pixels of such a cell's side; 1 for none.
    """

    stages: Sequence[Sequence[Weights]]
    joins: Sequence[Weights]
    last: Weights
    cell: int = 1

    def after(self, transports: Mapping[str, Transport]) -> Decoder:
        """Return the decoder with the photograph's transports merged into its convolutions.

        So they cost nothing per pixel. The result differs at a border, where zeros follow the
        features; that is in the margin, which is cut off.
        """
        first, *shallower = (transports[name] for name in LEVELS)
        stages = [list(stage) for stage in self.stages]
        stages[0][0] = _moving(*stages[0][0], first)
        joins = [_moving(*join, move) for join, move in zip(self.joins, shallower, strict=True)]
        return replace(self, stages=stages, joins=joins)

    def __call__(self, features: Features) -> Float[Tensor, "1 3 h w"]:
        """Paint from the photograph's features at `LEVELS`."""
        return self.fine(self.coarse(features), features)

    def coarse(self, features: Features) -> Float[Tensor, "1 _ _ _"]:
        """Run the coarse half, on the two deeper levels; at a quarter of the picture's size."""
        first, *shallower = (features[name] for name in COARSE)
        # The border is repeated, as in training.
        x = _through(F.pad(first, (1, 1, 1, 1), "replicate"), self.stages[0], padding=0)
        for number in range(1, len(COARSE)):
            x = self._stage(number, x, shallower[number - 1])
        return x

    def fine(self, x: Float[Tensor, "1 _ _ _"], features: Features) -> Float[Tensor, "1 3 h w"]:
        """Run the fine half, on the output of the coarse one and the two shallower levels."""
        levels = [features[name] for name in list(LEVELS)[len(COARSE) :]]
        for number, level in enumerate(levels, len(COARSE)):
            x = self._stage(number, x, level)
        painted = F.conv2d(x, *self.last, padding=1)
        return painted if self.cell == 1 else joined(painted, self.cell)

    def _stage(self, number: int, x: Tensor, level: Tensor) -> Tensor:
        added = F.conv2d(level, *self.joins[number - 1])
        return _through(_enlarged(x, added), self.stages[number])


def _through(x: Tensor, stage: Sequence[Weights], padding: int = 1) -> Tensor:
    for weight, bias in stage:
        x = F.relu_(F.conv2d(x, weight, bias, padding=padding))
        padding = 1
    return x


def _enlarged(x: Tensor, added: Tensor) -> Tensor:
    """Enlarge a stage's input twofold, and add it to the photograph's features of that size.

    By nearest neighbour and a convolution: a transposed one would leave a checkerboard. It is added
    in place, without a tensor for the enlarged map.
    """
    batch, channels, height, width = x.shape
    quads = added.view(batch, channels, height, 2, width, 2)
    quads.add_(x[:, :, :, None, :, None])
    return added


def packed(weight: Tensor, bias: Tensor, like: Tensor) -> Weights:
    """Return a convolution's weights in the fastest layout, and in the number type of `like`."""
    weight = weight.detach().to(like).contiguous(memory_format=torch.channels_last)
    return weight, bias.detach().to(like)


def _moving(weight: Tensor, bias: Tensor, transport: Transport) -> Weights:
    """Return the convolution that moves its input first."""
    matrix, shift = transport.matrix[0], transport.shift[0, 0]
    kernel = weight.to(matrix.dtype)
    moving = torch.einsum("odyx,cd->ocyx", kernel, matrix).to(weight.dtype)
    constant = torch.einsum("odyx,d->o", kernel, shift).to(bias.dtype)
    return moving.contiguous(memory_format=torch.channels_last), bias + constant
