"""Plans: names, widths and receptive fields, held against the network itself."""

from __future__ import annotations

import pytest
import torch

from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.features.plan import Conv, Pool, layer_names, layers, min_side, relu_name, vgg


def positive(name: str) -> Extractor:
    """Weights with which nothing cancels and no ReLU closes: each pixel in reach has a gradient."""
    spec = BACKBONES[name]
    net = Extractor(spec.plan, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "zeros", pooling="average")
    for weight in net.parameters():
        weight.data.fill_(1 / weight[0].numel() if weight.dim() == 4 else 0.0)
    return net.requires_grad_(False)


CASES = [
    ("compact", "relu1_1", 31),
    ("compact", "pool1", 32),
    ("compact", "relu3_1", 72),
    ("compact", "conv3_3", 96),
    ("alexnet", "relu1", 48),
    ("alexnet", "pool1", 64),
    ("alexnet", "relu2", 144),
]


@pytest.mark.parametrize(("name", "layer", "side"), CASES)
def test_receptive_field_is_the_extent_of_the_gradient(name: str, layer: str, side: int) -> None:
    info = next(found for found in layers(BACKBONES[name].plan) if found.name == layer)
    image = torch.ones(1, 3, side, side, requires_grad=True)
    features = positive(name)(image, [layer])[layer]
    middle = features.shape[-1] // 2
    (reached,) = torch.autograd.grad(features[0, 0, middle, middle], image)
    rows = reached[0].abs().sum(0).sum(1).nonzero()
    assert 0 < rows.min() <= rows.max() < side - 1, "the picture must be larger than the field"
    assert int(rows.max() - rows.min()) + 1 == info.receptive_field


@pytest.mark.parametrize("name", ["compact", "alexnet"])
def test_stride_and_width_are_those_of_the_network(name: str) -> None:
    # Moving the picture by one stride moves the features by one place, away from the border.
    net = positive(name)
    drawn = torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    deep = [info for info in layers(net.plan) if info.receptive_field < 60]
    for info in deep[:: max(1, len(deep) // 5)]:
        whole = net(drawn, [info.name])[info.name]
        moved = net(drawn.roll(-info.stride, -1), [info.name])[info.name]
        assert whole.shape[1] == info.channels
        edge = -(-info.receptive_field // info.stride) + 1
        here = slice(edge, whole.shape[-1] - edge - 1)
        there = slice(here.start + 1, here.stop + 1)
        assert here.stop > here.start
        torch.testing.assert_close(moved[..., here], whole[..., there], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "published"), [("vgg16", 212), ("alexnet", 195)])
def test_receptive_fields_are_the_published_ones(name: str, published: int) -> None:
    # A. Araujo and others, "Computing receptive fields of convolutional neural networks", 2019: the
    # figures after the last pooling, which our plans leave out.
    kernel = 3 if name == "alexnet" else 2
    deepest = layers(BACKBONES[name].plan)[-1]
    assert deepest.receptive_field + (kernel - 1) * deepest.stride == published


def test_vgg_names_follow_the_literature() -> None:
    assert layer_names(vgg((4,), (8, 8))) == (
        "conv1_1",
        "relu1_1",
        "pool1",
        "conv2_1",
        "relu2_1",
        "conv2_2",
        "relu2_2",
    )
    assert relu_name("conv4_2") == "relu4_2"


def test_backbones_name_layers_that_they_have() -> None:
    for spec in BACKBONES.values():
        assert {*spec.content, *spec.style, *spec.lifts} <= set(layer_names(spec.plan))


@pytest.mark.parametrize("name", BACKBONES)
def test_each_operation_takes_what_the_one_before_gives(name: str) -> None:
    channels = 3
    for op in BACKBONES[name].plan:
        if isinstance(op, Conv):
            assert op.inputs == channels
            channels = op.outputs


def test_min_side_is_the_first_that_works() -> None:
    plan = (Conv("conv1", 3, 2, kernel=5, stride=2, padding=1), Pool("pool1", 3, 2))
    net = Extractor(plan, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    for layer in ("conv1", "relu1", "pool1"):
        needed = min_side(plan, [layer])
        found = net(torch.ones(1, 3, needed, needed), [layer])[layer]
        assert found.shape[-2:] == (1, 1)
        bare = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 5, 2, 1))
        if layer == "pool1":
            bare.append(torch.nn.MaxPool2d(3, 2))
        with pytest.raises(RuntimeError):
            bare(torch.ones(1, 3, needed - 1, needed - 1))
    assert min_side(plan, ["pool1", "conv1"]) == min_side(plan, ["pool1"])
    assert min_side(plan, []) == 1
