"""What is seen window by window is what is seen of the whole."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from impasto.features.extractor import Extractor
from impasto.features.plan import Conv, Pool, vgg
from impasto.features.tiles import stages
from impasto.losses.fixed_pixels import FixedPixels
from impasto.losses.guides import Guide
from impasto.losses.objective import Distance, Term, Values
from impasto.losses.statistics import Lift
from impasto.losses.tiled_losses import (
    content_measurement,
    laplacian_distance,
    pixel_measurement,
    region_measurement,
    variation_measurement,
)
from impasto.losses.viewer import Viewer

VGG = vgg((4, 4), (6, 6), (8, 8, 8), (8,))
# As AlexNet's: the first convolution makes the picture smaller, and poolings overlap.
STRIDED = (
    Conv("conv1", 3, 4, kernel=11, stride=4, padding=2),
    Pool("pool1", kernel=3, stride=2),
    Conv("conv2", 4, 6, kernel=5, padding=2),
    Pool("pool2", kernel=3, stride=2),
    Conv("conv3", 6, 8, kernel=3, padding=1),
)
LAYERS = {VGG: ("relu1_1", "conv2_2", "relu3_2", "relu4_1"), STRIDED: ("relu1", "relu2", "relu3")}
SINGLE = 1e-6  # contents and guides are taken in single precision
SIZES = [(96, 96), (97, 131), (65, 203), (41, 190)]


def network(plan: tuple[Conv | Pool, ...], padding: str = "zeros", seed: int = 0) -> Extractor:
    torch.manual_seed(seed)
    net = Extractor(plan, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), padding)  # type: ignore[arg-type]
    for layer in net.convs.values():
        torch.nn.init.kaiming_normal_(layer.get_parameter("weight"))
    return net.double().requires_grad_(False)


def picture(height: int, width: int, seed: int = 1) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)).double()


@pytest.fixture(params=[300_000, 40_000, 4_000], ids=["few", "some", "many"])
def tile(request: pytest.FixtureRequest) -> int:
    size: int = request.param
    return size


def agree(
    eye: Viewer, terms: Sequence[Term], pixels: Tensor, tile: int, rounding: float = 1e-9
) -> None:
    """The losses and the gradient of both are the same, to rounding."""
    small = Viewer(eye.extractor, eye.layers, tile, eye.fixed, eye.shift)
    wanted, gradient = eye.differentiate(terms, pixels)
    losses, got = small.differentiate(terms, pixels)
    assert losses.keys() == wanted.keys()
    for name, value in wanted.items():
        assert losses[name] == pytest.approx(value, rel=rounding)
    most = float(gradient.abs().max())
    assert most > 0
    assert float((got - gradient).abs().max()) < rounding * most


def squares(layer: str, guides: Sequence[Guide | None], weight: float = 1.0) -> Term:
    """A loss that is no sum over windows: of all moments' squares."""

    def value(found: Sequence[Values]) -> Tensor:
        return torch.stack([part.square().sum() for part in found[0]]).sum()

    return Term(f"style {layer}", weight, Distance((region_measurement(layer, guides),), value))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("plan", [VGG, STRIDED], ids=["vgg", "strided"])
def test_statistics_agree(plan: tuple[Conv | Pool, ...], size: tuple[int, int], tile: int) -> None:
    eye = Viewer(network(plan), LAYERS[plan])
    agree(eye, [squares(name, [None]) for name in LAYERS[plan]], picture(*size), tile)


@pytest.mark.parametrize("padding", ["zeros", "reflect"])
def test_every_loss_agrees_at_odd_sizes(padding: str, tile: int) -> None:
    net, pixels, photograph = network(VGG, padding), picture(97, 131), picture(97, 131, 2)
    eye = Viewer(net, LAYERS[VGG])
    soft = torch.rand(97, 131, dtype=torch.float64)
    target = eye.view(photograph).features(["relu3_2"])["relu3_2"]
    lift = Lift.identity(8)
    held = torch.rand(target.shape[-2:], dtype=torch.float64)
    content = content_measurement("relu3_2", target, lift, target.new_tensor(2.0), held)
    terms = [
        squares("relu1_1", [None]),
        Term("content", 3.0, Distance.sum(content)),
        Term("tv", 2.0, Distance.sum(variation_measurement("l2", soft))),
        Term("tv l1", 0.5, Distance.sum(variation_measurement("l1"))),
        Term("l2", 1.0, Distance.sum(pixel_measurement(photograph, soft))),
        Term("laplacian", 1.0, laplacian_distance(photograph, 3, soft)),
    ]
    agree(eye, terms, pixels, tile, SINGLE)


def test_regions_agree_where_some_pixels_are_kept(tile: int) -> None:
    net, pixels, photograph = network(VGG), picture(90, 121), picture(90, 121, 2)
    mask = (torch.arange(121) / 120).clamp(0.3, 0.7).sub(0.3).div(0.4).expand(90, 121).double()
    free = (picture(90, 121, 3)[:, :1] > 0.2).double()
    eye = Viewer(net, LAYERS[VGG], fixed=FixedPixels(photograph, free))
    terms = []
    for name in LAYERS[VGG]:
        shape = eye.view(pixels).shape(name)
        small = torch.nn.functional.adaptive_avg_pool2d(mask[None, None], shape)
        guides = [Guide(small[0, 0]), Guide(1 - small[0, 0]), None, Guide(0 * small[0, 0])]
        terms.append(squares(name, guides))
    terms.append(Term("tv", 2.0, Distance.sum(variation_measurement("l2"))))
    agree(eye, terms, pixels, tile, SINGLE)


@pytest.mark.parametrize("size", [(64, 96), (8, 120), (104, 8)])
def test_tiles_whose_edges_meet_agree(size: tuple[int, int], tile: int) -> None:
    eye = Viewer(network(VGG, "circular"), LAYERS[VGG], shift=2)
    terms = [squares(name, [None]) for name in LAYERS[VGG]]
    terms.append(Term("tv", 2.0, Distance.sum(variation_measurement("l2"))))
    agree(eye, terms, picture(*size), tile)


def test_what_is_put_together_is_what_is_seen(tile: int) -> None:
    eye, pixels = Viewer(network(VGG), LAYERS[VGG]), picture(97, 131)
    whole, small = eye.view(pixels), Viewer(eye.extractor, eye.layers, tile).view(pixels)
    for name, features in small.features(LAYERS[VGG]).items():
        assert small.shape(name) == tuple(features.shape[-2:])
        assert torch.allclose(features, whole.features([name])[name])


def test_it_is_really_seen_by_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest activation that ever exists is a small part of the whole layer."""
    seen: list[int] = []
    inner = Extractor.advance

    def watched(net: Extractor, x: Tensor, *rest: object) -> object:
        seen.append(x[0, 0].numel())
        return inner(net, x, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Extractor, "advance", watched)
    eye = Viewer(network(VGG), LAYERS[VGG], tile=40_000)
    eye.differentiate([squares("relu3_2", [None])], picture(256, 256))
    assert max(seen) < 256 * 256 / 8
    assert len(seen) > 100


def test_no_halo_is_wider_than_a_stage_needs() -> None:
    for stage in stages(VGG, ["relu4_1"]):
        assert max(max(place[1:]) for place in stage.fields.values()) <= 4
