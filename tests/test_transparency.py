"""What is transparent does not count: neither a style's, nor a photograph's, nor a map's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import Bool, UInt8
from PIL import Image

from impasto.api import doodle, stylize, texture
from impasto.config.methods import GatysConfig, InstantConfig
from impasto.engine.paintings import offered
from impasto.engine.step import last
from impasto.errors import ImpastoError
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.image.color import palette
from impasto.image.picture import Picture
from impasto.image.transparency import on_white, visible_mask, without_hidden_colours
from impasto.painting.cards import make_card
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import finish, paint
from impasto.styles.statistics import Painting

Levels = UInt8[np.ndarray, "h w 4"]

SIZE = 96
BLACK, GREEN = (0, 0, 0), (0, 255, 0)
QUICK: dict[str, Any] = {"size": SIZE, "iterations": 3}


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


def noise(seed: int, low: int = 0, high: int = 256) -> UInt8[np.ndarray, "h w 3"]:
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(low, high, (12, 16, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((SIZE, 72), Image.Resampling.BICUBIC))


def disc(radius: float = 0.33) -> Bool[np.ndarray, "h w"]:
    rows, columns = np.mgrid[:72, :SIZE]
    visible: Bool[np.ndarray, "h w"] = (rows - 36) ** 2 + (columns - 48) ** 2 < (72 * radius) ** 2
    return visible


def cut_out(seed: int, hidden: tuple[int, int, int], opacity: int = 255) -> Image.Image:
    """A disc of a picture, and a colour that nobody sees around it."""
    visible = disc()
    levels = np.dstack([noise(seed), np.where(visible, opacity, 0).astype(np.uint8)])
    levels[~visible, :3] = hidden
    return Image.fromarray(levels)


def solid(seed: int, low: int = 0, high: int = 256) -> Image.Image:
    return Image.fromarray(noise(seed, low, high))


def differs(first: Image.Image, second: Image.Image) -> bool:
    return not np.array_equal(np.asarray(first), np.asarray(second))


# The picture without its hidden colours


def picture(image: Image.Image) -> Picture:
    levels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None] / 255
    return Picture(levels[:, :3], levels[:, 3:])


@pytest.mark.parametrize("long_side", [None, 40, SIZE])
def test_hidden_colours_leave_no_trace(long_side: int | None) -> None:
    first, second = (
        without_hidden_colours(picture(cut_out(0, hidden)), "it", long_side)
        for hidden in (BLACK, GREEN)
    )
    assert torch.equal(first.pixels, second.pixels)
    assert first.alpha is not None
    assert second.alpha is not None
    assert torch.equal(first.alpha, second.alpha)


def test_visible_colours_stay_and_go_on_into_what_is_hidden() -> None:
    levels = np.zeros((40, 60, 4), np.uint8)
    levels[:, :20] = (200, 40, 40, 255)
    levels[:, 40:] = (40, 40, 200, 255)
    before = picture(Image.fromarray(levels))
    after = without_hidden_colours(before, "it").pixels
    assert torch.equal(after[..., :20], before.pixels[..., :20])
    assert torch.equal(after[..., 40:], before.pixels[..., 40:])
    # Between a red and a blue field there are reds, violets and blues, and nothing else.
    hidden = after[0, :, :, 20:40]
    assert hidden[1].sub(40 / 255).abs().max() < 1e-3
    assert hidden[0].diff(dim=1).max() < 1e-3
    assert hidden[0].amin() > 39 / 255
    assert hidden[2].amax() < 201 / 255


def test_reduced_edges_have_the_colour_of_their_visible_part() -> None:
    levels = np.zeros((64, 64, 4), np.uint8)
    levels[:, :33] = (240, 240, 240, 255)
    reduced = without_hidden_colours(picture(Image.fromarray(levels)), "it", 16)
    assert reduced.pixels.sub(240 / 255).abs().max() < 0.02


def test_faint_colours_are_kept() -> None:
    """A watercolour on a transparent layer is as sharp as on paper."""
    levels = np.dstack([noise(3), np.full((72, SIZE), 30, np.uint8)])
    before = picture(Image.fromarray(levels))
    assert torch.equal(without_hidden_colours(before, "it").pixels, before.pixels)


def test_an_opaque_alpha_channel_changes_nothing() -> None:
    levels = np.dstack([noise(3), np.full((72, SIZE), 255, np.uint8)])
    before = picture(Image.fromarray(levels))
    after = without_hidden_colours(before, "it", 40)
    plain = without_hidden_colours(Picture(before.pixels), "it", 40)
    assert torch.equal(after.pixels, plain.pixels)
    assert visible_mask(after.alpha) is None


def test_nothing_to_see_is_refused() -> None:
    blank = Image.new("RGBA", (96, 72), (1, 2, 3, 0))
    with pytest.raises(ImpastoError, match="transparent"):
        stylize(blank, solid(1), "instant", size=SIZE)
    with pytest.raises(ImpastoError, match="transparent"):
        stylize(solid(1), blank, "instant", size=SIZE)


# Styles


@pytest.mark.parametrize("method", ["gatys", "nnst", "mrf", "laplacian", "instant"])
def test_a_styles_hidden_colours_do_not_count(method: str) -> None:
    options: dict[str, Any] = {"size": SIZE} if method == "instant" else QUICK
    first, second = (
        stylize(solid(1), cut_out(2, hidden), method, **options) for hidden in (BLACK, GREEN)
    )
    assert not differs(first, second)


@pytest.mark.parametrize("method", ["gatys", "nnst", "mrf", "instant"])
def test_a_photographs_hidden_colours_do_not_count(method: str) -> None:
    options: dict[str, Any] = {"size": SIZE} if method == "instant" else QUICK
    first, second = (
        stylize(cut_out(2, hidden), solid(1), method, **options) for hidden in (BLACK, GREEN)
    )
    assert not differs(first, second)
    assert np.array_equal(np.asarray(first)[..., 3], np.where(disc(), 255, 0))


def test_moments_are_those_of_what_is_visible(net: Extractor) -> None:
    """Opacities are weights: half of a painting at a third of the weight, for example."""
    pixels = torch.from_numpy(noise(5).copy()).permute(2, 0, 1)[None] / 255
    alpha = torch.ones(1, 1, 72, SIZE)
    alpha[..., 48:] = 1 / 3
    layer = "relu1_1"
    features = net(pixels, [layer])[layer][0]
    weight = torch.ones(features.shape[-2:])
    weight[:, 48:] = 1 / 3
    weight[:, 47] = 1 / 3  # a cell next to a fainter one counts as it does
    expected = (features * weight).sum((1, 2)) / weight.sum()
    mean = Painting(pixels, alpha=alpha).at(SIZE, net, [layer])[layer].mean[0]
    torch.testing.assert_close(mean, expected, atol=1e-4, rtol=1e-3)


def test_an_even_opacity_changes_no_moments(net: Extractor) -> None:
    pixels = torch.from_numpy(noise(5).copy()).permute(2, 0, 1)[None] / 255
    layers = ["relu1_1", "relu5_1"]
    plain = Painting(pixels).at(SIZE, net, layers)
    faint = Painting(pixels, alpha=torch.full((1, 1, 72, SIZE), 0.2)).at(SIZE, net, layers)
    for name in layers:
        torch.testing.assert_close(plain[name].mean, faint[name].mean, atol=1e-4, rtol=1e-3)


def test_positions_are_offered_by_their_opacity() -> None:
    positions = torch.arange(4000)
    opacity = torch.ones(4000)
    opacity[1000:2000], opacity[2000:3000], opacity[3000:] = 0.5, 0.25, 0
    counts = torch.bincount(offered(positions, None, opacity) // 1000, minlength=4)
    np.testing.assert_allclose(counts, [1000, 500, 250, 0], atol=2)
    half = offered(positions, None, 0.5 * torch.ones(4000))
    assert torch.equal(half, positions)


@pytest.mark.parametrize("method", ["nnst", "mrf", "gatys"])
def test_a_cut_out_of_a_style_paints_as_the_whole_of_it(method: str) -> None:
    """A dark disc on a hidden red paints as dark a picture as the dark painting it is cut from."""
    whole = noise(2, 0, 40)
    part = np.dstack([whole, np.where(disc(), 255, 0).astype(np.uint8)])
    part[~disc(), :3] = (255, 0, 0)
    first, second = (
        np.asarray(
            stylize(
                solid(1), Image.fromarray(style), method, size=SIZE, strength=0.9, iterations=20
            )
        )
        for style in (whole, part)
    )
    np.testing.assert_allclose(second.mean((0, 1)), first.mean((0, 1)), atol=30)


def test_a_card_holds_what_is_visible() -> None:
    first, second = (make_card(cut_out(2, hidden)) for hidden in (BLACK, GREEN))
    assert first.about.palette == second.about.palette
    for size, layers in first.measured.items():
        for name, moments in layers.items():
            assert torch.equal(moments.mean, second.measured[size][name].mean)


def test_a_palette_has_visible_colours_only() -> None:
    pixels = torch.zeros(1, 3, 20, 20)
    pixels[:, 0, :10] = 1
    alpha = torch.ones(1, 1, 20, 20)
    alpha[:, :, :10] = 0
    assert palette(pixels, alpha=alpha) == ("#000000",)


def test_textures_and_doodles_ignore_hidden_colours() -> None:
    map = Image.new("RGB", (SIZE, 72), (255, 0, 0))
    map.paste((0, 0, 255), (0, 0, 48, 72))
    first, second = (cut_out(2, hidden) for hidden in (BLACK, GREEN))
    assert not differs(texture(first, **QUICK), texture(second, **QUICK))
    for engine in ("statistics", "patches"):
        options = {"engine": engine, **QUICK}
        painted = (doodle(map, style, map, **options) for style in (first, second))
        assert not differs(*painted)


@pytest.mark.parametrize("color", ["match", "keep"])
def test_colours_come_from_what_is_visible(color: str) -> None:
    options: dict[str, Any] = {"method": "instant", "size": SIZE, "color": color}
    cut_outs = [cut_out(2, hidden) for hidden in (BLACK, GREEN)]
    assert not differs(*(stylize(picture, solid(1), **options) for picture in cut_outs))
    assert not differs(*(stylize(solid(1), picture, **options) for picture in cut_outs))


# Photographs


def test_however_much_is_hidden_the_visible_part_gets_the_whole_style() -> None:
    """Red on the left of the style and blue on the right: both are in the disc."""
    style = np.zeros((72, SIZE, 3), np.uint8)
    style[:, :48, 0], style[:, 48:, 2] = 230, 230
    opacity = np.where(disc(0.2), 255, 0).astype(np.uint8)
    grey = Image.fromarray(np.dstack([noise(6)[..., :1].repeat(3, 2), opacity]))
    options: dict[str, Any] = {
        "size": SIZE,
        "strength": 0.9,
        "iterations": 40,
        "detail_weight": 0.0,
    }
    painted = stylize(grey, Image.fromarray(style), method="gatys", **options)
    inside = np.asarray(painted)[disc(0.15)][:, :3].astype(int)
    reds, blues = (inside[:, 0] > inside[:, 2] + 40), (inside[:, 2] > inside[:, 0] + 40)
    assert reds.mean() > 0.15
    assert blues.mean() > 0.15


def test_maps_and_hidden_places_go_together() -> None:
    map = Image.new("RGB", (SIZE, 72), (255, 0, 0))
    map.paste((0, 0, 255), (0, 0, 48, 72))
    map.paste((0, 255, 0), (0, 0, 8, 8))  # a region where nothing is visible
    options: dict[str, Any] = {"content_map": map, "region": ["#0000ff=keep"], **QUICK}
    first, second = (
        np.asarray(stylize(cut_out(2, hidden), solid(1), **options)) for hidden in (BLACK, GREEN)
    )
    assert np.array_equal(first, second)
    kept = disc() & (np.arange(SIZE) < 40)
    assert np.array_equal(first[kept][:, :3], noise(2)[kept])


def test_a_maps_transparent_pixels_are_white() -> None:
    levels = np.zeros((72, SIZE, 4), np.uint8)
    levels[:, :48] = (255, 0, 0, 255)
    white = np.full((72, SIZE, 3), 255, np.uint8)
    white[:, :48] = (255, 0, 0)
    region = ["#ffffff=keep"]
    first, second = (
        stylize(solid(2), solid(1), content_map=Image.fromarray(map), region=region, **QUICK)
        for map in (levels, white)
    )
    assert not differs(first, second)


@pytest.mark.parametrize("strength", [0.0, 1.0])
@pytest.mark.parametrize("config", [InstantConfig(size=SIZE), GatysConfig(**QUICK)])
def test_cut_outs_are_painted_at_the_ends_of_strength(
    config: InstantConfig | GatysConfig, strength: float, net: Extractor
) -> None:
    sources = Sources.of(cut_out(2, GREEN), solid(1))
    task = prepare(sources, replace(config, strength=strength), net)
    painted = finish(task, last(paint(task)))
    if strength == 0:
        visible = torch.from_numpy(disc())
        pixels = painted.pixels[0, :, visible].T.numpy()
        np.testing.assert_allclose(pixels, noise(2)[disc()] / 255, atol=0.06)


def test_a_speck_is_painted() -> None:
    levels = np.zeros((72, SIZE, 4), np.uint8)
    levels[30:33, 30:33] = (10, 200, 30, 255)
    painted = stylize(Image.fromarray(levels), solid(1), **QUICK)
    assert np.asarray(painted)[..., 3].sum() == 9 * 255


def test_a_style_map_over_nothing_is_refused() -> None:
    map = Image.new("RGB", (SIZE, 72), (255, 0, 0))
    map.paste((0, 0, 255), (0, 0, 10, 10))
    with pytest.raises(ImpastoError, match="transparent"):
        stylize(solid(1), cut_out(2, BLACK), content_map=map, style_map=map, **QUICK)


def test_over_white_is_what_one_sees() -> None:
    half = Picture(torch.zeros(1, 3, 2, 2), torch.full((1, 1, 2, 2), 0.25))
    assert torch.equal(on_white(half), torch.full((1, 3, 2, 2), 0.75))
