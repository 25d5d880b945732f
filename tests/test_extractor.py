"""The extractor's laws: sizes, one pass that stops, borders, pooling, precision, messages."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import OptionError
from impasto.features.backbones import BACKBONES, COMPACT_LIFTS
from impasto.features.extractor import Extractor
from impasto.features.plan import layers

NAMES = ["relu1_1", "conv2_2", "pool2", "relu3_4", "relu4_1", "relu5_1"]


def like(net: Extractor, **changes: str) -> Extractor:
    """The same weights with another padding or pooling."""
    other = copy.deepcopy(net)
    for name, value in changes.items():
        setattr(other, name, value)
    return other


@pytest.mark.parametrize("name", BACKBONES)
def test_every_layer_has_the_size_that_its_plan_says(name: str) -> None:
    spec = BACKBONES[name]
    net = Extractor(spec.plan, spec.mean, spec.std, spec.padding, spec.lifts).requires_grad_(False)
    shallow = layers(spec.plan)[:9]  # deep layers of VGG-19 are slow and no different
    found = net(torch.rand(2, 3, 64, 80), [info.name for info in shallow])
    assert set(found) == {info.name for info in shallow}
    for info in shallow:
        b, c, h, w = found[info.name].shape
        assert (b, c) == (2, info.channels)
        if name != "alexnet":  # whose poolings overlap
            assert (h, w) == (64 // info.stride, 80 // info.stride)


def test_relu_is_the_positive_part_of_its_convolution(compact: Extractor, picture: Tensor) -> None:
    found = compact(picture, ["conv3_2", "relu3_2"])
    assert found["conv3_2"].min() < 0 < found["conv3_2"].max()
    assert torch.equal(found["relu3_2"], found["conv3_2"].clamp(min=0))


def test_one_layer_or_all_of_them_give_the_same(compact: Extractor, picture: Tensor) -> None:
    together = compact(picture, NAMES)
    for name in NAMES:
        alone = compact(picture, [name])
        assert list(alone) == [name]
        assert torch.equal(alone[name], together[name])
    assert compact(picture, []) == {}


def test_the_pass_stops_at_the_deepest_layer(compact: Extractor, picture: Tensor) -> None:
    net = copy.deepcopy(compact)
    for deeper in ("conv3_3", "conv3_4", "conv4_1", "conv5_1"):
        del net.convs[deeper]  # whoever runs it meets a KeyError
    expected = compact(picture, ["relu1_2", "relu3_2"])
    found = net(picture, ["relu3_2", "relu1_2"])
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    with pytest.raises(KeyError, match="conv3_3"):
        net(picture, ["relu3_3"])


def test_memory_formats_give_the_same(compact: Extractor, picture: Tensor) -> None:
    plain = compact(picture.contiguous(), NAMES)
    last = compact(picture.contiguous(memory_format=torch.channels_last), NAMES)
    assert all(torch.equal(plain[name], last[name]) for name in NAMES)


def test_a_batch_is_its_pictures(compact: Extractor, picture: Tensor) -> None:
    both = compact(torch.cat([picture, picture.flip(-1)]), NAMES)
    for name in NAMES:
        for i, image in enumerate((picture, picture.flip(-1))):
            alone = compact(image, [name])[name]
            torch.testing.assert_close(both[name][i : i + 1], alone, rtol=1e-4, atol=1e-4)


def test_bfloat16_is_close_to_float32(compact: Extractor, picture: Tensor) -> None:
    half = copy.deepcopy(compact)
    half.convs.to(torch.bfloat16)
    half.lifts.to(torch.bfloat16)
    exact, rough = compact(picture, NAMES), half(picture, NAMES)
    for name in NAMES:
        assert rough[name].dtype == torch.bfloat16
        assert (rough[name] - exact[name]).norm() < 0.03 * exact[name].norm()
    lifted = half.lift("relu4_1", rough["relu4_1"])
    assert lifted.dtype == torch.bfloat16


def test_the_picture_is_normalised_here(compact: Extractor, picture: Tensor) -> None:
    bare = copy.deepcopy(compact)
    bare.mean, bare.std = torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    expected = bare((picture - mean) / deviation, ["relu2_1"])["relu2_1"]
    torch.testing.assert_close(compact(picture, ["relu2_1"])["relu2_1"], expected)


@pytest.mark.parametrize("layer", ["relu1_2", "relu2_2", "relu3_1"])
def test_padding_is_not_felt_inside(layer: str, compact: Extractor, picture: Tensor) -> None:
    info = next(found for found in layers(compact.plan) if found.name == layer)
    edge = -(-(info.receptive_field // 2) // info.stride)
    inner = (..., slice(edge, -edge), slice(edge, -edge))
    reflected = compact(picture, [layer])[layer]
    filled = like(compact, padding="zeros")(picture, [layer])[layer]
    assert reflected[inner].numel() > 0
    torch.testing.assert_close(reflected[inner], filled[inner], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(reflected, filled, rtol=1e-2, atol=1e-2)


def test_a_constant_picture_has_no_frame(compact: Extractor) -> None:
    constant = torch.tensor([0.8, 0.2, 0.4]).view(1, 3, 1, 1).expand(1, 3, 50, 37)
    for found in compact(constant, NAMES).values():
        torch.testing.assert_close(found, found[..., :1, :1].expand_as(found), rtol=1e-3, atol=1e-4)


def test_zero_padding_starts_behind_the_first_layer(compact: Extractor) -> None:
    constant = torch.full((1, 3, 24, 24), 0.9)
    found = like(compact, padding="zeros")(constant, ["conv1_1", "conv1_2"])
    first, second = found["conv1_1"], found["conv1_2"]
    torch.testing.assert_close(first, first[..., :1, :1].expand_as(first), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(second[..., 0, 0], second[..., 12, 12])


def test_average_pooling_is_rescaled(compact: Extractor, picture: Tensor) -> None:
    found = like(compact, pooling="average")(picture, ["relu1_2", "pool1"])
    torch.testing.assert_close(found["pool1"], 2 * F.avg_pool2d(found["relu1_2"], 2))
    found = compact(picture, ["relu1_2", "pool1"])
    assert torch.equal(found["pool1"], F.max_pool2d(found["relu1_2"], 2))


def test_lifts_are_linear_maps_of_each_pixel(compact: Extractor, picture: Tensor) -> None:
    for name, width in COMPACT_LIFTS.items():
        features = compact(picture, [name])[name]
        layer = compact.lifts[name]
        weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
        expected = torch.einsum("oc,bchw->bohw", weight[:, :, 0, 0], features)
        expected = expected + bias[:, None, None]
        lifted = compact.lift(name, features)
        assert lifted.shape[1] == width
        torch.testing.assert_close(lifted, expected, rtol=1e-3, atol=1e-3)
    features = compact(picture, ["relu3_2"])["relu3_2"]
    assert compact.lift("relu3_2", features) is features


def test_gradients_reach_every_pixel(compact: Extractor, picture: Tensor) -> None:
    image = picture.clone().requires_grad_()
    compact(image, ["relu4_1"])["relu4_1"].sum().backward()
    assert image.grad is not None
    assert (image.grad.abs().sum(1) > 0).float().mean() > 0.9


@pytest.mark.parametrize(
    ("layer", "meant"), [("rel3_2", "relu3_2"), ("relu4-2", "relu4_2"), ("pool_2", "pool2")]
)
def test_an_unknown_layer_is_told(
    layer: str, meant: str, compact: Extractor, picture: Tensor
) -> None:
    with pytest.raises(OptionError, match=rf"no layer '{layer}'.*did you mean '{meant}'\?") as told:
        compact(picture, ["relu1_1", layer])
    assert "relu1_1, relu1_2, relu2_1" in str(told.value)


@pytest.mark.parametrize(
    ("layer", "needed"), [("relu1_1", 1), ("pool1", 2), ("relu4_1", 8), ("relu5_1", 16)]
)
def test_a_picture_too_small_is_told(layer: str, needed: int, compact: Extractor) -> None:
    found = compact(torch.rand(1, 3, needed, needed + 3), [layer, "relu1_1"])[layer]
    assert found.shape[-2:].numel() > 0
    assert found.isfinite().all()
    if needed > 1:
        with pytest.raises(OptionError, match=rf"{layer}.*at least {needed} on each side"):
            compact(torch.rand(1, 3, needed - 1, 40), [layer, "relu1_1"])


@pytest.mark.parametrize("name", BACKBONES)
def test_rolling_a_seamless_picture_rolls_its_features(name: str) -> None:
    spec = BACKBONES[name]
    torch.manual_seed(3)
    net = Extractor(spec.plan, spec.mean, spec.std, spec.padding, spec.lifts).requires_grad_(False)
    wanted = {info.name: info.stride for info in layers(spec.plan) if info.name.startswith("relu")}
    wanted = dict(list(wanted.items())[:7])  # deep layers of VGG-19 are slow and no different
    deepest = max(wanted.values())
    image = torch.rand(1, 3, 2 * deepest, 3 * deepest)
    down, right = deepest, 2 * deepest
    for pooling in ("max", "average"):
        round_the_corner = like(net, pooling=pooling).wrapped()
        before = round_the_corner(image, wanted)
        after = round_the_corner(image.roll((down, right), (2, 3)), wanted)
        for layer, stride in wanted.items():
            assert before[layer].shape[-2:] == (2 * deepest // stride, 3 * deepest // stride)
            rolled = before[layer].roll((down // stride, right // stride), (2, 3))
            torch.testing.assert_close(after[layer], rolled, rtol=1e-4, atol=1e-5)


def test_a_seamless_picture_is_seen_as_one_of_many_side_by_side(compact: Extractor) -> None:
    """What a tile's features are with its copies around it, which is what a tile is for."""
    tile = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(4))
    wall = compact(tile.repeat(1, 1, 5, 5), ["relu3_1"])["relu3_1"]
    alone = compact.wrapped()(tile, ["relu3_1"])["relu3_1"]
    torch.testing.assert_close(alone, wall[..., 24:36, 32:48], rtol=1e-4, atol=1e-4)


def test_the_seamless_network_is_the_same_one(compact: Extractor, picture: Tensor) -> None:
    before = compact(picture, ["relu2_1"])["relu2_1"]
    seamless = compact.wrapped()
    mine, its = list(compact.parameters()), list(seamless.parameters())
    assert all(a is b for a, b in zip(mine, its, strict=True))
    assert compact.padding == "reflect"
    assert torch.equal(compact(picture, ["relu2_1"])["relu2_1"], before)


@pytest.mark.parametrize(
    ("height", "width", "nearest"),
    [(50, 37, r"32×48 or 48×64\."), (48, 37, r"32×48 or 48×48\."), (5, 9, r"are 16×16\.")],
)
def test_a_size_that_cannot_be_seamless_is_told(
    height: int, width: int, nearest: str, compact: Extractor
) -> None:
    with pytest.raises(OptionError, match=rf"multiples of 16.*{nearest}"):
        compact.wrapped()(torch.rand(1, 3, height, width), ["relu1_1", "relu5_1"])
    assert compact.wrapped()(torch.rand(1, 3, height, width), ["relu1_1"])


def test_strides_are_told(compact: Extractor) -> None:
    assert compact.stride(["relu3_1", "relu1_1"]) == 4
    assert compact.stride([]) == 1


def test_without_gradients_nothing_that_a_caller_holds_is_changed(compact: Extractor) -> None:
    image = torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(4))
    layers = ["conv1_1", "relu1_1", "conv2_1", "relu2_1", "relu3_1"]
    wanted = compact(image.clone().requires_grad_(), layers)
    with torch.no_grad():
        before = image.clone()
        found = compact(image, layers)
    assert torch.equal(image, before)
    for name in layers:
        assert torch.equal(found[name], wanted[name].detach()), name
    assert float(found["conv2_1"].min()) < 0
