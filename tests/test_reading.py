"""What is kept of the pictures that are read, and what is said where a style is too small."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from impasto.config.bases import PhotoConfig, PixelConfig
from impasto.config.methods import DoodleConfig, GatysConfig, NnstConfig, TextureConfig
from impasto.engine.setup import with_layers
from impasto.engine.step import last
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.plan import min_side
from impasto.features.sources import digest
from impasto.features.weights import load
from impasto.painting.inputs import LoadedStyle, read_map, read_picture, read_style
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import finish, paint
from impasto.styles import card as cards
from impasto.styles import gallery
from impasto.styles.statistics import Painting

QUICK = GatysConfig(size=64, smallest=64, iterations=2, precision="float32")


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(data.astronaut()[:384]).resize((64, 48))


@pytest.fixture(scope="module")
def tissue() -> Image.Image:
    return Image.fromarray(data.immunohistochemistry())


def styled(source: Path | Image.Image | str, config: PixelConfig, net: Extractor) -> LoadedStyle:
    return read_style(source, config, net, digest("compact"))


def map_of(size: tuple[int, int]) -> Image.Image:
    """Half red, half blue."""
    drawn = Image.new("RGB", size, "#ff0000")
    drawn.paste("#0000ff", (size[0] // 2, 0, *size))
    return drawn


# The stroke


def test_a_stroke_above_1_is_painted_from_as_many_pixels(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    painting = tissue.resize((128, 96))
    kept = [
        max(styled(painting, replace(QUICK, stroke=stroke), net).style.pixels.shape)  # type: ignore[attr-defined]
        for stroke in (0.5, 1.0, 1.3, 2.0, 4.0)
    ]
    assert kept == [64, 64, 84, 128, 128]
    task = prepare(Sources.of(photo, painting), replace(QUICK, stroke=2.0), net)
    region = task.run.keywords["regions"][0]  # type: ignore[attr-defined]
    assert region.style.pixels.shape[-2:] == (96, 128)


def test_a_stroke_of_2_is_twice_as_wide(net: Extractor, photo: Image.Image) -> None:
    stripes = Image.fromarray(np.tile(np.arange(128) // 4 % 2 * 255, (128, 1)).astype(np.uint8))
    config = replace(QUICK, strength=1.0, init="noise", iterations=30)
    grain = []
    for stroke in (1.0, 2.0):
        task = prepare(Sources.of(photo, stripes), replace(config, stroke=stroke), net)
        pixels = last(paint(task)).image()
        grain.append((pixels[..., 1:] - pixels[..., :-1]).abs().mean() / pixels.std())
    assert grain[1] < 0.75 * grain[0]


@pytest.mark.parametrize("kind", [GatysConfig, NnstConfig])
def test_the_smallest_stroke_is_painted(
    kind: type[PhotoConfig], net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    config = kind(size=64, smallest=64, iterations=2, stroke=0.1)
    task = prepare(Sources.of(photo, tissue), config, net)
    assert finish(task, last(paint(task))).width == 64


def test_a_painting_is_never_brought_down_to_nothing_nor_enlarged(net: Extractor) -> None:
    pixels = torch.rand(1, 3, 90, 180, generator=torch.Generator().manual_seed(0))
    deep, fine = ["relu5_1"], ["relu1_1"]
    part = Painting(pixels, torch.ones(1, 1, 9, 18)).features_at(4, net, deep)["relu5_1"]
    least = 2 * net.stride(deep)
    assert least >= min_side(net.plan, deep)
    assert (
        part.features.shape[-2:]
        == net(pixels[..., :least, : 2 * least], deep)["relu5_1"].shape[-2:]
    )
    assert part.mask is not None
    assert part.mask.shape == part.features.shape[-2:]
    small = pixels[..., :20, :30]
    assert (
        Painting(small)
        .at(4, net, deep)["relu5_1"]
        .mean.equal(Painting(small).at(900, net, deep)["relu5_1"].mean)
    )
    # Where the layers can see it, it is as small as was asked.
    assert Painting(pixels).features_at(10, net, fine)["relu1_1"].features.shape[-2:] == (5, 10)


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    messages = [r.getMessage() for r in caplog.records if "its strokes" in r.getMessage()]
    caplog.clear()
    return messages


def test_a_stroke_that_no_style_has_is_told(
    net: Extractor, tissue: Image.Image, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tissue.resize((100, 80)).save(tmp_path / "tissue.png")
    read = partial(styled, net=net)
    with caplog.at_level(logging.WARNING, "impasto"):
        read(tmp_path / "tissue.png", replace(QUICK, stroke=2.0))
        (told,) = warned(caplog)
        for part in (
            "stroke 2 ",
            "tissue.png",
            "128 pixels",
            "has 100 at most",
            "1.6",
            "more pixels",
        ):
            assert part in told
        read("starry-night", replace(QUICK, size=512, stroke=4.0))
        (told,) = warned(caplog)
        for part in ("starry-night", "2048 pixels", "1024 at most", "stroke 2;", "itself"):
            assert part in told
        read("starry-night", replace(QUICK, size=512, stroke=0.2))
        (told,) = warned(caplog)
        for part in ("102 pixels", "180 at least", "no smaller than at stroke 0.35"):
            assert part in told


def test_a_stroke_that_a_style_has_is_not(
    net: Extractor, tissue: Image.Image, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "impasto"):
        for stroke in (0.1, 1.0, 1.7):  # 1.7: less than 10 % beyond
            styled(tissue.resize((100, 80)), replace(QUICK, stroke=stroke), net)
        for size, stroke in ((64, 1.0), (4000, 1.0), (512, 2.0), (512, 0.4)):
            styled("starry-night", replace(QUICK, size=size, stroke=stroke), net)
    assert not warned(caplog)


# Textures


def test_a_texture_of_a_painting_and_one_of_its_card_are_of_one_scale(
    net: Extractor, tissue: Image.Image, tmp_path: Path
) -> None:
    painting = tissue.resize((240, 200))
    about, layers = cards.load(gallery.path("starry-night")).about, with_layers(QUICK).style_layers
    pixels = read_picture("style", painting, QUICK, limit=240).picture.pixels
    card = cards.make(Painting(pixels), net, layers, about, torch.zeros(3, 9, 9, dtype=torch.uint8))
    cards.save(card, tmp_path / "tissue.style")
    views = [
        prepare(Sources.of(None, source), TextureConfig(size=size), net).run.keywords["view"]  # type: ignore[attr-defined]
        for source in (painting, tmp_path / "tissue.style", "starry-night")
        for size in (64, 400)
    ]
    assert views == [240, 240, 240, 240, 1024, 1024]


@pytest.mark.parametrize(("stroke", "kept"), [(0.5, 2048), (1.0, 2048), (1.5, 3000)])
def test_a_texture_of_a_very_large_picture_is_taken_at_a_bounded_size(
    stroke: float, kept: int, net: Extractor, caplog: pytest.LogCaptureFixture
) -> None:
    config = TextureConfig(size=64, stroke=stroke)
    with caplog.at_level(logging.WARNING, "impasto"):
        task = prepare(Sources.of(None, Image.new("RGB", (3000, 900), "grey")), config, net)
    assert task.run.keywords["view"] == 2048  # type: ignore[attr-defined]
    assert task.run.args[0].pixels.shape[-1] == kept  # type: ignore[attr-defined]
    assert not warned(caplog)


def test_a_texture_larger_than_its_source_has_pixels_for_is_told(
    net: Extractor, tissue: Image.Image, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "impasto"):
        for stroke in (0.5, 1.0, 2.0):
            sources = Sources.of(None, tissue.resize((100, 80)))
            prepare(sources, TextureConfig(size=512, stroke=stroke), net)
    (told,) = warned(caplog)
    assert "200 pixels" in told
    assert "than at stroke 1;" in told


# Pictures and maps


def test_a_picture_is_brought_down_and_its_size_remembered(tissue: Image.Image) -> None:
    for limit, long in ((None, 64), (100, 100), (5000, 512)):
        given = read_picture("content", tissue, QUICK, limit=limit)
        assert given.picture.width == long
        assert given.size == (512, 512)
    assert styled("starry-night", QUICK, load("compact")).size == (0, 0)


def test_a_picture_s_size_is_that_of_what_is_seen() -> None:
    turned = Image.new("RGB", (60, 40), "grey")
    turned.getexif()[0x0112] = 6
    assert read_picture("content", turned, QUICK).size == (40, 60)


def test_a_large_map_is_thinned_and_its_size_remembered() -> None:
    got = read_map("content-map", map_of((3000, 400)))
    assert got.size == (3000, 400)
    assert got.labels.labels.shape == (273, 2048)
    assert set(got.labels.colours) == {"#ff0000", "#0000ff"}
    assert (got.labels.labels[:, 0] != got.labels.labels[:, -1]).all()
    small = read_map("content-map", map_of((300, 40)))
    assert small.labels.labels.shape == (40, 300)


def test_a_thinned_map_has_the_drawing_s_colours_only() -> None:
    """Edges that a painting program blends stay edges."""
    drawn = map_of((3000, 400)).resize((2700, 360), Image.Resampling.LANCZOS)
    assert set(read_map("content-map", drawn).labels.colours) == {"#ff0000", "#0000ff"}


def test_a_doodle_has_the_proportions_of_its_map(net: Extractor, tissue: Image.Image) -> None:
    scene = map_of((3000, 1001))
    sources = Sources.of(None, tissue, content_map=scene, style_maps=(map_of((512, 512)),))
    task = prepare(sources, DoodleConfig(size=300), net)
    assert task.run.keywords["width"] == 3000  # type: ignore[attr-defined]
    assert task.run.keywords["height"] == 1001  # type: ignore[attr-defined]


@pytest.mark.parametrize("long", [60, 2100])
def test_a_map_as_large_as_its_picture_is_no_note(
    long: int, net: Extractor, tissue: Image.Image, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither where the picture lies on its side in its file, nor where the map was thinned."""
    photo, size = tissue.resize((long * 2 // 3, long)), (long, long * 2 // 3)
    photo.getexif()[0x0112] = 6
    regions = ("#ff0000=0.4",)
    with caplog.at_level(logging.WARNING, "impasto"):
        sources = Sources.of(photo, tissue, content_map=map_of(size))
        prepare(sources, replace(QUICK, region=regions), net)
        assert "content map" not in caplog.text
        sources = Sources.of(photo, tissue, content_map=map_of(size[::-1]))
        with pytest.raises(OptionError, match=f"photograph {long}×{size[1]}: its proportions"):
            prepare(sources, replace(QUICK, region=regions), net)
