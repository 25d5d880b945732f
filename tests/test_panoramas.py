"""Long and thin pictures: at which scale they begin, what is painted, and what is refused."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from impasto.config.bases import PictureConfig, PixelConfig
from impasto.config.methods import (
    DoodleConfig,
    GatysConfig,
    InstantConfig,
    LaplacianConfig,
    MrfConfig,
    NnstConfig,
    QuickConfig,
    RefineConfig,
    TextureConfig,
)
from impasto.engine.setup import least_side, sides_of, with_layers
from impasto.errors import PictureError
from impasto.features.extractor import Extractor
from impasto.features.sources import digest
from impasto.features.weights import load
from impasto.image.pyramid import scale_schedule
from impasto.painting.inputs import read_style
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import finish, paint

KINDS = [GatysConfig, NnstConfig, MrfConfig, LaplacianConfig]


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


def cut(width: int, height: int) -> Image.Image:
    """A picture with something everywhere."""
    tile = data.astronaut()[100:160, 100:160]
    many = np.tile(tile, (math.ceil(height / 60), math.ceil(width / 60), 1))
    return Image.fromarray(many[:height, :width])


PAINTING = cut(64, 64)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [256, 512, 1000, 4096])
def test_ordinary_pictures_keep_their_scales(kind: type[PixelConfig], size: int) -> None:
    config = with_layers(kind(size=size))
    whole = scale_schedule(size, config.smallest, config.octaves)
    for height, width in ((100, 100), (300, 400), (400, 300), (900, 1600), (100, 300)):
        assert sides_of(config, height, width) == whole


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("proportion", [12, 20, 30])
def test_the_first_scale_of_a_panorama_is_wide_enough(
    kind: type[PixelConfig], proportion: int
) -> None:
    config = with_layers(kind(size=512))
    whole = scale_schedule(512, config.smallest, config.octaves)
    for height, width in ((100, 100 * proportion), (100 * proportion, 100)):
        sides = sides_of(config, height, width)
        assert sides == whole[-len(sides) :]
        assert round(sides[0] / proportion) >= least_side(config) == 16
        assert len(sides) == len(whole) or round(whole[-len(sides) - 1] / proportion) < 16
    assert sides_of(with_layers(GatysConfig()), 60, 720) == [256, 512]
    # A tensor is not refused.
    assert sides_of(with_layers(GatysConfig()), 5, 720) == [512]


@pytest.mark.parametrize("kind", [*KINDS, RefineConfig, QuickConfig, InstantConfig])
@pytest.mark.parametrize("size", [(720, 60), (60, 720)])
def test_every_method_paints_a_panorama(
    kind: type[PictureConfig], size: tuple[int, int], net: Extractor
) -> None:
    more: dict[str, Any] = {} if kind is InstantConfig else {"iterations": 4}
    config = kind(size=256, precision="float32", **more)
    task = prepare(Sources.of(cut(*size), PAINTING), config, net)
    steps = list(paint(task))
    picture = finish(task, steps[-1]).pixels
    assert tuple(picture.shape) == (1, 3, *(round(side * 256 / 720) for side in size[::-1]))
    assert float(picture.std()) > 0.05
    # The scales that were forecast are those that were painted.
    assert steps[-1].scale == steps[-1].scales
    if kind is LaplacianConfig:
        assert steps[-1].scales == 2


def test_a_doodle_of_a_panorama(net: Extractor) -> None:
    scene, map = Image.new("RGB", (360, 30), "red"), Image.new("RGB", (64, 64), "red")
    for drawn in (scene, map):
        drawn.paste("blue", (0, 0, drawn.width // 2, drawn.height))
    config = DoodleConfig(size=256, iterations=6, engine="patches", precision="float32")
    task = prepare(Sources.of(None, PAINTING, content_map=scene, style_maps=(map,)), config, net)
    step = list(paint(task))[-1]
    assert tuple(finish(task, step).pixels.shape) == (1, 3, 21, 256)


@pytest.mark.parametrize("kind", [GatysConfig, DoodleConfig, InstantConfig])
def test_what_is_too_thin_is_told_a_size(kind: type[PictureConfig], net: Extractor) -> None:
    thin = cut(1000, 25)

    def prepared(size: int) -> None:
        config = kind(size=size)
        if kind is DoodleConfig:
            flat = Image.new("RGB", thin.size, "red")
            flat.paste("blue", (0, 0, 500, 25))
            map = Image.new("RGB", PAINTING.size, "red")
            map.paste("blue", (0, 0, 32, 64))
            prepare(Sources.of(None, PAINTING, content_map=flat, style_maps=(map,)), config, net)
        else:
            prepare(Sources.of(thin, PAINTING), config, net)

    with pytest.raises(PictureError, match=r"1000×25 pixels: too thin for a size of 512") as caught:
        prepared(512)
    assert "short side has 13 pixels and the network needs 16" in str(caught.value)
    assert "take a size of 640 or more" in str(caught.value)
    assert "--" not in str(caught.value)
    with pytest.raises(PictureError, match="too thin"):
        prepared(619)
    prepared(640)


def test_no_size_is_told_that_cannot_be_taken(net: Extractor) -> None:
    with pytest.raises(PictureError, match="too thin") as caught:
        prepare(Sources.of(cut(18_000, 17), PAINTING), GatysConfig(), net)
    assert "take a size" not in str(caught.value)
    assert "cut a piece" in str(caught.value)


def test_a_picture_of_too_few_pixels_is_refused(net: Extractor) -> None:
    for content, style in ((cut(300, 15), PAINTING), (PAINTING, cut(300, 15))):
        with pytest.raises(PictureError, match=r"300×15 pixels: too few .* needs 16 or more"):
            prepare(Sources.of(content, style), GatysConfig(), net)


@pytest.mark.parametrize("kind", [*KINDS, InstantConfig])
@pytest.mark.parametrize("size", [(720, 60), (24, 800)])
def test_a_thin_painting_is_a_style(
    kind: type[PictureConfig], size: tuple[int, int], net: Extractor
) -> None:
    more: dict[str, Any] = {} if kind is InstantConfig else {"iterations": 2, "smallest": 64}
    config = kind(size=64, precision="float32", **more)
    step = list(paint(prepare(Sources.of(PAINTING, cut(*size)), config, net)))[-1]
    assert float(step.image().std()) > 0.01


def test_a_thin_painting_keeps_what_the_network_needs(net: Extractor) -> None:
    config = with_layers(GatysConfig(size=128))

    def read(width: int, height: int) -> tuple[int, int]:
        loaded = read_style(cut(width, height), config, net, digest("compact", None))
        assert loaded.picture is not None
        return loaded.picture.width, loaded.picture.height

    assert read(1200, 100) == (384, 32)
    assert read(800, 24) == (800, 24)  # no more than it has
    assert read(400, 100) == (128, 32)
    assert read(600, 100) == (128, 21)  # as ever: not so thin that it was refused


def test_a_texture_of_a_thin_painting(net: Extractor) -> None:
    config = TextureConfig(size=64, iterations=2, precision="float32")
    task = prepare(Sources.of(None, cut(40, 480)), config, net)
    assert tuple(finish(task, list(paint(task))[-1]).pixels.shape) == (1, 3, 64, 64)


@pytest.mark.parametrize("kind", [GatysConfig, InstantConfig])
def test_a_photograph_that_is_much_enlarged_is_noted(
    kind: type[PictureConfig], net: Extractor, caplog: pytest.LogCaptureFixture
) -> None:
    config = kind(size=256)
    with caplog.at_level(logging.WARNING, "impasto"):
        prepare(Sources.of(cut(65, 40), PAINTING), config, net)
        assert "enlarged" not in caplog.text
        prepare(Sources.of(cut(64, 40), PAINTING), config, net)
        assert "64×40 pixels and is enlarged 4 times to a size of 256" in caplog.text
        caplog.clear()
        # A painting is never enlarged.
        prepare(Sources.of(cut(256, 256), cut(20, 20)), replace(config, size=512), net)
        assert "enlarged" not in caplog.text
