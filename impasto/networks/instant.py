"""The network that paints in any style at once: `compact` looks, a small decoder paints.

Three things carry a style. The photograph's features at four depths are moved by optimal transport
to the style's statistics there, which needs no training. Each convolution of the decoder is scaled
and shifted by the style's statistics at all five layers, as a small network reads them. And so does
the strength, so that one network serves all of them (Dosovitskiy and Djolonga 2020).

Nothing in the decoder looks at the whole picture. So a large picture can be painted in parts, with
the transports of the whole.
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
from impasto.networks.decoder import LEVELS, Decoder, laid

__all__ = [
    "LEVELS",
    "STYLE_LAYERS",
    "Decoder",
    "InstantNetwork",
    "Reader",
    "StyledConv",
    "summary",
]

# Layers whose statistics are read, with their channels.
STYLE_LAYERS = {"relu1_1": 16, "relu2_1": 32, "relu3_1": 64, "relu4_1": 128, "relu5_1": 128}

# Numbers that a style and a strength are read into.
_CODE = 160

# What the last convolution's zero stands for.
GREY = 0.5

# Channels of the decoder's convolutions, from an eighth of the picture's size to its own.
_WIDTHS = ((128, 128, 64), (64, 64, 32), (32, 32, 16), (16,))


def summary(style: Mapping[str, Moments]) -> Float[Tensor, "b n"]:
    """A style's statistics as one row of numbers: each channel's mean and deviation."""
    rows = []
    for name in STYLE_LAYERS:
        moments = style[name]
        variance = moments.second.diagonal(dim1=1, dim2=2) - moments.mean.square()
        rows += [moments.mean, variance.clamp(min=0).sqrt()]
    return torch.cat(rows, 1)


class Reader(nn.Module):
    """Reads a style's summary and a strength; what it finds steers every convolution.

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
        """The code of each style at each strength."""
        known = ((style - self.mean) / self.deviation).clamp(-4, 4)
        code: Tensor = self.layers(torch.cat([known, 2 * strength[:, None] - 1], 1))
        return code


class StyledConv(nn.Module):
    """A 3×3 convolution whose channels a code scales, by at most 2, and shifts.

    Args:
        goes_on: beyond its border the input is as it is there; otherwise it is 0.
    """

    def __init__(self, inputs: int, outputs: int, goes_on: bool = False) -> None:
        super().__init__()
        mode: Literal["replicate", "zeros"] = "replicate" if goes_on else "zeros"
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode=mode)
        self.steer = nn.Linear(_CODE, 2 * outputs)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        nn.init.zeros_(self.steer.weight)
        nn.init.zeros_(self.steer.bias)

    def forward(
        self, x: Float[Tensor, "b c h w"], steering: Float[Tensor, "b d2"]
    ) -> Float[Tensor, "b d h w"]:
        """The convolution with each picture's scales and shifts."""
        scale, shift = steering[:, :, None, None].chunk(2, 1)
        return F.relu(self.conv(x) * (1 + scale.tanh()) + shift)

    def steered(self, steering: Float[Tensor, "1 d2"]) -> tuple[Tensor, Tensor]:
        """Weight and bias of the plain convolution that one picture's steering makes of it."""
        scale, shift = steering[0].chunk(2)
        gain = 1 + scale.tanh()
        return self.conv.weight * gain[:, None, None, None], _bias(self.conv) * gain + shift


class InstantNetwork(nn.Module):
    """Moved features and a style in, a picture out.

    Attributes:
        units: how large the features of each level are; what the decoder sees is about 1.
    """

    units: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.reader = Reader()
        self.register_buffer("units", torch.ones(len(LEVELS)))
        inputs, stages = next(iter(LEVELS.values())), list[list[StyledConv]]()
        for widths in _WIDTHS:
            ends = [inputs, *widths]
            # Zeros beyond the border would be moved as features are, and frame a plain picture.
            moved = not stages
            pairs = enumerate(pairwise(ends))
            stages.append([StyledConv(*pair, goes_on=moved and not i) for i, pair in pairs])
            inputs = ends[-1]
        joins = [nn.Conv2d(channels, channels, 1) for channels in list(LEVELS.values())[1:]]
        self.stages = nn.ModuleList(nn.ModuleList(stage) for stage in stages)
        self.joins = nn.ModuleList(joins)
        # The same once more, for their types; plain lists are no part of the network's state.
        self._stages, self._joins = stages, joins
        self.last = nn.Conv2d(inputs, 3, 3, padding=1)
        # Of each convolution its scales and its shifts.
        self.shares = [2 * conv.conv.out_channels for stage in stages for conv in stage]

    def steering(
        self, style: Float[Tensor, "b n"], strength: Float[Tensor, " b"]
    ) -> Float[Tensor, "b s"]:
        """Scales and shifts of all convolutions, one after another.

        Args:
            style: its summary.
            strength: from 0 to 1.
        """
        code = self.reader(style, strength)
        return torch.cat([conv.steer(code) for stage in self._stages for conv in stage], 1)

    def forward(
        self, moved: Mapping[str, Float[Tensor, "b _ _ _"]], steering: Float[Tensor, "b s"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Paint.

        Args:
            moved: the photograph's features at `LEVELS`, after the transport.
            steering: of each picture.
        """
        first, *others = (moved[name] / u for name, u in zip(LEVELS, self.units, strict=True))
        beside = [join(features) for join, features in zip(self._joins, others, strict=True)]
        x, parts = first, iter(torch.split(steering, self.shares, 1))
        for number, stage in enumerate(self._stages):
            x = _enlarged(x, beside, number)
            for conv in stage:
                x = conv(x, next(parts))
        painted: Tensor = self.last(x) + GREY
        return painted

    @torch.no_grad()
    def decoder(self, steering: Float[Tensor, "1 s"], like: Tensor) -> Decoder:
        """The plain network that one steering makes of this one.

        Args:
            like: has the number type to compute in, and the device.
        """
        parts = iter(torch.split(steering, self.shares, 1))
        stages = [[conv.steered(next(parts)) for conv in stage] for stage in self._stages]
        weight, bias = stages[0][0]
        stages[0][0] = weight / self.units[0], bias
        joins = [
            laid(join.weight / unit, _bias(join), like)
            for join, unit in zip(self._joins, self.units[1:], strict=True)
        ]
        plain = [[laid(*conv, like) for conv in stage] for stage in stages]
        return Decoder(plain, joins, laid(self.last.weight, _bias(self.last) + GREY, like))


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias


def _enlarged(x: Tensor, beside: Sequence[Tensor], number: int) -> Tensor:
    """A stage's input: twice as large as it was, with the photograph's features of that size.

    By nearest neighbour and a convolution: a transposed one would leave a checkerboard.
    """
    if not number:
        return x
    larger = F.interpolate(x, scale_factor=2, mode="nearest")
    return larger.add_(beside[number - 1]) if number <= len(beside) else larger
