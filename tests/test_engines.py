"""The engines that match features, nnst and mrf: what they read, refuse and lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.config.bases import PixelConfig
from impasto.config.methods import MrfConfig, NnstConfig
from impasto.engine.adam import Adam
from impasto.engine.comparison import Engine
from impasto.engine.nearest import nearest_engine, nearest_layers
from impasto.engine.patches import patch_engine, patch_layers
from impasto.engine.regions import Region, region_views
from impasto.engine.setup import with_layers
from impasto.errors import StyleError
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.features.plan import layer_names
from impasto.losses.viewer import Viewer
from impasto.styles import gallery
from impasto.styles.blend import Blend, Share
from impasto.styles.card import load
from impasto.styles.statistics import Painting, Style

Make = Callable[..., Engine]


def nearest(**options: Any) -> Engine:
    return nearest_engine(with_layers(NnstConfig(**options)))


def patched(**options: Any) -> Engine:
    return patch_engine(with_layers(MrfConfig(**options)))


both = pytest.mark.parametrize("make", [nearest, patched])


def texture(seed: int, height: int = 64, width: int = 80) -> Tensor:
    """Waves of a direction and colours of their own."""
    drawn = torch.Generator().manual_seed(seed)
    down, right = torch.rand(2, 3, 1, 1, generator=drawn) * 1.2
    waves: Tensor = torch.arange(height)[:, None] * down + torch.arange(width) * right
    noise = torch.rand(3, height, width, generator=drawn)
    picture: Tensor = 0.5 + 0.35 * waves.sin() + 0.15 * (noise - 0.5)
    return picture[None].clamp(0, 1)


def compared(
    engine: Engine,
    picture: Tensor,
    style: Style,
    extractor: Extractor,
    mask: Tensor | None = None,
    content: Tensor | None = None,
) -> Callable[[Tensor], dict[str, Tensor]]:
    """The engine's distances of any picture, its targets found from `picture`."""
    eye = Viewer(extractor, engine.layers)
    current = eye.view(picture)
    photograph = None if content is None else eye.view(content)
    region = Region(style, 0.5, mask)
    side = max(picture.shape[-2:])
    (region_view,) = region_views([region], side, extractor, photograph, current)
    comparison = engine.compare([region_view])

    def distances(x: Tensor) -> dict[str, Tensor]:
        found = comparison.measure(eye.view(x).measure(comparison.measurements))
        return {name: each[0] for name, each in found.items()}

    return distances


def total(parts: Mapping[str, Tensor]) -> Tensor:
    return torch.stack(list(parts.values())).sum()


@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("choose", [nearest_layers, patch_layers])
def test_every_backbone_has_the_layers(
    backbone: str, choose: Callable[[PixelConfig], Sequence[str]]
) -> None:
    names = layer_names(BACKBONES[backbone].plan)
    chosen = choose(NnstConfig(backbone=backbone))
    assert len(chosen) >= 2
    assert all(name in names for name in chosen)


def test_nnst_reads_a_vgg_up_to_relu4_3() -> None:
    names = nearest_layers(NnstConfig(backbone="vgg16"))
    assert (names[0], names[-1], len(names)) == ("relu1_1", "relu4_3", 10)


def test_mrf_reads_relu3_1_and_relu4_1() -> None:
    assert patch_layers(MrfConfig(backbone="vgg19")) == ("relu3_1", "relu4_1")


@both
def test_a_card_is_refused(make: Make, compact: Extractor) -> None:
    card = load(gallery.path(gallery.names()[0]))
    with pytest.raises(StyleError, match="Give the painting's file"):
        compared(make(), texture(1), card, compact)
    blend = Blend((Share(Painting(texture(2))), Share(card)))
    with pytest.raises(StyleError):
        compared(make(), texture(1), blend, compact)


@both
def test_the_painting_itself_has_no_distance(make: Make, compact: Extractor) -> None:
    painting = texture(1)
    distances = compared(make(variety=0.0), painting, Painting(painting), compact)
    assert float(total(distances(painting))) < 1e-3
    assert float(total(distances(texture(2)))) > 0.2


@both
def test_descent_leads_to_the_painting(make: Make, compact: Extractor) -> None:
    photograph = texture(3)
    engine = make()
    distances = compared(engine, photograph, Painting(texture(1)), compact, content=photograph)
    picture, optimiser, values = photograph.clone(), Adam(0.02), []
    for _ in range(8):
        variable = picture.clone().requires_grad_()
        loss = total(distances(variable))
        (gradient,) = torch.autograd.grad(loss, variable)
        optimiser.step(picture, gradient.contiguous())
        values.append(float(loss.detach()))
    assert values[-1] < 0.85 * values[0]


@both
def test_only_the_region_is_pulled(make: Make, compact: Extractor) -> None:
    mask = torch.zeros(1, 1, 64, 160)
    mask[..., :60] = 1
    picture = texture(3, width=160).requires_grad_()
    distances = compared(make(), picture.detach(), Painting(texture(1)), compact, mask)
    (gradient,) = torch.autograd.grad(total(distances(picture)), picture)
    assert float(gradient[..., :60].abs().max()) > 0
    assert float(gradient[..., 125:].abs().max()) == 0  # 60 pixels and a receptive field away


@both
def test_a_tiny_region_has_nothing_to_say(make: Make, compact: Extractor) -> None:
    mask = torch.zeros(1, 1, 64, 80)
    mask[..., :2, :2] = 1
    assert not compared(make(), texture(3), Painting(texture(1)), compact, mask)(texture(3))


@both
def test_only_the_painting_s_own_part_is_looked_at(make: Make, compact: Extractor) -> None:
    """Of a painting with two halves, that whose mask is 1."""
    pixels = torch.cat([texture(1), texture(2)], 3)
    left = torch.zeros(1, 1, 64, 160)
    left[..., :80] = 1
    side = 160
    picture = texture(1, width=160)
    engine = make(variety=0.0, palette=0.0)
    found = []
    for mask in (left, 1 - left):
        region = Region(Painting(pixels, mask), 0.5)
        current = Viewer(compact, engine.layers).view(picture)
        (region_view,) = region_views([region], side, compact, None, current)
        comparison = engine.compare([region_view])
        distances = comparison.measure(current.measure(comparison.measurements))
        found.append(float(total(distances)))
    assert found[0] < 0.6 * found[1]


@both
def test_a_blend_takes_of_each_by_its_share(make: Make, compact: Extractor) -> None:
    """The more of the picture's own style, the nearer it is."""
    first, second = Painting(texture(1)), Painting(texture(2))
    picture = texture(1)

    def distance(share: float) -> float:
        blend = Blend((Share(first, share), Share(second, 1 - share)))
        engine = make(variety=0.0, palette=0.0)
        return float(total(compared(engine, picture, blend, compact)(picture)))

    most, half, least = (distance(share) for share in (1.0, 0.5, 0.0))
    assert most < half < least
    assert most < 1e-3


@both
def test_styles_may_speak_at_some_layers_only(make: Make, compact: Extractor) -> None:
    first, second = Painting(texture(1)), Painting(texture(2))
    blend = Blend((Share(first, 1.0, "fine"), Share(second, 1.0, "coarse")))
    engine = make(variety=0.0, palette=0.0)
    parts = compared(engine, texture(1), blend, compact)(texture(1))
    fine, coarse = parts.values()
    assert float(fine) < 1e-3 < 0.1 < float(coarse)


@both
def test_without_a_palette_there_is_only_the_match(make: Make, compact: Extractor) -> None:
    with_it, without = (
        compared(make(palette=p), texture(3), Painting(texture(1)), compact)(texture(3))
        for p in (0.5, 0.0)
    )
    assert {n for n in with_it if n.startswith("palette")} == {"palette relu1_1", "palette relu2_1"}
    assert set(without) == {n for n in with_it if not n.startswith("palette")}


def test_shares_say_what_parts_count() -> None:
    engine = patched(style_layers=("relu3_1:3", "relu4_1"))
    assert engine.shares == {
        "patches relu3_1": 0.75,
        "patches relu4_1": 0.25,
        "palette relu1_1": 0.25,
        "palette relu2_1": 0.25,
    }
    assert set(engine.layers) == {"relu1_1", "relu2_1", "relu3_1", "relu4_1"}


def test_the_photograph_decides_what_is_looked_up(compact: Extractor) -> None:
    """With a mix of 1 the picture so far does not matter; with 0 the photograph does not."""
    painting, photograph = Painting(texture(1)), texture(3)

    def distance(mix: float, picture: Tensor, content: Tensor) -> float:
        engine = nearest(content_mix=mix, variety=0.0, palette=0.0)
        distances = compared(engine, picture, painting, compact, content=content)
        return float(total(distances(texture(7))))

    assert distance(1.0, texture(4), photograph) == distance(1.0, texture(5), photograph)
    assert distance(0.0, photograph, texture(4)) == distance(0.0, photograph, texture(5))
    assert distance(0.5, texture(4), photograph) != distance(0.5, texture(5), photograph)


def test_a_stride_takes_fewer_patches(compact: Extractor) -> None:
    painting, picture = Painting(texture(1)), texture(3).requires_grad_()
    for stride in (1, 2):
        engine = patched(patch_stride=stride, palette=0.0)
        distances = compared(engine, picture.detach(), painting, compact)
        (gradient,) = torch.autograd.grad(total(distances(picture)), picture)
        assert float(gradient.abs().max()) > 0


def test_too_small_for_a_patch_is_no_part(compact: Extractor) -> None:
    """24 pixels are three cells of relu4_1, fewer than a patch of 5."""
    small = texture(3, 24, 24)
    engine = patched(patch=5, palette=0.0)
    parts = compared(engine, small, Painting(texture(1, 24, 24)), compact)(small)
    assert set(parts) == {"patches relu3_1"}
