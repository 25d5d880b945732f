"""A painting's subject, which it shows once, is no style: what recurs in it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from impasto.config.methods import GatysConfig
from impasto.engine.step import last
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.image.picture import resize
from impasto.losses.recurrence import modesty, recurrence
from impasto.losses.statistics import Lift
from impasto.methods.gatys import gatys
from impasto.styles import card as cards
from impasto.styles import gallery
from impasto.styles.blend import Blend, Share, recurring
from impasto.styles.statistics import Painting


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


def striped(height: int = 12, width: int = 16) -> Tensor:
    """Features that recur everywhere, but for a block of 3×3 cells that is unlike all others."""
    features = torch.rand(1, 4, height, width, generator=torch.Generator().manual_seed(0))
    features[:, 3] = 0
    features[..., 4:7, 6:9] = 0
    features[:, 3, 4:7, 6:9] = 5
    return features


def test_only_what_is_shown_once_counts_nothing() -> None:
    share = recurrence(striped(), Lift.identity(4))
    assert float(share[4:7, 6:9].max()) == 0
    share[4:7, 6:9] = 1
    assert float(share.min()) > 0.99


def test_two_of_a_kind_far_apart_recur() -> None:
    features = striped()
    features[..., 8:11, 12:15] = features[..., 4:7, 6:9]
    assert float(recurrence(features, Lift.identity(4)).min()) > 0.99


@pytest.mark.parametrize("size", [(300, 200), (1, 1), (2, 3)])
def test_any_size_has_shares(size: tuple[int, int]) -> None:
    share = recurrence(torch.rand(1, 4, *size), Lift.identity(4))
    assert share.shape == size
    assert 0 <= float(share.min()) <= float(share.max()) <= 1


def test_a_place_that_outweighs_the_others_counts_as_they_do() -> None:
    features = torch.ones(1, 4, 6, 8)
    features[..., 2, 3] = 10
    features[..., 5, 7] = 0
    share = modesty(features, Lift.identity(4))
    assert float(share[2, 3]) == pytest.approx(0.01)
    share[2, 3] = 1
    assert bool((share == 1).all())


def test_what_is_hidden_says_nothing_about_what_is_usual() -> None:
    features, mask = torch.ones(1, 4, 6, 8), torch.zeros(6, 8)
    features[..., :2, :], mask[:2] = 3, 1
    assert bool((modesty(features, Lift.identity(4), mask)[:2] == 1).all())


def portrait(subject: bool = True) -> Tensor:
    """Fine noise of a few greys, with one large red ring in it."""
    noise = torch.rand(1, 1, 192, 192, generator=torch.Generator().manual_seed(1))
    pixels = (0.4 + 0.3 * noise).repeat(1, 3, 1, 1)
    y, x = torch.meshgrid(torch.arange(192) - 80, torch.arange(192) - 70, indexing="ij")
    radius = (y.square() + x.square()).sqrt()
    if subject:
        for channel, value in enumerate((0.9, 0.1, 0.1)):
            pixels[0, channel][((radius < 34) & (radius % 12 < 6))] = value
    return pixels


LAYERS = ["relu4_1", "relu5_1"]


def distance(
    first: Painting, second: Painting, net: Extractor, layer: str, size: int = 192
) -> float:
    a, b = (style.at(size, net, LAYERS)[layer].mean for style in (first, second))
    return float((a - b).norm() / b.norm())


def test_the_deepest_layers_moments_are_those_without_the_subject(net: Extractor) -> None:
    plain, whole = Painting(portrait(subject=False)), Painting(portrait())
    without = recurring(whole, ["relu5_1"])
    assert isinstance(without, Painting)
    assert distance(without, plain, net, "relu5_1") < 0.6 * distance(whole, plain, net, "relu5_1")
    assert distance(without, whole, net, "relu4_1") == 0


def test_what_is_shown_once_is_left_out_of_a_large_picture_too(net: Extractor) -> None:
    """A large painting shows a face in many cells, and parts of one are like each other."""
    plain, whole = (Painting(resize(portrait(subject), 768, 768)) for subject in (False, True))
    without = recurring(whole, ["relu5_1"])
    assert isinstance(without, Painting)
    first, second = (distance(style, plain, net, "relu5_1", 768) for style in (without, whole))
    assert first < 0.6 * second


def test_a_part_of_a_painting_and_opacity_still_count(net: Extractor) -> None:
    """Cells outside the style's mask, or transparent, come back neither."""
    mask = torch.zeros(1, 1, 192, 192)
    mask[..., 96:] = 1
    part = Painting(portrait(), mask)
    without = recurring(part, ["relu5_1"])
    assert isinstance(without, Painting)
    assert distance(without, part, net, "relu5_1") < 0.5 * distance(
        without, Painting(portrait()), net, "relu5_1"
    )


def test_a_blend_is_one_of_what_recurs_in_each() -> None:
    shares = (Share(Painting(portrait())), Share(Painting(portrait().flip(1))))
    blend = recurring(Blend(shares), ["relu5_1"])
    assert isinstance(blend, Blend)
    assert all(share.style == recurring(p.style, ["relu5_1"]) for share, p in zip(
        blend.shares, shares, strict=True))  # fmt: skip


def test_what_recurs_nowhere_is_taken_whole(net: Extractor) -> None:
    """A painting of which next to nothing would be left has the moments of all of it."""
    ramp = torch.linspace(0, 1, 64)
    pixels = torch.stack([ramp.expand(64, 64), ramp[:, None].expand(64, 64), ramp.expand(64, 64)])
    whole = Painting(pixels[None])
    moments = recurring(whole, ["relu5_1"]).at(40, net, ["relu5_1"])["relu5_1"]
    assert torch.equal(moments.second, whole.at(40, net, ["relu5_1"])["relu5_1"].second)


def test_a_card_stays_as_it_is() -> None:
    card = cards.load(gallery.path("starry-night"))
    assert recurring(card, ["relu5_1"]) is card


def painted(net: Extractor, change: Callable[[GatysConfig], GatysConfig]) -> Tensor:
    config = GatysConfig(size=96, smallest=96, iterations=8, precision="float32")
    photo = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(2)) * 0.1 + 0.5
    return last(gatys(photo, portrait(), change(config), extractor=net)).image()


def test_the_method_leaves_the_subject_out_unless_told(net: Extractor) -> None:
    default, left, kept = (
        painted(net, change)
        for change in (
            lambda c: c,
            lambda c: replace(c, subject="leave"),
            lambda c: replace(c, subject="paint"),
        )
    )
    assert torch.equal(default, left)
    assert not torch.equal(default, kept)
