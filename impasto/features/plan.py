"""What a backbone computes, as a plain list of operations. Needs neither weights nor PyTorch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from impasto.errors import OptionError, suggestion

__all__ = [
    "Conv",
    "LayerInfo",
    "Operation",
    "Pool",
    "check_layers",
    "layer_names",
    "layers",
    "min_side",
    "relu_name",
    "vgg",
]


@dataclass(frozen=True)
class Conv:
    """A convolution followed by a ReLU; the ReLU's output is the layer `relu…`."""

    name: str
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1


@dataclass(frozen=True)
class Pool:
    """A pooling: maximum or average, as the extractor is configured."""

    name: str
    kernel: int = 2
    stride: int = 2


Operation = Conv | Pool


@dataclass(frozen=True)
class LayerInfo:
    """A layer: its width, and its size in pixels of the picture."""

    name: str
    channels: int
    stride: int
    receptive_field: int


def vgg(*stages: tuple[int, ...]) -> tuple[Operation, ...]:
    """Return a VGG plan: 3×3 convolutions, a 2×2 pooling after each stage.

    Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition",
    2015, table 1. Layers are named as in the literature: `conv4_2`, `relu4_2`, `pool4`. The last
    stage has no pooling after it, as it is not used here.
    """
    plan: list[Operation] = []
    inputs = 3
    for i, widths in enumerate(stages, start=1):
        for j, outputs in enumerate(widths, start=1):
            plan.append(Conv(f"conv{i}_{j}", inputs, outputs))
            inputs = outputs
        if i < len(stages):
            plan.append(Pool(f"pool{i}"))
    return tuple(plan)


def relu_name(conv: str) -> str:
    """Return the layer after the ReLU that follows a convolution: `conv4_2` → `relu4_2`."""
    return conv.replace("conv", "relu")


def layers(plan: tuple[Operation, ...]) -> tuple[LayerInfo, ...]:
    """Return all layers of a plan in order, with stride and receptive field in pixels."""
    infos: list[LayerInfo] = []
    channels, stride, field = 3, 1, 1
    for op in plan:
        field += (op.kernel - 1) * stride
        stride *= op.stride
        if isinstance(op, Conv):
            channels = op.outputs
            infos.append(LayerInfo(op.name, channels, stride, field))
            infos.append(LayerInfo(relu_name(op.name), channels, stride, field))
        else:
            infos.append(LayerInfo(op.name, channels, stride, field))
    return tuple(infos)


def layer_names(plan: tuple[Operation, ...]) -> tuple[str, ...]:
    """Return the names of `layers(plan)`."""
    return tuple(layer.name for layer in layers(plan))


def check_layers(plan: tuple[Operation, ...], layers: Iterable[str]) -> None:
    """Check that a plan has all of the layers.

    Raises:
        OptionError: it lacks one.
    """
    names = layer_names(plan)
    for name in layers:
        if name not in names:
            raise OptionError(
                f"There is no layer {name!r} in this backbone{suggestion(name, names)} "
                f"It has {', '.join(n for n in names if n.startswith('relu'))}, and the "
                "same with conv and pool; `impasto layers` lists them."
            )


def min_side(plan: tuple[Operation, ...], names: Iterable[str]) -> int:
    """Return the pixels that a picture needs on each side to have a value at each of the layers."""
    needed = set(names)
    side, reached = 1, False
    for op in reversed(plan):
        reached = reached or op.name in needed or relu_name(op.name) in needed
        if reached:
            border = op.padding if isinstance(op, Conv) else 0
            side = max(1, (side - 1) * op.stride + op.kernel - 2 * border)
    return side
