"""One pass through a backbone for all the layers that are asked for."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from impasto.errors import OptionError, suggestion
from impasto.features.plan import Conv, Operation, Pool, layer_names, min_side, relu_name
from impasto.features.plan import layers as describe

__all__ = ["Extractor", "Pooling"]

Pooling = Literal["max", "average"]
Padding = Literal["zeros", "reflect", "circular"]

# Averaging lowers activations where a maximum raises them. Doubling the average brings a VGG's deep
# layers back to the range its weights expect (style-transfer-pytorch, K. Crowson, 2021).
AVERAGE_POOL_GAIN = 2.0


class Extractor(nn.Module):
    """A picture in, a dictionary of activations out.

    It owns the normalisation: pictures come in as sRGB in [0, 1]. It also owns the *lifts*: for
    some layers a linear map to the width of the network that this one imitates; a layer without one
    is its own lift.

    Args:
        plan: the operations, in order.
        mean, std: per-channel normalisation of RGB in [0, 1].
        padding: how the borders of convolutions are filled; `circular` joins opposite edges, in
            poolings too, and takes only pictures whose sides the layers' strides divide.
        lifts: layer → width after the lift.
        pooling: `max`, or `average` (rescaled by 2).
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        plan: Sequence[Operation],
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        padding: Padding = "zeros",
        lifts: dict[str, int] | None = None,
        pooling: Pooling = "max",
    ) -> None:
        super().__init__()
        self.plan = tuple(plan)
        self.names = layer_names(self.plan)
        self.padding = padding
        self.pooling = pooling
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        convs = [op for op in self.plan if isinstance(op, Conv)]
        self.convs = nn.ModuleDict(
            {op.name: nn.Conv2d(op.inputs, op.outputs, op.kernel, op.stride) for op in convs}
        )
        widths = {relu_name(op.name): op.outputs for op in convs}
        self.lifts = nn.ModuleDict(
            {name: nn.Conv2d(widths[name], width, 1) for name, width in (lifts or {}).items()}
        )

    def forward(
        self, image: Float[Tensor, "b 3 h w"], layers: Iterable[str]
    ) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """The activations of `layers`, stopping after the deepest of them.

        Raises:
            OptionError: a layer that this backbone does not have, or a picture too small for one.
        """
        wanted = set(layers)
        self.check_layers(wanted)
        self.check_size(image.shape[-2], image.shape[-1], wanted)
        return self.advance(self.enter(image), self.needed(wanted), wanted)[1]

    def enter(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """A picture as the first operation takes it: normalised, in the network's number type."""
        x = ((image - self.mean) / self.std).to(next(self.parameters()).dtype)
        return x.contiguous(memory_format=torch.channels_last)

    def advance(
        self, x: Float[Tensor, "b c h w"], operations: Sequence[Operation], wanted: Collection[str]
    ) -> tuple[Float[Tensor, "b _ _ _"], dict[str, Float[Tensor, "b _ _ _"]]]:
        """What consecutive operations make of an activation, and what is wanted on the way."""
        found: dict[str, Tensor] = {}
        for op in operations:
            x = self._pool(x, op) if isinstance(op, Pool) else self._convolve(x, op)
            if op.name in wanted:
                found[op.name] = x
            if isinstance(op, Conv):
                # In place where nobody else holds it: a copy takes as long as a small convolution.
                is_alone = op.name not in wanted and not torch.is_grad_enabled()
                x = F.relu_(x) if is_alone else F.relu(x)
                if (name := relu_name(op.name)) in wanted:
                    found[name] = x
        return x, found

    def needed(self, wanted: Collection[str]) -> Sequence[Operation]:
        """The operations up to the deepest of the layers; `advance` takes them, all or some."""
        ends = [i for i, op in enumerate(self.plan, 1) if {op.name, relu_name(op.name)} & {*wanted}]
        return self.plan[: max(ends, default=0)]

    def wrapped(self) -> Extractor:
        """The same network, weights shared, for pictures whose opposite edges meet.

        A picture rolled by a multiple of a layer's stride gives that layer's features rolled.
        """
        other = copy.copy(self)  # an nn.Module's own tables of weights, not copies of them
        other.padding = "circular"
        return other

    def cut(self) -> Extractor:
        """The same network for what is cut out of a picture, whose edges are not the picture's."""
        if self.padding != "circular":
            return self
        other = copy.copy(self)
        other.padding = "zeros"
        return other

    def stride(self, layers: Iterable[str]) -> int:
        """Pixels of the picture to one step of the deepest of the layers; 1 for none."""
        wanted = set(layers)
        self.check_layers(wanted)
        return max((i.stride for i in describe(self.plan) if i.name in wanted), default=1)

    def lift(self, name: str, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b _ h w"]:
        """Features of layer `name`, taken linearly to the width of the network that is imitated."""
        if name not in self.lifts:
            return features
        lifted: Tensor = self.lifts[name](features)
        return lifted

    def check_layers(self, layers: Iterable[str]) -> None:
        """Raise for the first layer that this backbone does not have."""
        for name in layers:
            if name not in self.names:
                raise OptionError(
                    f"There is no layer {name!r} in this backbone{suggestion(name, self.names)} "
                    f"It has {', '.join(n for n in self.names if n.startswith('relu'))}, and the "
                    "same with conv and pool; `impasto layers` lists them."
                )

    def channels(self, layer: str) -> int:
        """A layer's width before its lift."""
        self.check_layers([layer])
        return next(info.channels for info in describe(self.plan) if info.name == layer)

    def check_size(self, height: int, width: int, layers: Iterable[str]) -> None:
        """Raise for a picture that is too small to have a value at each of the layers.

        With circular padding, also for one whose sides are no multiples of their strides.
        """
        wanted = set(layers)
        if self.padding == "circular":
            self._check_period(height, width, wanted)
            return
        if min(height, width) < (needed := min_side(self.plan, wanted)):
            deepest = max(wanted, key=self.names.index)
            raise OptionError(
                f"A picture of {width}×{height} pixels is too small for the layer {deepest!r}, "
                f"which needs at least {needed} on each side. Use a bigger picture, or a shallower "
                "layer."
            )

    def _check_period(self, height: int, width: int, layers: set[str]) -> None:
        stride = self.stride(layers)
        if height % stride == 0 and width % stride == 0:
            return
        deepest = max(layers, key=self.names.index)
        below, above = (
            "×".join(str(max(1, (n + more) // stride) * stride) for n in (width, height))
            for more in (0, stride - 1)
        )
        nearest = below if below == above else f"{below} or {above}"
        raise OptionError(
            f"A picture of {width}×{height} pixels cannot be seamless at the layer {deepest!r}: "
            f"its sides should be multiples of {stride}. The nearest sizes are {nearest}."
        )

    def _convolve(self, x: Tensor, op: Conv) -> Tensor:
        layer = self.convs[op.name]
        assert isinstance(layer, nn.Conv2d)
        p = op.padding
        if self.padding == "circular":
            return F.conv2d(_joined(x, op, p), layer.weight, layer.bias, op.stride)
        if self.padding == "zeros" and op is not self.plan[0]:
            return F.conv2d(x, layer.weight, layer.bias, op.stride, p)
        # The first layer sees the picture: black padding there paints a frame along the border.
        mode = "reflect" if self.padding == "reflect" and min(x.shape[-2:]) > p else "replicate"
        return F.conv2d(F.pad(x, (p, p, p, p), mode), layer.weight, layer.bias, op.stride)

    def _pool(self, x: Tensor, op: Pool) -> Tensor:
        if self.padding == "circular":
            x = _joined(x, op, 0)
        if self.pooling == "max":
            return F.max_pool2d(x, op.kernel, op.stride)
        return F.avg_pool2d(x, op.kernel, op.stride) * AVERAGE_POOL_GAIN


def _joined(x: Tensor, op: Operation, before: int) -> Tensor:
    """Opposite edges joined as far as `op` looks across them, so that its steps fit exactly.

    A kernel reaches over its own step by their difference; `before` of it lies left and above, as
    where the picture ends, so that features stay where they are.
    """
    after = op.kernel - op.stride - before
    return F.pad(x, (before, after, before, after), "circular") if before or after else x
