"""The network that paints in any style in one pass: `compact` encodes, a small decoder paints.

A style enters in two ways. The photograph's features at four depths are moved by optimal transport
to the style's statistics there, which needs no training. Each convolution of the decoder is scaled
and shifted by a small network that reads the style's statistics at all five layers. That network
reads the strength as well, so that one decoder serves all of them (Dosovitskiy and Djolonga 2020).

No part of the decoder sees the whole picture. So a large picture can be painted in parts, with the
transports of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from impasto.losses.moments import Moments
from impasto.networks.chroma import separated
from impasto.networks.decoder import LEVELS, Decoder, packed

__all__ = ["GREY", "STYLE_LAYERS", "InstantNetwork", "Reader", "StyledConv", "summary"]

STYLE_LAYERS = {"relu1_1": 16, "relu2_1": 32, "relu3_1": 64, "relu4_1": 128, "relu5_1": 128}
"""Layers whose statistics are read, with their channels."""

# Length of the code of a style and a strength.
_CODE = 160

GREY = 0.5
"""The pixel value where the last convolution gives 0."""

# Channels of the decoder's convolutions, from an eighth of the picture's size to its own.
_WIDTHS = ((128, 128, 64), (64, 64, 32), (32, 32, 16), (16,))


def summary(style: Mapping[str, Moments]) -> Float[Tensor, "b n"]:
    """Return a style's statistics as one row of numbers: each channel's mean and deviation."""
    rows = []
    for name in STYLE_LAYERS:
        moments = style[name]
        variance = moments.second.diagonal(dim1=1, dim2=2) - moments.mean.square()
        rows += [moments.mean, variance.clamp(min=0).sqrt()]
    return torch.cat(rows, 1)


class Reader(nn.Module):
    """A network that encodes a style's summary and a strength; the code steers each convolution.

    Attributes:
        mean, deviation: of the summaries of many paintings.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        numbers = 2 * sum(STYLE_LAYERS.values())
        self.register_buffer("mean", torch.zeros(numbers))
        self.register_buffer("deviation", torch.ones(numbers))
        self.layers = nn.Sequential(
            nn.Linear(numbers + 1, _CODE), nn.ReLU(), nn.Linear(_CODE, _CODE), nn.ReLU()
        )

    def forward(
        self, style: Float[Tensor, "b n"], strength: Float[Tensor, " b"]
    ) -> Float[Tensor, "b k"]:
        """Return the code of each style at each strength."""
        normalised = ((style - self.mean) / self.deviation).clamp(-4, 4)
        code: Tensor = self.layers(torch.cat([normalised, 2 * strength[:, None] - 1], 1))
        return code


class StyledConv(nn.Module):
    """A 3×3 convolution whose channels a code scales, by at most 2, and shifts.

    Args:
        replicate: beyond its border the input is as it is there; otherwise it is 0.
    """

    def __init__(self, inputs: int, outputs: int, replicate: bool = False) -> None:
        super().__init__()
        mode: Literal["replicate", "zeros"] = "replicate" if replicate else "zeros"
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode=mode)
        self.steer = nn.Linear(_CODE, 2 * outputs)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        nn.init.zeros_(self.steer.weight)
        nn.init.zeros_(self.steer.bias)

    def forward(
        self, x: Float[Tensor, "b c h w"], steering: Float[Tensor, "b d2"]
    ) -> Float[Tensor, "b d h w"]:
        """Return the convolution with each picture's scales and shifts."""
        scale, shift = steering[:, :, None, None].chunk(2, 1)
        return F.relu(self.conv(x) * (1 + scale.tanh()) + shift)

    def steered(self, steering: Float[Tensor, "1 d2"]) -> tuple[Tensor, Tensor]:
        """Return weight and bias of the plain convolution with one picture's steering."""
        scale, shift = steering[0].chunk(2)
        gain = 1 + scale.tanh()
        return self.conv.weight * gain[:, None, None, None], _bias(self.conv) * gain + shift


class InstantNetwork(nn.Module):
    """A network that paints from moved features and a style.

    Attributes:
        units: the size of each level's features; the decoder's input is divided by it.
        cell: pixels of the sides of cells that colour is averaged over in painting; 1 for none, as
            in training: trained with cells, it painted fringes as wide as they are (LOG.md).
    """

    units: Tensor
    cell: int

    def __init__(self) -> None:
        super().__init__()
        self.reader = Reader()
        self.register_buffer("units", torch.ones(len(LEVELS)))
        self.cell = 1
        inputs, stages = next(iter(LEVELS.values())), list[list[StyledConv]]()
        for widths in _WIDTHS:
            ends = [inputs, *widths]
            # Zeros beyond the border would be moved as features are, and frame a plain picture.
            is_first = not stages
            pairs = enumerate(pairwise(ends))
            stages.append([StyledConv(*pair, replicate=is_first and not i) for i, pair in pairs])
            inputs = ends[-1]
        joins = [nn.Conv2d(channels, channels, 1) for channels in list(LEVELS.values())[1:]]
        self.stages = nn.ModuleList(nn.ModuleList(stage) for stage in stages)
        self.joins = nn.ModuleList(joins)
        # Typed, and as plain lists not a second part of the network's state.
        self._stages, self._joins = stages, joins
        self.last = nn.Conv2d(inputs, 3, 3, padding=1)
        # The number of each convolution's scales and shifts.
        self.shares = [2 * conv.conv.out_channels for stage in stages for conv in stage]

    def steering(
        self, style: Float[Tensor, "b n"], strength: Float[Tensor, " b"]
    ) -> Float[Tensor, "b s"]:
        """Return the scales and shifts of all convolutions, one after another.

        Args:
            style: its summary.
            strength: from 0 to 1.
        """
        code = self.reader(style, strength)
        return torch.cat([conv.steer(code) for stage in self._stages for conv in stage], 1)

    def forward(
        self, features: Mapping[str, Float[Tensor, "b _ _ _"]], steering: Float[Tensor, "b s"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Paint a picture.

        Args:
            features: the photograph's, at `LEVELS`, after the transport.
            steering: of each picture.
        """
        first, *shallower = (features[name] / u for name, u in zip(LEVELS, self.units, strict=True))
        joined = [join(level) for join, level in zip(self._joins, shallower, strict=True)]
        x, parts = first, iter(torch.split(steering, self.shares, 1))
        for number, stage in enumerate(self._stages):
            x = _enlarged(x, joined, number)
            for conv in stage:
                x = conv(x, next(parts))
        painted: Tensor = self.last(x) + GREY
        return painted

    @torch.no_grad()
    def decoder(self, steering: Float[Tensor, "1 s"], like: Tensor) -> Decoder:
        """Return the plain network for one steering.

        Args:
            like: a tensor of the number type to compute in, and on the device.
        """
        parts = iter(torch.split(steering, self.shares, 1))
        stages = [[conv.steered(next(parts)) for conv in stage] for stage in self._stages]
        weight, bias = stages[0][0]
        stages[0][0] = weight / self.units[0], bias
        joins = [
            packed(join.weight / unit, _bias(join), like)
            for join, unit in zip(self._joins, self.units[1:], strict=True)
        ]
        plain = [[packed(*conv, like) for conv in stage] for stage in stages]
        last = self.last.weight, _bias(self.last) + GREY
        last = last if self.cell == 1 else separated(*last)
        return Decoder(plain, joins, packed(*last, like), self.cell)


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias


def _enlarged(x: Tensor, joined: Sequence[Tensor], number: int) -> Tensor:
    """Enlarge a stage's input twofold, and add the photograph's features of that size.

    By nearest neighbour and a convolution: a transposed one would leave a checkerboard.
    """
    if not number:
        return x
    larger = F.interpolate(x, scale_factor=2, mode="nearest")
    return larger.add_(joined[number - 1]) if number <= len(joined) else larger
