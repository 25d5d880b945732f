"""Doodles: from a map of colours to a picture, by the method, from Python and by the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from commands import pixels, recipe_of
from impasto import OptionError
from impasto.api import doodle as painted
from impasto.cli.main import main
from impasto.config.methods import DoodleConfig
from impasto.engine.regions import Region, region_views
from impasto.engine.semantic_patches import semantic_engine
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.losses.viewer import Viewer
from impasto.methods.doodle import _without_edges, doodle
from impasto.styles.statistics import Painting

ENGINES = ("patches", "statistics")
pytestmark = pytest.mark.usefixtures("scene")

QUICK = ["--size", "64", "--smallest", "64", "--iterations", "4"]
RED, BLUE = "#ff0000", "#0000ff"


@pytest.fixture
def scene(folder: Path) -> Path:
    """A painting, reddish stripes on the left and bluish noise on the right, with its map.

    The scene has red below and blue above.
    """
    rng = np.random.default_rng(3)
    left = np.full((48, 32, 3), (200, 60, 40), float)
    left[::6] = [250, 220, 60]
    right = rng.integers(0, 90, (48, 32, 1)) + np.array([20, 40, 160])
    Image.fromarray(np.concatenate([left, right], 1).astype(np.uint8)).save("painting.png")
    _map("painting-map.png", (64, 48), BLUE, (0, 0, 31, 47))
    _map("scene.png", (64, 40), BLUE, (0, 20, 63, 39))
    return folder


def _map(name: str, size: tuple[int, int], ground: str, box: tuple[int, ...]) -> None:
    image = Image.new("RGB", size, ground)
    ImageDraw.Draw(image).rectangle(box, fill=RED)
    image.save(name)


def draw(*args: str, out: str = "out.png") -> int:
    named = ["--map", "scene.png", "--style", "painting.png", "--style-map", "painting-map.png"]
    return main(["doodle", *named, *QUICK, "-o", out, *args])


def regions_of(picture: Tensor) -> list[Region]:
    """Left and right of a painting, below and above in the scene."""
    left = torch.zeros(1, 1, *picture.shape[-2:])
    left[..., : picture.shape[-1] // 2] = 1
    below = torch.zeros(1, 1, 48, 64)
    below[..., 24:, :] = 1
    return [
        Region(Painting(picture, left), 1.0, below),
        Region(Painting(picture, 1 - left), 1.0, 1 - below),
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_each_colour_becomes_the_part_of_the_painting_that_has_it(engine: str) -> None:
    assert draw("--engine", engine, "--iterations", "30") == 0
    got = pixels("out.png").astype(float)
    assert got.shape == (40, 64, 3)
    above, below = got[:16].mean((0, 1)), got[24:].mean((0, 1))
    assert below[0] > below[2] + 40
    assert above[2] > above[0] + 40
    # The stripes come as well.
    assert got[24:, :, 1].std() > 25


@pytest.mark.parametrize("engine", ENGINES)
def test_a_doodle_repeats_by_its_recipe(engine: str) -> None:
    assert draw("--engine", engine, "--seed", "5") == 0
    recipe = recipe_of("out.png")
    assert recipe.method == "doodle"
    assert [given.role for given in recipe.inputs] == ["content-map", "style", "style-map"]
    assert main(["rerun", "out.png", "-o", "again.png"]) == 0
    assert np.array_equal(pixels("out.png"), pixels("again.png"))
    assert draw("--engine", engine, "--seed", "6", out="other.png") == 0
    assert not np.array_equal(pixels("out.png"), pixels("other.png"))


def test_the_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert draw("--json", "-q", "--trace", "run.jsonl", "--preview-every", "2") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["width"], told["height"]) == (64, 40)
    steps = [json.loads(line) for line in Path("run.jsonl").read_text("utf-8").splitlines()]
    assert len([step for step in steps if "losses" in step]) == told["iterations"]


def test_from_python_as_from_the_command() -> None:
    assert draw() == 0
    options: dict[str, Any] = {"size": 64, "smallest": 64, "iterations": 4}
    picture = painted("scene.png", Image.open("painting.png"), "painting-map.png", **options)
    assert np.array_equal(np.asarray(picture), pixels("out.png"))
    assert json.loads(picture.info["impasto"])["method"] == "doodle"


def test_steps_count_every_scale_and_round(picture: Tensor, compact: Extractor) -> None:
    config = DoodleConfig(size=64, smallest=32, iterations=12, engine="patches")
    steps = list(doodle(regions_of(picture), config, height=48, width=64, extractor=compact))
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(1)
    assert (steps[-1].width, steps[-1].height) == (64, 48)
    assert steps[-1].image().shape == (1, 3, 48, 64)
    assert {step.scales for step in steps} == {steps[-1].scale}


def test_maps_decide_what_patches_are_taken(picture: Tensor) -> None:
    # The scene is the painting itself, whose two halves are exchanged in the map.
    eye = load("compact")
    left = torch.zeros(1, 1, 48, 64)
    left[..., :32] = 1

    def distances(weight: float) -> list[float]:
        engine = semantic_engine(DoodleConfig(style_layers=("relu3_1",), map_weight=weight))
        halves = [Region(Painting(picture, m), 1.0, 1 - m) for m in (left, 1 - left)]
        view = Viewer(eye, engine.layers).view(picture)
        comparison = engine.compare(list(region_views(halves, 64, eye, None, view)))
        found = comparison.measure(view.measure(comparison.measurements))
        return [float(distance) for distance in found["patches relu3_1"]]

    # What looks the same is there at a distance of nought: until the maps forbid to take it.
    assert max(distances(0.0)) < 0.3 * min(distances(100.0))


def test_deep_layers_do_not_see_across_the_edge_of_a_region() -> None:
    # A plain half whose edge is striped: the stripes are no part of what the plain looks like.
    eye = load("compact")
    painting = torch.full((1, 3, 96, 96), 0.5)
    painting[..., 48:] = (torch.arange(48) % 8 < 4).float()
    plain = torch.zeros(1, 1, 96, 96)
    plain[..., :48] = 1
    view = Viewer(eye, ("relu3_1",)).view(painting)
    (area,) = region_views([Region(Painting(painting, plain), 1.0, plain)], 96, eye, None, view)
    inside = _without_edges(area).region.style
    assert inside is not None
    flat = Painting(torch.full((1, 3, 96, 96), 0.5)).at(96, eye, ["relu3_1"])["relu3_1"]
    far = inside.at(96, eye, ["relu3_1"])["relu3_1"]
    near = area.region.style.at(96, eye, ["relu3_1"])["relu3_1"]  # type: ignore[union-attr]
    assert (far.mean - flat.mean).norm() < 0.5 * (near.mean - flat.mean).norm()


def _refused(capsys: pytest.CaptureFixture[str], status: int, *args: str) -> str:
    assert draw(*args) == status
    told = capsys.readouterr().err.strip()
    assert len(told.splitlines()) == 1, told
    assert not Path("out.png").exists()
    return told


def test_colours_without_a_counterpart_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    _map("scene.png", (64, 40), "#00ff00", (0, 20, 63, 39))
    told = _refused(capsys, 2)
    assert "#00ff00" in told
    assert BLUE in told


def test_a_photograph_is_no_map(capsys: pytest.CaptureFixture[str]) -> None:
    assert "not a map" in _refused(capsys, 2, "--map", "photo.png")


def test_a_style_card_is_no_painting(capsys: pytest.CaptureFixture[str]) -> None:
    told = _refused(capsys, 2, "--style", "starry-night")
    assert "style card" in told
    assert "starry-night" in told


def test_a_map_too_thin_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    _map("scene.png", (400, 20), BLUE, (0, 0, 200, 19))
    assert "400×20" in _refused(capsys, 1)


def test_a_region_too_small_to_be_seen_is_refused() -> None:
    scene = Image.new("RGB", (640, 640), BLUE)
    ImageDraw.Draw(scene).rectangle((0, 0, 19, 19), fill=RED)
    style = Image.new("RGB", (64, 64), BLUE)
    style.paste((255, 0, 0), (0, 0, 32, 64))
    with pytest.raises(OptionError, match=r"#ff0000 has 4 pixels"):
        painted(scene, style, style, size=64, smallest=64, iterations=1)


def test_all_three_pictures_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doodle", "--map", "scene.png", "--style", "painting.png"]) == 2
    assert "--style-map" in capsys.readouterr().err
