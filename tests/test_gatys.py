"""Painting for real, small: the embedded network, a photograph and a painting of 96 pixels."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from skimage import data
from torch import Tensor

from impasto.config.fields import check
from impasto.config.methods import GatysConfig
from impasto.engine.step import Step, last
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.image.picture import fit, resize
from impasto.methods.gatys import gatys

QUICK = GatysConfig(size=96, smallest=48, iterations=16, precision="float32")


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


def small(pixels: object, side: int) -> Tensor:
    whole = torch.as_tensor(pixels).permute(2, 0, 1)[None].float() / 255
    return fit(whole, side)


@pytest.fixture(scope="module")
def photo() -> Tensor:
    """A portrait, 96×72."""
    return small(data.astronaut()[:384], 96)


@pytest.fixture(scope="module")
def painting() -> Tensor:
    """A stained tissue: brown and blue, with a texture of its own."""
    return small(data.immunohistochemistry()[:400], 120)


def paint(photo: Tensor, painting: Tensor, net: Extractor, **options: object) -> Step:
    config = replace(QUICK, **options)  # type: ignore[arg-type]
    return last(gatys(photo, painting, config, extractor=net))


def test_it_takes_on_the_style_and_keeps_the_content(
    photo: Tensor, painting: Tensor, net: Extractor
) -> None:
    config = replace(QUICK, strength=0.3)
    steps = list(gatys(photo, painting, config, extractor=net))
    first = next(s for s in steps if s.scale == steps[-1].scale)
    assert steps[-1].image().shape == (1, 3, 72, 96)
    assert steps[-1].losses["style"] < steps[0].losses["style"] / 5
    assert steps[-1].losses["total"] < first.losses["total"]
    assert steps[-1].losses["content"] < 0.6


def test_the_same_seed_gives_the_same_pixels(
    photo: Tensor, painting: Tensor, net: Extractor
) -> None:
    noise = {"init": "noise", "iterations": 6}
    first = paint(photo, painting, net, **noise, seed=3).image()
    assert torch.equal(paint(photo, painting, net, **noise, seed=3).image(), first)
    assert not torch.equal(paint(photo, painting, net, **noise, seed=4).image(), first)


def test_strength_runs_from_the_photograph_to_the_painting(
    photo: Tensor, painting: Tensor, net: Extractor
) -> None:
    steps = [paint(photo, painting, net, strength=s, tv_weight=0.0) for s in (0.1, 0.5, 0.9)]
    content = [s.losses["content"] for s in steps]
    style = [s.losses["style"] for s in steps]
    assert content[0] < content[1] < content[2]
    assert style[0] > style[1] > style[2]


@pytest.mark.parametrize("preconditioner", ["none", "spectral"])
def test_strength_zero_is_the_photograph(
    preconditioner: str, photo: Tensor, painting: Tensor, net: Extractor
) -> None:
    options = {"strength": 0.0, "tv_weight": 0.0, "preconditioner": preconditioner}
    step = paint(photo, painting, net, **options)
    assert (step.image() - photo).abs().max() < 0.04
    assert "style" not in step.losses


def test_strength_one_forgets_the_photograph(
    photo: Tensor, painting: Tensor, net: Extractor
) -> None:
    step = paint(photo, painting, net, strength=1.0)
    assert "content" not in step.losses
    # Nor does the detail that is kept from scale to scale come from it.
    config = replace(QUICK, strength=1.0)
    smooth = last(gatys(photo, painting, config, extractor=net, start=fit(photo, 48)))
    assert step.losses["style"] == pytest.approx(smooth.losses["style"], rel=0.5)


@pytest.mark.parametrize("init", ["content", "noise", "grey"])
def test_it_paints_from_every_start(
    init: str, photo: Tensor, painting: Tensor, net: Extractor
) -> None:
    steps = list(gatys(photo, painting, replace(QUICK, init=init), extractor=net))
    assert steps[-1].losses["total"] < 0.7 * steps[0].losses["total"]


def test_a_start_picture_is_where_it_starts(
    photo: Tensor, painting: Tensor, net: Extractor
) -> None:
    red = torch.zeros(1, 3, 30, 40)
    red[:, 0] = 1
    start = next(gatys(photo, painting, QUICK, extractor=net, start=red)).image()
    assert (start - resize(red, *start.shape[-2:])).abs().mean() < 0.05


@pytest.mark.parametrize("options", [{"style_loss": "gram"}, {"style_loss": "gaussian"}])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_every_loss_falls_with_every_optimiser(
    options: dict[str, str], optimizer: str, photo: Tensor, painting: Tensor, net: Extractor
) -> None:
    config = replace(QUICK, optimizer=optimizer, smallest=96, iterations=24, **options)  # type: ignore[arg-type]
    steps = list(gatys(photo, painting, config, extractor=net))
    assert steps[-1].losses["total"] < 0.6 * steps[0].losses["total"]


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_total_variation_smooths(
    kind: str, photo: Tensor, painting: Tensor, net: Extractor
) -> None:
    def roughness(weight: float) -> float:
        image = paint(photo, painting, net, tv=kind, tv_weight=weight).image()
        return float((image[..., 1:] - image[..., :-1]).abs().mean())

    assert roughness(300.0) < 0.8 * roughness(0.0)


def test_l2_holds_the_pixels(photo: Tensor, painting: Tensor, net: Extractor) -> None:
    free = paint(photo, painting, net, l2_weight=0.0).image()
    held = paint(photo, painting, net, l2_weight=1000.0).image()
    assert (held - photo).square().mean() < 0.5 * (free - photo).square().mean()


def test_layers_can_be_chosen(photo: Tensor, painting: Tensor, net: Extractor) -> None:
    options = {"content_layers": ("relu2_2",), "style_layers": ("conv1_1", "pool2")}
    step = paint(photo, painting, net, iterations=6, **options)
    assert step.losses["total"] > 0


def test_an_unknown_layer_is_named(photo: Tensor, painting: Tensor, net: Extractor) -> None:
    with pytest.raises(OptionError, match=r"'relu9_1' in .* did you mean 'relu\d_1'\?"):
        paint(photo, painting, net, style_layers=("relu9_1",))


def test_average_pooling_gives_another_picture(photo: Tensor, painting: Tensor) -> None:
    pictures = [
        paint(photo, painting, load("compact", pooling=pooling), iterations=6).image()
        for pooling in ("max", "average")
    ]
    assert not torch.allclose(pictures[0], pictures[1], atol=0.01)


def test_bfloat16_gives_about_the_same_losses(
    photo: Tensor, painting: Tensor, net: Extractor
) -> None:
    full = paint(photo, painting, net, strength=0.3)
    half = paint(photo, painting, load("compact", precision=torch.bfloat16), strength=0.3)
    assert half.losses["total"] == pytest.approx(full.losses["total"], rel=0.15)


def test_a_flat_picture_gets_no_frame(net: Extractor) -> None:
    """Grey painted in the style of grey stays flat up to its borders."""
    grey = torch.full((1, 3, 72, 96), 0.5)
    image = last(gatys(grey, grey, QUICK, extractor=net)).image()
    assert (image - image.mean()).abs().max() < 0.03


def test_the_border_of_a_picture_is_like_the_rest(net: Extractor) -> None:
    """Three pixels along each side do not turn into another colour than those further in."""
    photo, style = small(data.astronaut(), 160), small(data.immunohistochemistry(), 160)
    config = replace(QUICK, size=160, iterations=40)
    painted = last(gatys(photo, style, config, extractor=net)).image()

    def edge(x: Tensor) -> Tensor:
        inside = torch.zeros(x.shape[-2:], dtype=torch.bool)
        inside[6:-6, 6:-6] = True
        rim, ring = torch.ones_like(inside), ~inside
        rim[3:-3, 3:-3] = False
        return x[0][:, rim].mean(1) - x[0][:, ring & ~rim].mean(1)

    assert float((edge(painted) - edge(photo)).abs().max()) < 0.02


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("size", 8, "size is 8. It takes a whole number from 32"),
        ("size", 100.5, "whole number"),
        ("strength", 1.5, "from 0 to 1"),
        ("strength", float("nan"), "from 0 to 1"),
        ("style_weight", -1.0, "from 0 to 1000000"),
        ("style_weight", float("inf"), "from 0 to 1000000"),
        ("optimizer", "sgd", "It may be lbfgs, adam"),
        ("backbone", "vgg91", "did you mean 'vgg19'"),
        ("style_layers", "relu1_1", "takes layer names"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    option: str, value: object, message: str
) -> None:
    config = object.__new__(GatysConfig)
    for name in QUICK.__dataclass_fields__:
        object.__setattr__(config, name, getattr(QUICK, name))
    object.__setattr__(config, option, value)
    with pytest.raises(OptionError, match=message.replace("?", r"\?")):
        check(config)
