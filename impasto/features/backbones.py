"""The four backbones: networks whose activations are compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from impasto.features.plan import Conv, Operation, Pool, vgg

__all__ = ["BACKBONES", "COMPACT_LIFTS", "Backbone"]

Colour = tuple[float, float, float]

_IMAGENET_MEAN: Colour = (0.485, 0.456, 0.406)
_IMAGENET_STD: Colour = (0.229, 0.224, 0.225)

# The five layers at which `compact` predicts VGG-19, and VGG-19's widths there.
COMPACT_LIFTS = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512, "relu5_1": 512}


@dataclass(frozen=True)
class Backbone:
    """A network by name: what it computes and how its pictures are prepared.

    Attributes:
        plan: its operations, in order, up to the deepest layer that is useful here.
        padding: how its convolutions pad their input.
        lifts: layer → width of the layer that it imitates.
        content: default layers at which a photograph is compared.
        style: default layers at which a painting is compared.
        detail: a layer whose cells are small enough for an eye.
    """

    name: str
    plan: tuple[Operation, ...]
    content: tuple[str, ...]
    style: tuple[str, ...]
    detail: str
    padding: Literal["zeros", "reflect"] = "zeros"
    lifts: dict[str, int] = field(default_factory=dict)
    mean: Colour = _IMAGENET_MEAN
    std: Colour = _IMAGENET_STD


_VGG_STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

_ALEXNET = (
    Conv("conv1", 3, 64, kernel=11, stride=4, padding=2),
    Pool("pool1", 3, 2),
    Conv("conv2", 64, 192, kernel=5, padding=2),
    Pool("pool2", 3, 2),
    Conv("conv3", 192, 384),
    Conv("conv4", 384, 256),
    Conv("conv5", 256, 256),
)

BACKBONES: dict[str, Backbone] = {
    "compact": Backbone(
        "compact",
        vgg((16, 16), (32, 32), (64,) * 4, (128,) * 4, (128,)),
        content=("relu4_1",),
        style=_VGG_STYLE,
        detail="relu3_1",
        padding="reflect",
        lifts=COMPACT_LIFTS,
    ),
    "vgg19": Backbone(
        "vgg19",
        vgg((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
        content=("relu4_2",),
        style=_VGG_STYLE,
        detail="relu3_1",
    ),
    "vgg16": Backbone(
        "vgg16",
        vgg((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
        content=("relu4_2",),
        style=_VGG_STYLE,
        detail="relu3_1",
    ),
    "alexnet": Backbone(
        "alexnet",
        _ALEXNET,
        content=("relu4",),
        style=("relu1", "relu2", "relu3", "relu4", "relu5"),
        detail="relu1",
    ),
}
