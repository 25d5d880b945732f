"""Several styles as one: shares, layers, and what of them reaches a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

import impasto
from impasto.config.bases import PhotoConfig
from impasto.config.methods import METHODS, GatysConfig
from impasto.config.specs import StyleSpec
from impasto.engine.step import last
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.image.picture import fit
from impasto.losses.gaussians import barycentre
from impasto.losses.moments import Moments
from impasto.losses.statistics import lift_of
from impasto.methods.gatys import gatys
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import paint
from impasto.styles import card as cards
from impasto.styles import gallery
from impasto.styles.blend import Blend, Share
from impasto.styles.statistics import Painting, Style

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
FINE, COARSE = LAYERS[:3], LAYERS[3:]
QUICK = GatysConfig(size=64, smallest=64, iterations=6, precision="float32")


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


def small(pixels: object, side: int) -> Tensor:
    return fit(torch.as_tensor(pixels).permute(2, 0, 1)[None].float() / 255, side)


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return small(data.astronaut()[:384], 64)


@pytest.fixture(scope="module")
def tissue() -> Painting:
    return Painting(small(data.immunohistochemistry()[:400], 96))


@pytest.fixture(scope="module")
def fur() -> Painting:
    return Painting(small(data.chelsea(), 96))


def look(style: Style, net: Extractor) -> Mapping[str, Moments]:
    return style.at(96, net, LAYERS)


def same(a: Moments, b: Moments, tolerance: float = 1e-4) -> bool:
    apart = (a.second - b.second).norm() / b.second.norm()
    return bool(apart < tolerance and (a.mean - b.mean).norm() < tolerance * b.mean.norm())


def test_a_blend_of_a_style_with_itself_is_that_style(tissue: Painting, net: Extractor) -> None:
    blended = look(Blend((Share(tissue, 0.3), Share(tissue, 0.7))), net)
    plain = look(tissue, net)
    assert set(blended) == set(LAYERS)
    for name in LAYERS:
        assert same(blended[name], plain[name]), name


def test_a_weight_of_zero_leaves_a_style_out(
    tissue: Painting, fur: Painting, net: Extractor
) -> None:
    class Unread:
        def at(self, *_: object) -> Mapping[str, Moments]:
            raise AssertionError("a style without a weight is not even measured")

    plain = look(tissue, net)
    blended = look(Blend((Share(Unread(), 0.0), Share(tissue, 0.2))), net)
    for name in LAYERS:
        assert torch.equal(blended[name].second, plain[name].second)
        assert torch.equal(blended[name].mean, plain[name].mean)
    mixed = look(Blend((Share(fur, 0.2), Share(tissue, 0.2))), net)
    assert not any(same(mixed[name], plain[name], 0.02) for name in LAYERS)


def test_a_blend_is_the_barycentre_by_weight(
    tissue: Painting, fur: Painting, net: Extractor
) -> None:
    blended = look(Blend((Share(tissue, 3.0), Share(fur, 1.0))), net)
    for name in LAYERS:
        parts = [look(tissue, net)[name], look(fur, net)[name]]
        assert same(blended[name], barycentre(parts, (0.75, 0.25), lift_of(net, name)))


def test_the_order_of_styles_does_not_matter(
    tissue: Painting, fur: Painting, net: Extractor
) -> None:
    shares = (Share(tissue, 0.6), Share(fur, 0.4, "fine"), Share(fur, 0.1, "coarse"))
    one, other = look(Blend(shares), net), look(Blend(shares[::-1]), net)
    for name in LAYERS:
        assert same(one[name], other[name], 1e-3)


def test_fine_layers_take_one_style_and_coarse_ones_the_other(
    tissue: Painting, fur: Painting, net: Extractor
) -> None:
    blended = look(Blend((Share(tissue, 0.2, "coarse"), Share(fur, 5.0, "fine"))), net)
    for names, style in ((FINE, fur), (COARSE, tissue)):
        for name in names:
            assert torch.equal(blended[name].second, look(style, net)[name].second), name


def test_layers_are_fine_or_coarse_by_their_depth_not_by_how_they_were_listed(
    tissue: Painting, net: Extractor
) -> None:
    blend = Blend((Share(tissue, layers="fine"),))
    assert set(blend.at(96, net, LAYERS)) == set(FINE)
    assert set(blend.at(96, net, LAYERS[::-1])) == set(FINE)


def test_fine_and_coarse_are_halves_of_the_run_not_of_what_is_asked(
    tissue: Painting, fur: Painting, net: Extractor
) -> None:
    blend = Blend((Share(tissue, layers="coarse"), Share(fur, layers="fine")), tuple(LAYERS))
    assert set(blend.at(96, net, COARSE[:1])) == {COARSE[0]}
    deep = blend.at(96, net, COARSE[:1])[COARSE[0]]
    assert torch.equal(deep.second, look(tissue, net)[COARSE[0]].second)


def test_all_weights_zero_is_refused(tissue: Painting, fur: Painting) -> None:
    with pytest.raises(OptionError, match="All styles have the weight 0"):
        Blend((Share(tissue, 0.0), Share(fur, 0.0)))


def test_a_style_that_knows_nothing_of_a_layer_is_left_out_there(
    tissue: Painting, fur: Painting, net: Extractor
) -> None:
    mask = torch.zeros(1, 1, 24, 24)
    mask[..., :8, :8] = 1  # at relu5_1, a sixteenth of the size, that is too little to say anything
    tiny = replace(fur, mask=mask)
    assert "relu5_1" not in look(tiny, net)
    blended = look(Blend((Share(tiny), Share(tissue))), net)
    assert torch.equal(blended["relu5_1"].second, look(tissue, net)["relu5_1"].second)
    assert not same(blended["relu1_1"], look(tissue, net)["relu1_1"], 0.02)


# In a picture


def test_a_blend_is_between_its_styles(
    photo: Tensor, tissue: Painting, fur: Painting, net: Extractor
) -> None:
    config = replace(QUICK, strength=0.9, iterations=20)

    def colour(weight: float) -> Tensor:
        style = Blend((Share(tissue, 1 - weight), Share(fur, weight)))
        return last(gatys(photo, style, config, extractor=net)).image().mean((2, 3))

    ends, middle = (colour(0.0), colour(1.0)), colour(0.5)
    execution = (ends[1] - ends[0])[0]
    along = float((middle - ends[0])[0] @ execution / execution.square().sum())
    assert 0.25 < along < 0.75


@pytest.fixture
def files(folder: Path) -> Path:
    Image.fromarray(np.asarray(data.chelsea())).resize((90, 60)).save("fur.png")
    return folder


@pytest.mark.usefixtures("files")
def test_files_cards_and_names_can_be_blended_and_each_is_in_the_recipe() -> None:
    names = ["painting.png:0.25:fine", "starry-night:0.5", "fur.png"]
    task = prepare(Sources.of("photo.png", *names), replace(QUICK, iterations=2))
    last(paint(task))
    styles = [(given.name, given.use) for given in task.recipe.of("style")]
    assert styles == [("painting.png", ":0.25:fine"), ("starry-night", ":0.5"), ("fur.png", "")]


@pytest.mark.usefixtures("files")
def test_one_style_of_any_weight_is_the_same_picture() -> None:
    quick = {"size": 64, "smallest": 64, "iterations": 3}
    plain = impasto.stylize("photo.png", "painting.png", **quick)  # type: ignore[arg-type]
    for style in ("painting.png:0.2", StyleSpec("painting.png", 7.0)):
        heavy = impasto.stylize("photo.png", style, **quick)  # type: ignore[arg-type]
        assert heavy.tobytes() == plain.tobytes()
    several = ["painting.png", "fur.png:0"]
    assert impasto.stylize("photo.png", several, **quick).tobytes() == plain.tobytes()  # type: ignore[arg-type]
    half = impasto.stylize("photo.png", ["painting.png", "fur.png"], **quick)  # type: ignore[arg-type]
    assert half.tobytes() != plain.tobytes()


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("styles", [("painting.png:0",), ("painting.png:0", "fur.png:0")])
def test_a_run_of_styles_without_weight_is_refused(styles: tuple[str, ...]) -> None:
    with pytest.raises(OptionError, match="All styles have the weight 0"):
        prepare(Sources.of("photo.png", *styles), QUICK)


def test_cards_are_blended_on_any_network_of_theirs(net: Extractor) -> None:
    style = Blend(tuple(Share(cards.load(gallery.path(n))) for n in gallery.names()[:2]))
    assert set(style.at(256, net, LAYERS)) == set(LAYERS)


@pytest.mark.parametrize("method", ["gatys", "nnst", "mrf"])
@pytest.mark.parametrize("names", [("painting.png:fine",), ("painting.png:coarse", "photo.png")])
def test_every_method_paints_with_several_styles_and_with_parts_of_one(
    folder: Path, method: str, names: tuple[str, ...]
) -> None:
    kind = METHODS[method].config
    assert issubclass(kind, PhotoConfig)
    config = kind(size=64, smallest=48, iterations=2)
    steps = list(paint(prepare(Sources.of(str(folder / "photo.png"), *names), config)))
    assert steps[-1].losses["style"] > 0
