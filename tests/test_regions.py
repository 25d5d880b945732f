"""Regions: maps, styles and strengths of their own, and pixels that are kept."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from impasto.config.bases import PhotoConfig
from impasto.config.methods import GatysConfig
from impasto.engine.canvas import mask_on, with_margin
from impasto.engine.regions import Region
from impasto.engine.step import Step, last
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.image.color import to_lab
from impasto.image.masks import masks
from impasto.image.picture import resize
from impasto.image.pyramid import scale_schedule
from impasto.image.region_maps import quantise
from impasto.methods.gatys import gatys
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import finish, paint
from impasto.styles.statistics import Painting

QUICK = GatysConfig(size=80, smallest=80, iterations=6, feather=0.0, precision="float32")
WIDE, HIGH = 80, 60
SQUARE = (96, 96)


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(data.astronaut()[:384]).resize((WIDE, HIGH))


@pytest.fixture(scope="module")
def tissue() -> Image.Image:
    return Image.fromarray(data.immunohistochemistry()).resize(SQUARE)


@pytest.fixture(scope="module")
def fur() -> Image.Image:
    return Image.fromarray(data.chelsea()).resize((96, 64))


def flat(*colours: str, size: tuple[int, int] = (WIDE, HIGH)) -> Image.Image:
    """A map of upright stripes, all of them equally wide."""
    drawn = Image.new("RGB", size)
    edges = [round(size[0] * i / len(colours)) for i in range(len(colours) + 1)]
    for colour, left, right in zip(colours, edges, edges[1:], strict=False):
        drawn.paste(colour, (left, 0, right, size[1]))
    return drawn


def spot(side: int, size: tuple[int, int] = (WIDE, HIGH)) -> Image.Image:
    """A map that is black, with a white square."""
    drawn = Image.new("RGB", size)
    drawn.paste("white", (10, 10, 10 + side, 10 + side))
    return drawn


def tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


def painted(net: Extractor, sources: Sources, config: PhotoConfig = QUICK) -> Tensor:
    """The pixels as they are written, from 0 to 255."""
    task = prepare(sources, config, net)
    return (finish(task, last(paint(task))).pixels * 255).round()


def change(pixels: Tensor, photo: Image.Image) -> Tensor:
    """How far each column is from the photograph's."""
    return (pixels - (tensor(photo) * 255).round()).abs().mean((0, 1, 2))


LEFT, RIGHT = slice(0, WIDE // 2), slice(WIDE // 2, WIDE)


# Maps


@pytest.mark.parametrize("words", [(), ("#336699=0.5",)])
def test_a_map_of_one_colour_is_no_map(
    net: Extractor, photo: Image.Image, tissue: Image.Image, words: tuple[str, ...]
) -> None:
    plain = painted(net, Sources.of(photo, tissue))
    one = Sources.of(photo, tissue, content_map=flat("#336699"))
    assert torch.equal(painted(net, one, replace(QUICK, region=words)), plain)
    theirs = flat("#336699", size=SQUARE)
    both = Sources.of(photo, tissue, content_map=flat("#336699"), style_maps=(theirs,))
    assert torch.equal(painted(net, both), plain)


def test_regions_of_the_same_style_are_about_no_regions(
    net: Extractor, photo: Image.Image, tissue: Image.Image, fur: Image.Image
) -> None:
    config = replace(QUICK, iterations=16, strength=0.7)
    plain = painted(net, Sources.of(photo, tissue), config)
    halves = painted(net, Sources.of(photo, tissue, content_map=flat("red", "blue")), config)
    other = painted(net, Sources.of(photo, fur), config)
    assert (halves - plain).abs().mean() < 0.75 * (other - plain).abs().mean()
    assert not torch.equal(halves, plain)


def test_each_region_takes_its_own_style(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    sources = Sources.of(photo, tissue, content_map=flat("red", "blue"))
    config = replace(QUICK, region=("#f00=starry-night:1",), iterations=16, strength=1.0)
    got = painted(net, sources, config)
    mean = tensor(tissue).mean((2, 3))[0] * 255
    left, right = (got[..., side].mean((2, 3))[0] for side in (LEFT, RIGHT))
    assert (right - mean).abs().mean() < 0.6 * (left - mean).abs().mean()
    assert left[2] > left[0]  # the night is blue, the tissue red


def test_colours_of_both_maps_say_what_goes_where(net: Extractor, photo: Image.Image) -> None:
    """A painting, half yellow and half green: each half is painted where its colour is."""
    noise = np.random.default_rng(0).integers(0, 60, (80, 80, 3), dtype=np.uint8)
    noise[:, :40] += np.array([190, 190, 0], dtype=np.uint8)
    noise[:, 40:] += np.array([0, 120, 0], dtype=np.uint8)
    style, config = Image.fromarray(noise), replace(QUICK, strength=1.0, iterations=20)
    maps = (flat("red", "blue", size=(80, 80)),)

    def redness(*colours: str) -> tuple[float, float]:
        sources = Sources.of(photo, style, content_map=flat(*colours), style_maps=maps)
        got = painted(net, sources, config)[0, 0]
        return float(got[:, LEFT].mean()), float(got[:, RIGHT].mean())

    left, right = redness("red", "blue")
    assert left > 150
    assert right < 100
    left, right = redness("blue", "red")
    assert left < 100
    assert right > 150


@pytest.mark.parametrize("scale", [0.5, 3])
def test_a_map_of_another_size_is_brought_to_the_pictures(
    net: Extractor, photo: Image.Image, tissue: Image.Image, scale: float,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    config = replace(QUICK, region=("#f00=0.1",))
    same = Sources.of(photo, tissue, content_map=flat("red", "blue"))
    size = (round(WIDE * scale), round(HIGH * scale))
    bigger = replace(same, content_map=flat("red", "blue", size=size))
    assert torch.equal(painted(net, bigger, config), painted(net, same, config))
    (record,) = caplog.records
    assert "resized to it by nearest neighbour" in record.getMessage()


def test_a_map_of_other_proportions_is_refused(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    """Over 2 per cent: it belongs to another picture."""
    wide, high = tissue.size
    for what, size, picture, sides in (
        ("content map", (60, 60), "photograph", (WIDE, HIGH)),
        ("content map", (1000, round(1000 * HIGH / WIDE * 1.03)), "photograph", (WIDE, HIGH)),
        ("style map", (96, 30), "painting", (wide, high)),
    ):
        maps = {"content map": flat("red", "blue"), "style map": None}
        maps[what] = flat("red", "blue", size=size)
        style_maps = () if maps["style map"] is None else (maps["style map"],)
        sources = Sources.of(photo, tissue, content_map=maps["content map"], style_maps=style_maps)
        config = QUICK if style_maps else replace(QUICK, region=("#f00=0.1",))
        with pytest.raises(OptionError, match=r"belongs to another picture") as caught:
            prepare(sources, config, net)
        assert f"The {what} has {size[0]}×{size[1]} pixels" in str(caught.value)
        assert f"{picture} {sides[0]}×{sides[1]}" in str(caught.value)


@pytest.mark.parametrize("size", [
    (1000, round(1000 * HIGH / WIDE * 1.015)),
    (9, round(9 * HIGH / WIDE) - 1),
    (round(9 * WIDE / HIGH) - 1, 9),
])  # fmt: skip
def test_a_map_may_differ_by_a_rounding(
    net: Extractor, photo: Image.Image, tissue: Image.Image, size: tuple[int, int],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """By 2 per cent, or by a pixel, which in a tiny map is more."""
    config = replace(QUICK, region=("#f00=0.1",))
    map = flat("red", "blue", size=size)
    prepare(Sources.of(photo, tissue, content_map=map), config, net)
    assert "resized to it by nearest neighbour" in caplog.text


# Pixels that are kept


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "gd"])
@pytest.mark.parametrize("init", ["content", "noise"])
def test_kept_pixels_stay_as_they_are(
    net: Extractor, photo: Image.Image, tissue: Image.Image, optimizer: str, init: str
) -> None:
    sources = Sources.of(photo, tissue, content_map=flat("red", "blue"))
    config = replace(QUICK, region=("#00f=keep",), optimizer=optimizer, init=init, strength=1.0)
    moved = change(painted(net, sources, config), photo)
    assert moved[RIGHT].max() == 0
    assert moved[LEFT].min() > 0.3


def test_kept_pixels_stay_at_every_step_and_in_larger_results(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    sources = Sources.of(photo, tissue, content_map=flat("red", "blue"))
    config = replace(QUICK, region=("#00f=keep",), size=112, iterations=4, init="noise")
    config = replace(config, smallest=48)
    task = prepare(sources, config, net)
    for step in paint(task):
        seen = step.image()
        target = resize(tensor(photo), *seen.shape[-2:])
        half = seen.shape[-1] // 2 + 2
        assert torch.allclose(seen[..., half:], target[..., half:], atol=1e-5)
    assert seen.shape == (1, 3, 84, 112)


def test_a_kept_region_needs_no_style_and_no_colour_of_the_paintings_map(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    sources = Sources.of(
        photo,
        tissue,
        content_map=flat("red", "blue", "lime"),
        style_maps=(flat("red", "blue", size=(96, 96)),),
    )
    config = replace(QUICK, region=("#0f0=keep",))
    moved = change(painted(net, sources, config), photo)
    assert moved[-26:].max() == 0
    assert moved[:50].min() > 0.3


def test_a_kept_regions_transition_lies_outside_it(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    sources = Sources.of(photo, tissue, content_map=flat("red", "blue"))
    middle, reach = WIDE // 2, round(0.25 * WIDE / 2)
    options = {"region": ("#00f=keep",), "strength": 1.0, "init": "grey"}
    config = replace(QUICK, feather=0.25, **options)  # type: ignore[arg-type]
    moved = change(painted(net, sources, config), photo)
    assert moved[middle:].max() == 0
    hard = change(painted(net, sources, replace(config, feather=0.0)), photo)
    assert hard[middle:].max() == 0
    beside = slice(middle - reach // 2, middle)
    assert moved[beside].mean() < 0.8 * hard[beside].mean()
    assert moved[beside].min() > 0


def test_a_kept_region_that_vanishes_at_this_size_is_told(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    drawn = Image.new("RGB", (1200, 900), "red")
    drawn.paste("blue", (602, 0, 606, 900))  # between two pixels of the small picture
    config = replace(QUICK, region=("#00f=keep",))
    with pytest.raises(OptionError, match="#0000ff has no pixel left at this size"):
        prepare(Sources.of(photo, tissue, content_map=drawn), config, net)


def test_where_kept_pixels_meet_kept_colours_the_colours_are_the_photographs(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    sources = Sources.of(photo, tissue, content_map=flat("red", "blue"))
    config = replace(QUICK, feather=0.25, color="keep", strength=0.9)
    both = painted(net, sources, replace(config, region=("#00f=keep",))) / 255
    alone = painted(net, replace(sources, content_map=None), config) / 255
    wanted = to_lab(tensor(photo))[:, 1:]

    def error(pixels: Tensor) -> float:
        columns = slice(WIDE // 2 - 10, WIDE // 2)
        difference = (to_lab(pixels)[:, 1:] - wanted)[..., columns]
        return float(difference.norm(dim=1).mean())

    assert error(both) < 1.2 * error(alone) + 0.3


def test_a_region_of_strength_zero_is_the_photograph(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    sources = Sources.of(photo, tissue, content_map=flat("red", "blue"))
    config = replace(QUICK, region=("#00f=0",), tv_weight=100.0)
    moved = change(painted(net, sources, config), photo)
    assert moved[RIGHT].max() == 0
    assert moved[LEFT].min() > 0.1


def test_a_colour_typed_a_little_off_still_matches_the_paintings_map(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    theirs = flat("#e00000", "blue", size=SQUARE)
    maps = {"content_map": flat("#f00000", "blue"), "style_maps": (theirs,)}
    config = replace(QUICK, region=("#ff0000=0.4",))
    task = prepare(Sources.of(photo, tissue, **maps), config, net)
    assert [given.role for given in task.recipe.inputs][-2:] == ["content-map", "style-map"]


# Strengths


def test_each_region_has_its_own_strength(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    sources = Sources.of(photo, tissue, content_map=flat("red", "blue"))

    def moved(left: float, right: float) -> tuple[float, float]:
        region = (f"#f00={left}", f"#00f={right}")
        config = replace(QUICK, region=region, iterations=16, tv_weight=0.0)
        columns = change(painted(net, sources, config), photo)
        return float(columns[LEFT].mean()), float(columns[RIGHT].mean())

    weak, strong = moved(0.1, 0.9), moved(0.9, 0.1)
    assert weak[0] < 0.7 * strong[0]
    assert strong[1] < 0.7 * weak[1]
    assert max(moved(0.0, 0.0)) < 0.02 * 255


def test_the_rest_has_the_strength_of_the_whole(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    sources = Sources.of(photo, tissue, content_map=flat("red", "blue"))
    named = replace(QUICK, region=("#f00=0.2", "#00f=0.7"))
    rest = replace(QUICK, region=("#f00=0.2",), strength=0.7)
    assert torch.equal(painted(net, sources, named), painted(net, sources, rest))


def test_a_canvas_mask_covers_its_margin() -> None:
    mask = masks(quantise(tensor(flat("red", "blue"))), HIGH, WIDE)[:1]
    placed = mask_on(mask, 30, 40)
    assert placed.shape == with_margin(torch.zeros(1, 3, 30, 40))[:, :1].shape
    assert bool(((placed == 0) | (placed == 1)).all())
    assert placed.mean() == pytest.approx(0.5)


# Regions that are too small


def test_a_region_too_small_for_a_deep_layer_is_told_and_painted(
    net: Extractor, photo: Image.Image, tissue: Image.Image, caplog: pytest.LogCaptureFixture
) -> None:
    sources = Sources.of(photo, tissue, content_map=spot(18))
    with caplog.at_level(logging.WARNING, "impasto"):
        got = painted(net, sources, replace(QUICK, strength=0.9))
    assert re_search(caplog, "#ffffff is too small for relu4_1, relu5_1")
    assert "#000000" not in caplog.text
    inside = (got - tensor(photo) * 255)[..., 12:26, 12:26].abs().mean()
    assert inside > 3


def re_search(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return any(words in record.getMessage() for record in caplog.records)


def test_a_region_that_no_layer_sees_is_refused(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    sources = Sources.of(photo, tissue, content_map=spot(16))
    config = replace(QUICK, style_layers=("relu4_1",))
    with pytest.raises(OptionError, match="#ffffff has 256 pixels at this size, too few"):
        prepare(sources, config, net)
    prepare(sources, replace(config, region=("#fff=keep",)), net)


def test_a_region_that_vanishes_at_the_first_scale_comes_back_later(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    sources = Sources.of(photo, tissue, content_map=spot(20))
    config = replace(QUICK, size=128, smallest=32, iterations=8, style_layers=("relu4_1",))
    assert len(scale_schedule(128, 32)) > 2
    steps = list(paint(prepare(sources, config, net)))
    assert steps[-1].image().isfinite().all()


# What contradicts


@pytest.mark.parametrize(
    ("more", "options", "message"),
    [
        ({}, {"region": ("#f00=keep",)}, "give that map"),
        ({"style_maps": (flat("red"),)}, {}, "give both"),
        (
            {"content_map": flat("red", "blue"), "style_maps": (flat("red", "blue"),) * 2},
            {},
            "There are 1 styles and 2 style maps",
        ),
        (
            {"content_map": flat("red", "blue"), "style_maps": (flat("red", "lime", size=SQUARE),)},
            {},
            r"#0000ff is in the content's map only and #00ff00 is in the style's map only",
        ),
        (
            {"content_map": flat("red", "blue")},
            {"region": ("#0f0=keep",)},
            "no region of its own for #00ff00: its colours are .*#ff0000",
        ),
        (
            {"content_map": flat("red", "blue")},
            {"region": ("#f00=keep", "#00f=keep")},
            "nothing to paint",
        ),
        ({"content_map": flat("red")}, {"region": ("#f00=keep",)}, "nothing to paint"),
        (
            {"content_map": Image.fromarray(data.astronaut()).resize((80, 60))},
            {},
            "not a map of regions",
        ),
    ],
)
def test_what_contradicts_is_one_message(
    net: Extractor, photo: Image.Image, tissue: Image.Image,
    more: dict[str, object], options: dict[str, object], message: str,
) -> None:  # fmt: skip
    with pytest.raises(OptionError, match=message):
        prepare(Sources.of(photo, tissue, **more), replace(QUICK, **options), net)  # type: ignore[arg-type]


def test_every_colour_needs_a_style(net: Extractor, photo: Image.Image) -> None:
    sources = Sources.of(photo, content_map=flat("red", "blue", "lime"))
    config = replace(QUICK, region=("#f00=starry-night",))
    with pytest.raises(OptionError, match="for which there is no style") as refusal:
        prepare(sources, config, net)
    assert "#0000ff" in str(refusal.value)
    assert "#00ff00" in str(refusal.value)
    assert "#ff0000" not in str(refusal.value)
    rest = ("#f00=starry-night", "#00f=keep", "#0f0=great-wave")
    prepare(sources, replace(config, region=(rest[0], rest[1], "#0f0=starry-night")), net)
    with pytest.raises(OptionError, match="nothing to paint with"):
        prepare(Sources.of(photo), QUICK, net)


def test_a_card_has_no_parts_to_choose(net: Extractor, photo: Image.Image) -> None:
    maps = flat("red", "blue")
    sources = Sources.of(photo, "starry-night", content_map=maps, style_maps=(maps,))
    with pytest.raises(OptionError, match="'starry-night' is a style card"):
        prepare(sources, QUICK, net)
    painted(net, replace(sources, style_maps=()), replace(QUICK, iterations=2))


def test_several_styles_have_a_map_each(
    net: Extractor, photo: Image.Image, tissue: Image.Image, fur: Image.Image
) -> None:
    content = flat("red", "blue")
    maps = (flat("red", "blue", size=(96, 96)), flat("blue", "red", size=(96, 64)))
    sources = Sources.of(photo, tissue, fur, content_map=content, style_maps=maps)
    task = prepare(sources, replace(QUICK, iterations=2), net)
    roles = [given.role for given in task.recipe.inputs]
    assert roles.count("style-map") == 2
    swapped = replace(sources, style_maps=(maps[0], flat("red", "blue", size=(96, 64))))
    assert not torch.equal(painted(net, sources), painted(net, swapped))


def test_regions_can_be_given_to_the_method_itself(
    net: Extractor, photo: Image.Image, tissue: Image.Image
) -> None:
    mask = torch.zeros(1, 1, HIGH, WIDE)
    mask[..., LEFT] = 1
    regions = [Region(Painting(tensor(tissue)), 0.9, mask), Region(None, 0.0, 1 - mask)]
    config = replace(QUICK, iterations=3)
    step: Step = last(gatys(tensor(photo), None, config, regions=regions, extractor=net))
    assert torch.equal(step.image()[..., RIGHT], tensor(photo)[..., RIGHT])
    with pytest.raises(OptionError, match="nothing to paint with"):
        next(gatys(tensor(photo), None, config, extractor=net))
