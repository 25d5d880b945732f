"""What each weight of the objective does, and how colours and strokes are told to a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor
from whole import distance_of

from impasto.config.bases import PhotoConfig
from impasto.config.methods import GatysConfig
from impasto.engine.canvas import with_margin
from impasto.engine.photograph import Canvas
from impasto.engine.pixel_terms import PixelWeights, pixel_terms
from impasto.engine.regions import Region
from impasto.engine.step import Step, last
from impasto.engine.terms import style_weight
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.image.color import to_lab
from impasto.image.picture import Picture
from impasto.losses.moments import Moments
from impasto.losses.objective import PIXELS
from impasto.losses.tiled_losses import laplacian_distance
from impasto.methods.gatys import gatys
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import finish, paint
from impasto.styles.statistics import Painting

QUICK = GatysConfig(size=80, smallest=80, iterations=8, precision="float32")


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.fromarray(data.astronaut()[:384]).resize((80, 60))


@pytest.fixture(scope="module")
def tissue() -> Image.Image:
    return Image.fromarray(data.immunohistochemistry()).resize((80, 80))


def tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None].float() / 255


@pytest.fixture(scope="module")
def photo(portrait: Image.Image) -> Tensor:
    return tensor(portrait)


@pytest.fixture(scope="module")
def style(tissue: Image.Image) -> Painting:
    return Painting(tensor(tissue))


def run(photo: Tensor, style: Painting, net: Extractor, **options: object) -> list[Step]:
    config = replace(QUICK, **options)  # type: ignore[arg-type]
    return list(gatys(photo, style, config, extractor=net))


# Weights


def test_a_layers_weight_counts(photo: Tensor, style: Painting, net: Extractor) -> None:
    """With all the weight on one layer, the style is that layer's."""

    def losses(*layers: str) -> list[float]:
        steps = run(photo, style, net, style_layers=layers, iterations=4)
        return [step.losses["style"] for step in steps]

    even = losses("relu1_1", "relu3_1")
    assert losses("relu1_1:3", "relu3_1:3") == pytest.approx(even, rel=1e-3)
    fine, coarse = losses("relu1_1:1e6", "relu3_1"), losses("relu1_1", "relu3_1:1e6")
    assert fine == pytest.approx(losses("relu1_1"), rel=0.02)
    assert coarse == pytest.approx(losses("relu3_1"), rel=0.02)
    assert fine[-1] != pytest.approx(coarse[-1], rel=0.05)


def test_a_content_layers_weight_counts(photo: Tensor, style: Painting, net: Extractor) -> None:
    def content(*layers: str) -> float:
        options = {"content_layers": layers, "detail_weight": 0.0}
        return run(photo, style, net, **options)[-1].losses["content"]

    alone = {name: content(name) for name in ("relu1_1", "relu4_1")}
    for one, other in (("relu1_1", "relu4_1"), ("relu4_1", "relu1_1")):
        assert content(f"{one}:1e6", other) == pytest.approx(alone[one], rel=0.005)
    assert alone["relu1_1"] != pytest.approx(alone["relu4_1"], rel=0.02)


def test_style_and_content_weights_pull_their_way(
    photo: Tensor, style: Painting, net: Extractor
) -> None:
    plain = run(photo, style, net, iterations=16)[-1].losses
    styled = run(photo, style, net, iterations=16, style_weight=10.0)[-1].losses
    held = run(photo, style, net, iterations=16, content_weight=30.0)[-1].losses
    assert styled["content"] > plain["content"] > held["content"]
    assert held["style"] > plain["style"]
    assert "style" not in run(photo, style, net, iterations=1, style_weight=0.0)[-1].losses
    assert "content" not in run(photo, style, net, iterations=1, content_weight=0.0)[-1].losses


def test_the_laplacian_keeps_lines(photo: Tensor, style: Painting, net: Extractor) -> None:
    def kept(weight: float, pool: int) -> float:
        options = {"laplacian_weight": weight, "laplacian_pool": pool, "iterations": 16}
        image = run(photo, style, net, **options)[-1].image()
        return float(distance_of(laplacian_distance(photo, pool), {PIXELS: image}))

    for pool in (1, 4):
        assert kept(30.0, pool) < 0.6 * kept(0.0, pool)


def test_l2_holds_the_photographs_pixels(photo: Tensor, style: Painting, net: Extractor) -> None:
    def moved(weight: float) -> float:
        image = run(photo, style, net, l2_weight=weight, iterations=16)[-1].image()
        return float((image - photo).square().mean())

    assert moved(300.0) < 0.5 * moved(0.0)


def test_what_weighs_nothing_is_not_computed(
    photo: Tensor, style: Painting, net: Extractor
) -> None:
    assert set(run(photo, style, net, iterations=1)[0].losses) == {
        "content", "detail", "style", "tv", "total",
    }  # fmt: skip
    several = run(photo, style, net, iterations=1, l2_weight=1.0, laplacian_weight=1.0)
    assert {"l2", "laplacian"} <= set(several[0].losses)
    assert "tv" not in run(photo, style, net, iterations=1, tv_weight=0.0)[0].losses
    assert "detail" not in run(photo, style, net, iterations=1, detail_weight=0.0)[0].losses


def test_strength_is_even_in_the_middle_and_monotonous() -> None:
    weights = [style_weight(s) for s in (0.0, 0.2, 0.5, 0.8, 0.99)]
    assert weights == sorted(weights)
    assert weights[0] == 0
    assert weights[2] == 1
    assert weights[1] * weights[3] == pytest.approx(1)


# Strokes


@dataclass(frozen=True)
class Spy:
    """A style that remembers the sizes at which it was asked for."""

    style: Painting
    asked: list[int] = field(default_factory=list)

    def at(
        self, long_side: int, extractor: Extractor, layers: Sequence[str]
    ) -> Mapping[str, Moments]:
        self.asked.append(long_side)
        return self.style.at(long_side, extractor, layers)


@pytest.mark.parametrize("stroke", [0.5, 1.0, 2.0])
def test_the_painting_is_seen_as_large_as_the_result_times_the_stroke(
    photo: Tensor, style: Painting, net: Extractor, stroke: float
) -> None:
    spy = Spy(style)
    config = replace(QUICK, size=96, smallest=48, stroke=stroke, iterations=3)
    steps = list(gatys(photo, spy, config, extractor=net))
    sides = list(dict.fromkeys(max(s.width, s.height) for s in steps))
    assert len(sides) == 2
    assert spy.asked == [round(side * stroke) for side in sides]


def test_a_larger_stroke_is_another_picture_and_in_the_recipe(
    portrait: Image.Image, net: Extractor
) -> None:
    large = Image.fromarray(data.immunohistochemistry()).resize((320, 320))
    config = replace(QUICK, size=80)
    pictures = []
    for stroke in (0.5, 1.0):
        task = prepare(Sources.of(portrait, large), replace(config, stroke=stroke), net)
        assert task.recipe.config["stroke"] == stroke
        pictures.append(last(paint(task)).image())
    assert (pictures[0] - pictures[1]).abs().mean() > 0.01


def test_epochs_of_steps_are_so_many_iterations(
    photo: Tensor, style: Painting, net: Extractor
) -> None:
    usual = GatysConfig.iterations
    steps = run(photo, style, net, smallest=40, epochs=3, steps=5, iterations=usual)
    assert len(steps) == 15


# Colours


def painted(net: Extractor, sources: Sources, **options: object) -> Picture:
    config = replace(QUICK, strength=0.8, **options)  # type: ignore[arg-type]
    task = prepare(sources, config, net)
    return finish(task, last(paint(task)))


def chroma(pixels: Tensor) -> Tensor:
    return to_lab(pixels)[:, 1:]


def test_kept_colours_are_the_photographs(
    tissue: Image.Image, photo: Tensor, net: Extractor
) -> None:
    # Muted, so that few of its colours are beyond what a screen can show at another lightness.
    muted = 0.5 + 0.3 * (photo - 0.5)
    grey = Image.fromarray((muted[0].permute(1, 2, 0) * 255).round().byte().numpy())
    sources = Sources.of(grey, tissue)
    free, kept = (painted(net, sources, color=mode).pixels for mode in ("style", "keep"))
    target = chroma(tensor(grey))
    apart = [float((chroma(p) - target).abs().mean()) for p in (free, kept)]
    assert apart[1] < 0.15 * apart[0]
    # Its lightness is painted: as far from the photograph's as without.
    light = [float((to_lab(p)[:, 0] - to_lab(muted)[:, 0]).abs().mean()) for p in (free, kept)]
    assert light[1] > 0.7 * light[0]


def test_a_matched_painting_gives_the_photographs_colours(
    portrait: Image.Image, photo: Tensor, net: Extractor
) -> None:
    noise = np.random.default_rng(0).integers(0, 80, (80, 80, 3)) + np.array([170, 10, 10])
    red = Image.fromarray(noise.astype(np.uint8))
    sources = Sources.of(portrait, red)
    plain = painted(net, sources, color="style").pixels.mean((2, 3))
    for how in ("symmetric", "cholesky", "pca"):
        mean = painted(net, sources, color="match", match=how).pixels.mean((2, 3))
        wanted = photo.mean((2, 3))
        assert (mean - wanted).abs().mean() < 0.4 * (plain - wanted).abs().mean(), how


def test_a_card_has_no_colours_to_match(portrait: Image.Image, net: Extractor) -> None:
    with pytest.raises(OptionError, match="style card has only statistics"):
        prepare(Sources.of(portrait, "starry-night"), replace(QUICK, color="match"), net)
    prepare(Sources.of(portrait, "starry-night"), replace(QUICK, color="keep"), net)


def test_a_grey_photograph_can_be_painted(
    portrait: Image.Image, tissue: Image.Image, net: Extractor
) -> None:
    def colourful(mode: str) -> float:
        pixels = painted(net, Sources.of(portrait.convert("L"), tissue), color=mode).pixels
        assert pixels.isfinite().all()
        return float((pixels.amax(1) - pixels.amin(1)).mean())

    style = colourful("style")
    assert style > 0.03
    assert colourful("match") < 0.7 * style
    assert colourful("keep") < 0.005


@pytest.mark.parametrize(
    ("color", "level"),
    [("style", 0), ("style", 255), ("keep", 0), ("keep", 128), ("match", 0), ("match", 255)],
)
def test_flat_pictures_can_be_painted(
    tissue: Image.Image, net: Extractor, color: str, level: int
) -> None:
    flat = Image.new("RGB", (80, 60), (level,) * 3)
    for sources in (Sources.of(flat, tissue), Sources.of(tissue, flat)):
        config: PhotoConfig = replace(QUICK, color=color, iterations=3)
        task = prepare(sources, config, net)
        assert finish(task, last(paint(task))).pixels.isfinite().all()


def halves(*colours: str) -> Image.Image:
    drawn = Image.new("RGB", (80, 60), colours[0])
    drawn.paste(colours[1], (40, 0, 80, 60))
    return drawn


def test_each_region_has_its_own_colours(
    portrait: Image.Image, tissue: Image.Image, photo: Tensor, net: Extractor
) -> None:
    sources = Sources.of(portrait, tissue, content_map=halves("red", "blue"))

    def apart(**options: object) -> tuple[float, float]:
        pixels = painted(net, sources, feather=0.0, iterations=16, **options).pixels
        columns = (chroma(pixels) - chroma(photo)).abs().mean((0, 1, 2))
        return float(columns[:40].mean()), float(columns[40:].mean())

    free, all_kept = apart(), apart(color="keep")
    left_kept, right_free = apart(region=("#f00=color=keep",))
    assert left_kept == pytest.approx(all_kept[0], rel=0.5)
    assert left_kept < 0.5 * free[0]
    assert right_free > 2 * all_kept[1]
    left_free, right_kept = apart(region=("#f00=color=style",), color="keep")
    assert left_free > 2 * all_kept[0]
    assert right_kept < 0.5 * free[1]


def test_a_region_is_matched_to_itself(net: Extractor) -> None:
    """One half gets the painting in its own colours, not in the whole photograph's."""
    two = halves("#c02020", "#2020c0")
    noise = np.random.default_rng(1).integers(-20, 20, (60, 80, 3))
    shot = Image.fromarray((np.array(two) + noise).clip(0, 255).astype(np.uint8))
    grain = np.random.default_rng(2).integers(0, 90, (80, 80, 3)) + np.array([0, 150, 0])
    green = Image.fromarray(grain.astype(np.uint8))
    sources = Sources.of(shot, green, content_map=halves("red", "blue"))
    region = ("#f00=color=match",)
    pixels = painted(net, sources, region=region, feather=0.0, iterations=45).pixels
    left, right = (pixels[..., s].mean((0, 2, 3)) for s in (slice(0, 40), slice(40, 80)))
    assert left[0] > left[1] + 0.2
    assert left[0] > left[2] + 0.2
    assert right[1] > left[1] + 0.1


# Where the photograph counts


def two_sides(style: Painting | None, strength: float, other: float) -> list[Region]:
    left = torch.zeros(1, 1, 60, 80)
    left[..., :40] = 1
    return [Region(style, strength, left, "left"), Region(style, other, 1 - left, "right")]


def test_only_regions_that_hold_the_photograph_get_its_detail(
    photo: Tensor, style: Painting
) -> None:
    kept = [Region(None, 0.0, two_sides(style, 1, 1)[0].mask), two_sides(style, 1.0, 1.0)[1]]
    held = Canvas.of(photo, kept).content_weight
    assert held is not None
    assert float(held.max()) == 0
    held = Canvas.of(photo, two_sides(style, 0.5, 1.0)).content_weight
    assert held is not None
    assert float(held[:, :38].min()) == 1
    assert float(held[:, 42:].max()) == 0
    assert Canvas.of(photo, two_sides(style, 0.5, 0.7)).content_weight is None


@pytest.mark.parametrize("option", ["tv_weight", "l2_weight", "laplacian_weight"])
def test_pixel_losses_count_where_their_regions_are(
    option: str, photo: Tensor, style: Painting
) -> None:
    """The total variation not where the photograph stays, distances to it not where it goes."""
    strengths = (0.0, 0.5) if option == "tv_weight" else (1.0, 0.5)
    config = replace(QUICK, **{"tv_weight": 0.0, option: 1.0})  # type: ignore[arg-type]
    regions = Canvas.of(photo, two_sides(style, *strengths)).regions
    (term,) = pixel_terms(
        with_margin(photo), config, weights=PixelWeights.of(regions, with_margin(photo))
    )
    image = torch.rand(1, 3, 76, 96, requires_grad=True)
    (gradient,) = torch.autograd.grad(distance_of(term.distance, {PIXELS: image}), image)
    assert float(gradient[..., :40].abs().max()) == 0
    assert float(gradient[..., 56:].abs().max()) > 0
