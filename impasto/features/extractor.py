"""One pass through a backbone for all requested layers."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from impasto.errors import OptionError
from impasto.features.plan import (
    Conv,
    Operation,
    Pool,
    check_layers,
    layer_names,
    min_side,
    relu_name,
)
from impasto.features.plan import layers as describe

__all__ = ["Extractor", "Pooling"]

Pooling = Literal["max", "average"]
Padding = Literal["zeros", "reflect", "circular"]

# Averaging lowers activations where a maximum raises them. Doubling the average brings a VGG's deep
# layers back to the range its weights expect (style-transfer-pytorch, K. Crowson, 2021).
AVERAGE_POOL_GAIN = 2.0


class Extractor(nn.Module):
    """A network from a picture to a dictionary of activations.

    It normalises pictures, which are sRGB in [0, 1]. It also has the *lifts*: for some layers a
    linear map to the width of the network that this one imitates.

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

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.mean.device

    def forward(
        self, image: Float[Tensor, "b 3 h w"], layers: Iterable[str]
    ) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """Return the activations of `layers`, stopping after the deepest of them.

        Raises:
            OptionError: the backbone does not have a layer, or the picture is too small for one.
        """
        names = set(layers)
        self.check_layers(names)
        self.check_size(image.shape[-2], image.shape[-1], names)
        return self.advance(self.enter(image), self.needed(names), names)[1]

    def enter(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Return a picture as the first operation takes it: normalised, in the network's type."""
        x = ((image - self.mean) / self.std).to(next(self.parameters()).dtype)
        return x.contiguous(memory_format=torch.channels_last)

    def advance(
        self, x: Float[Tensor, "b c h w"], operations: Sequence[Operation], layers: Collection[str]
    ) -> tuple[Float[Tensor, "b _ _ _"], dict[str, Float[Tensor, "b _ _ _"]]]:
        """Return an activation after consecutive operations, and the layers on the way."""
        features: dict[str, Tensor] = {}
        for op in operations:
            x = self._pool(x, op) if isinstance(op, Pool) else self._convolve(x, op)
            if op.name in layers:
                features[op.name] = x
            if isinstance(op, Conv):
                # In place if nothing else needs it: a copy takes as long as a small convolution.
                is_unused = op.name not in layers and not torch.is_grad_enabled()
                x = F.relu_(x) if is_unused else F.relu(x)
                if (name := relu_name(op.name)) in layers:
                    features[name] = x
        return x, features

    def needed(self, layers: Collection[str]) -> Sequence[Operation]:
        """Return the operations up to the deepest of the layers; `advance` takes all or some."""
        ends = [i for i, op in enumerate(self.plan, 1) if {op.name, relu_name(op.name)} & {*layers}]
        return self.plan[: max(ends, default=0)]

    def wrapped(self) -> Extractor:
        """Return the same network, weights shared, for pictures whose opposite edges meet.

        A picture rolled by a multiple of a layer's stride gives that layer's features rolled.
        """
        other = copy.copy(self)  # shares an nn.Module's tables of weights
        other.padding = "circular"
        return other

    def for_tiles(self) -> Extractor:
        """Return the same network for parts of a picture, whose edges do not meet."""
        if self.padding != "circular":
            return self
        other = copy.copy(self)
        other.padding = "zeros"
        return other

    def stride(self, layers: Iterable[str]) -> int:
        """Return the pixels to one step of the deepest of the layers; 1 without layers."""
        names = set(layers)
        self.check_layers(names)
        return max((i.stride for i in describe(self.plan) if i.name in names), default=1)

    def lift(self, name: str, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b _ h w"]:
        """Map features of layer `name` linearly to the width of the network that is imitated."""
        if name not in self.lifts:
            return features
        lifted: Tensor = self.lifts[name](features)
        return lifted

    def check_layers(self, layers: Iterable[str]) -> None:
        """Check that the backbone has all of the layers; raises OptionError."""
        check_layers(self.plan, layers)

    def channels(self, layer: str) -> int:
        """Return a layer's width before its lift."""
        self.check_layers([layer])
        return next(info.channels for info in describe(self.plan) if info.name == layer)

    def check_size(self, height: int, width: int, layers: Iterable[str]) -> None:
        """Check that a picture is large enough for each of the layers; raises OptionError.

        With circular padding its sides must also be multiples of their strides.
        """
        names = set(layers)
        if self.padding == "circular":
            self._check_period(height, width, names)
            return
        if min(height, width) < (needed := min_side(self.plan, names)):
            deepest = max(names, key=self.names.index)
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
            f"its sides must be multiples of {stride}. The nearest sizes are {nearest}."
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
    """Pad with the opposite edges as far as `op` reaches over them, so that its steps fit exactly.

    A kernel reaches over its step by their difference; `before` of it is left and above, as at the
    picture's border, so that features stay in place.
    """
    after = op.kernel - op.stride - before
    return F.pad(x, (before, after, before, after), "circular") if before or after else x
