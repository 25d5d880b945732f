"""Textures: their size, their colours, and that a seamless one has no seam."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from skimage import data
from torch import Tensor

from impasto.config.methods import TextureConfig
from impasto.engine import seamless
from impasto.engine.step import Step
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.image.picture import fit
from impasto.losses.moments import moments
from impasto.methods.texture import _factors, texture, view_of
from impasto.styles.blend import Blend, Share
from impasto.styles.statistics import Painting

QUICK = TextureConfig(iterations=50, precision="float32")


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


@pytest.fixture(scope="module")
def gravel() -> Tensor:
    """Stones, tinted so that their colour can be told, 96 px wide."""
    grey = torch.from_numpy(data.gravel())[None, None].float() / 255
    tint = torch.tensor([1.0, 0.8, 0.6]).view(1, 3, 1, 1)
    return fit(grey * tint, 192)[..., :96, :96].contiguous()


@pytest.fixture(scope="module")
def tile(gravel: Tensor, net: Extractor) -> Tensor:
    return steps(gravel, net, height=64, width=96, seamless=True)[-1].image()


def steps(
    stone: Tensor, net: Extractor, config: TextureConfig = QUICK, **options: Any
) -> list[Step]:
    return list(texture(Painting(stone), config, extractor=net, **options))


def jump(x: Tensor, dim: int) -> Tensor:
    """Mean difference of each line of pixels to the next one; the last meets the first."""
    return (x.roll(-1, dim) - x).abs().mean([d for d in range(4) if d != dim])


@pytest.mark.parametrize(("height", "width"), [(67, 90), (121, 80)])
def test_any_size_can_be_had(height: int, width: int, gravel: Tensor, net: Extractor) -> None:
    made = steps(gravel, net, replace(QUICK, iterations=3), height=height, width=width)
    assert made[-1].image().shape == (1, 3, height, width)
    assert (made[-1].width, made[-1].height) == (width, height)
    assert made[0].scales > 1
    assert made[0].width < width
    assert made[-1].done == pytest.approx(1)


def test_it_has_the_colours_and_the_statistics_of_its_style(
    tile: Tensor, gravel: Tensor, net: Extractor
) -> None:
    assert (tile.mean((2, 3)) - gravel.mean((2, 3))).abs().max() < 0.08
    assert (tile.std((2, 3)) / gravel.std((2, 3)) - 1).abs().max() < 0.25
    for layer in ("relu1_1", "relu2_1", "relu3_1"):
        seen, wanted = (
            moments(f(x, [layer])[layer]).second for f, x in ((net, gravel), (net.wrapped(), tile))
        )
        assert (seen - wanted).norm() < 0.15 * seen.norm()


@pytest.mark.parametrize("dim", [2, 3])
def test_a_seamless_texture_has_no_seam(dim: int, tile: Tensor) -> None:
    jumps = jump(tile, dim)
    assert jumps[-1] < jumps[:-1].mean() + 2.5 * jumps[:-1].std()


def test_any_other_has_one(gravel: Tensor, net: Extractor) -> None:
    """Which is what the test above would see."""
    jumps = jump(steps(gravel, net, height=64, width=64)[-1].image(), 3)
    assert jumps[-1] > jumps[:-1].mean() + 4 * jumps[:-1].std()


def test_a_tile_laid_side_by_side_has_the_style_at_the_seam(
    tile: Tensor, gravel: Tensor, net: Extractor
) -> None:
    """Features across the seam are as much the stone's as those inside."""
    wall = tile.roll((32, 48), (2, 3))
    wanted = moments(net(gravel, ["relu2_1"])["relu2_1"]).second
    seen = net.wrapped()(wall, ["relu2_1"])["relu2_1"]
    across = torch.cat([seen[..., 12:20, :].flatten(2), seen[..., 20:28].flatten(2)], -1)[..., None]
    assert (moments(across).second - wanted).norm() < 0.3 * wanted.norm()


def test_a_size_that_cannot_be_seamless_is_refused_at_once(gravel: Tensor, net: Extractor) -> None:
    with pytest.raises(OptionError, match=r"multiples of 16.*64×48 or 80×64"):
        steps(gravel, net, height=50, width=70, seamless=True)
    with pytest.raises(OptionError, match="0×70"):
        steps(gravel, net, height=70, width=0)


def test_the_stroke_and_the_view_scale_the_stones(gravel: Tensor, net: Extractor) -> None:
    """A painting seen at half its size has half as wide stones: neighbours differ more."""
    config = replace(QUICK, iterations=30)
    whole = steps(gravel, net, config, height=64, width=64)[-1].image()
    half = steps(gravel, net, config, height=64, width=64, view=48)[-1].image()
    stroke = steps(gravel, net, replace(config, stroke=0.5), height=64, width=64)[-1].image()
    assert torch.equal(half, stroke)
    assert jump(half, 3)[:-1].mean() > 1.1 * jump(whole, 3)[:-1].mean()


def test_the_seed_decides(gravel: Tensor, net: Extractor) -> None:
    config = replace(QUICK, iterations=3)
    first, again, other = (
        steps(gravel, net, replace(config, seed=seed), height=32, width=32)[-1].image()
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_style_s_own_scale(gravel: Tensor) -> None:
    small = Painting(gravel[..., :40, :50])
    assert view_of(small) == 50
    assert view_of(Blend((Share(small, 1.0), Share(Painting(gravel), 0.5)))) == 96


@pytest.mark.parametrize(
    ("size", "painting", "scales"),
    [
        ((192, 192), (512, 512), 3),  # a card's swatch
        ((1024, 2048), (1024, 1024), 6),  # down to 362 px, where the painting has 181
        ((1024, 2048), (256, 512), 4),
        ((512, 512), (2048, 2048), 4),
        ((40, 40), (40, 40), 1),
    ],
)
def test_the_first_scale_is_small_but_no_smaller_than_shapes_are(
    size: tuple[int, int], painting: tuple[int, int], scales: int
) -> None:
    factors = _factors(size, painting, 180, 0.5)
    assert len(factors) == scales
    assert factors[-1] == 1
    assert all(b / a == pytest.approx(2**0.5) for a, b in pairwise(factors))


@pytest.mark.parametrize(("height", "width"), [(48, 40), (33, 64), (80, 16)])
def test_a_resized_tile_is_cut_from_a_resized_wall(height: int, width: int) -> None:
    small = torch.rand(1, 3, 32, 16, generator=torch.Generator().manual_seed(0))
    wall = torch.nn.functional.interpolate(
        small.repeat(1, 1, 3, 3), size=(3 * height, 3 * width), mode="bicubic"
    )
    middle = wall[..., height - 1 : 2 * height - 1, width - 1 : 2 * width - 1]
    torch.testing.assert_close(seamless.resized(small, height, width), middle, rtol=0, atol=1e-4)
