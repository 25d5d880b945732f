"""The whole job: files in, a picture with its recipe out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

import impasto
from impasto import GatysConfig, OptionError, PictureError, StyleError, WeightsError
from impasto.engine.step import last
from impasto.features.sources import digest
from impasto.features.weights import load
from impasto.painting.cards import make_card
from impasto.painting.inputs import read_picture, read_style
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import finish, paint
from impasto.styles import card as cards
from impasto.styles.statistics import Painting

QUICK = GatysConfig(size=64, smallest=64, iterations=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph, the same one with an alpha channel, and a painting."""
    path = tmp_path_factory.mktemp("pictures")
    photo = Image.fromarray(data.astronaut()[:384]).resize((120, 90))
    photo.save(path / "photo.png")
    alpha = Image.fromarray(np.tile(np.arange(120, dtype=np.uint8) * 2, (90, 1)))
    photo.putalpha(alpha)
    photo.save(path / "cut-out.png")
    Image.fromarray(data.immunohistochemistry()).resize((200, 200)).save(path / "painting.png")
    return path


def test_a_picture_comes_with_its_recipe(folder: Path) -> None:
    picture = impasto.stylize(
        folder / "photo.png", style=folder / "painting.png", size=64, smallest=64, iterations=8
    )
    assert picture.size == (64, 48)
    recipe = json.loads(picture.info["impasto"])
    assert recipe["method"] == "quick"
    assert recipe["config"]["size"] == 64
    assert [given["role"] for given in recipe["inputs"]] == ["content", "style"]
    assert recipe["version"] == impasto.__version__


def test_the_same_task_gives_the_same_pixels(folder: Path) -> None:
    task = prepare(Sources.of(folder / "photo.png", folder / "painting.png"), QUICK)
    pictures = [finish(task, last(paint(task))).pixels for _ in range(2)]
    assert pictures[0].equal(pictures[1])


def test_alpha_comes_back_resized(folder: Path) -> None:
    task = prepare(Sources.of(folder / "cut-out.png", folder / "painting.png"), QUICK)
    alpha = finish(task, last(paint(task))).alpha
    assert alpha is not None
    assert alpha.shape == (1, 1, 48, 64)
    expected = np.linspace(0, 238 / 255, 64)
    np.testing.assert_allclose(alpha[0, 0, 20], expected, atol=0.02)


def test_pillow_images_will_do(folder: Path) -> None:
    photo, painting = (Image.open(folder / name) for name in ("photo.png", "painting.png"))
    by_image = impasto.stylize(photo, painting, size=64, smallest=64, iterations=4)
    by_file = impasto.stylize(
        folder / "photo.png", folder / "painting.png", size=64, smallest=64, iterations=4
    )
    assert by_image.tobytes() == by_file.tobytes()


def test_a_third_picture_to_start_from_is_in_the_recipe(folder: Path) -> None:
    painting = folder / "painting.png"
    task = prepare(Sources.of(folder / "photo.png", painting, init=painting), QUICK)
    given = task.recipe.input("init")
    assert given is not None
    assert given.digest.startswith("sha256:")


@pytest.mark.slow
def test_painting_by_card_is_painting_by_the_painting(folder: Path, tmp_path: Path) -> None:
    made = make_card(folder / "painting.png", title="Tissue")
    cards.save(made, tmp_path / "mine.style")
    config = replace(QUICK, size=96, iterations=30)
    sources = (folder / "painting.png", tmp_path / "mine.style")
    steps = [
        last(paint(prepare(Sources.of(folder / "photo.png", style), config))) for style in sources
    ]
    picture, card = (step.losses for step in steps)
    assert card["style"] == pytest.approx(picture["style"], rel=0.2)
    assert card["content"] == pytest.approx(picture["content"], rel=0.2)
    assert made.about.palette
    # The swatch is painted from the statistics, and has the painting's mean colour.
    with Image.open(folder / "painting.png") as painting:
        mean = np.asarray(painting.convert("RGB")).mean((0, 1))
    np.testing.assert_allclose(made.swatch.float().mean((1, 2)), mean, atol=30)


def test_a_built_in_style_goes_by_its_name(folder: Path) -> None:
    task = prepare(Sources.of(folder / "photo.png", "starry-night"), QUICK)
    given = task.recipe.input("style")
    assert given is not None
    assert given.name == "starry-night"


def test_pictures_much_bigger_than_the_result_do_not_stay(folder: Path, tmp_path: Path) -> None:
    with Image.open(folder / "cut-out.png") as small:
        small.resize((1200, 900)).save(tmp_path / "big.png")
    picture = read_picture("content", tmp_path / "big.png", QUICK).picture
    assert (picture.width, picture.height) == (64, 48)
    assert picture.alpha is not None
    assert picture.alpha.shape == (1, 1, 48, 64)
    style = read_style(tmp_path / "big.png", QUICK, load("compact"), digest("compact")).style
    assert isinstance(style, Painting)
    assert max(style.pixels.shape[-2:]) == 64


def test_options_of_the_library_are_those_of_the_command(folder: Path, tmp_path: Path) -> None:
    weights = Path(cards.__file__).parents[1] / "features" / "data" / "compact.safetensors"
    quick: dict[str, Any] = {"size": 64, "smallest": 64, "iterations": 2}
    picture = impasto.stylize(
        folder / "photo.png",
        "starry-night",
        init=str(folder / "painting.png"),
        weights=str(weights),
        **quick,
    )
    roles = [given["role"] for given in json.loads(picture.info["impasto"])["inputs"]]
    assert roles == ["content", "style", "init"]
    with pytest.raises(OptionError, match="did you mean 'size'"):
        impasto.stylize(folder / "photo.png", "starry-night", sise=64)
    with pytest.raises(WeightsError, match="does not exist"):
        impasto.stylize(folder / "photo.png", "starry-night", weights=tmp_path / "none.pth")


def test_a_truncated_pillow_image_is_one_clear_error(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "painting.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with Image.open(tmp_path / "cut.png") as cut, pytest.raises(PictureError):
        prepare(Sources.of(cut, "starry-night"), QUICK)


def test_a_folder_does_not_hide_a_built_in_style(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "starry-night").mkdir()
    monkeypatch.chdir(tmp_path)
    prepare(Sources.of(folder / "photo.png", "starry-night"), QUICK)


def test_a_card_must_be_called_one(tmp_path: Path) -> None:
    card = cards.load(Path(cards.__file__).parent / "data" / "starry-night.style")
    with pytest.raises(StyleError, match=r"must end in \.style"):
        cards.save(card, tmp_path / "mine.png")


@pytest.mark.parametrize(
    ("style", "message"),
    [("stary-night", "did you mean 'starry-night'"), ("nothing.jpg", "nothing.jpg")],
)
def test_an_unknown_style_is_named(folder: Path, style: str, message: str) -> None:
    with pytest.raises((StyleError, PictureError), match=message):
        prepare(Sources.of(folder / "photo.png", style), QUICK)


def test_a_card_of_other_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    card = cards.load(Path(cards.__file__).parent / "data" / "starry-night.style")
    other = replace(card.about, backbone_digest="sha256:" + "1" * 64)
    cards.save(replace(card, about=other), tmp_path / "other.style")
    with pytest.raises(StyleError, match="other weights"):
        prepare(Sources.of(folder / "photo.png", tmp_path / "other.style"), QUICK)


@pytest.mark.parametrize("size", [(1, 1), (20000, 3), (15, 15)])
def test_a_picture_with_nothing_to_see_is_refused(
    folder: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    Image.new("RGB", size).save(tmp_path / "tiny.png")
    with pytest.raises(PictureError, match=f"{size[0]}×{size[1]}"):
        prepare(Sources.of(tmp_path / "tiny.png", folder / "painting.png"), QUICK)
    with pytest.raises(PictureError, match=f"{size[0]}×{size[1]}"):
        prepare(Sources.of(folder / "photo.png", tmp_path / "tiny.png"), QUICK)


def test_the_library_starts_from_what_the_command_starts_from(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick: dict[str, Any] = {"size": 64, "smallest": 64, "iterations": 1}
    pair = folder / "photo.png", folder / "painting.png"
    plain = [impasto.stylize(*pair, init=init, **quick) for init in ("content", "noise")]
    for name in ("content", "noise"):
        (tmp_path / name).write_bytes((folder / "painting.png").read_bytes())
    monkeypatch.chdir(tmp_path)
    for init, before in zip(("content", "noise"), plain, strict=True):
        assert impasto.stylize(*pair, init=init, **quick).tobytes() == before.tobytes()
    assert impasto.stylize(*pair, method="gatys", **quick).tobytes() == plain[0].tobytes()
    given = impasto.stylize(*pair, init="./noise", **quick)
    assert json.loads(given.info["impasto"])["inputs"][-1]["role"] == "init"
    with pytest.raises(PictureError, match=r"missing\.png"):
        impasto.stylize(*pair, init="missing.png", **quick)


def test_every_method_that_paints_a_photograph_is_in_the_library(folder: Path) -> None:
    pair = folder / "photo.png", folder / "painting.png"
    picture = impasto.stylize(*pair, method="laplacian", size=64, smallest=64, iterations=2)
    assert json.loads(picture.info["impasto"])["method"] == "laplacian"
    with pytest.raises(OptionError, match=r"'texture'\. It may be gatys, nnst, mrf, inst.*, lap"):
        impasto.stylize(*pair, method="texture")


def test_the_library_refuses_options_without_effect(folder: Path) -> None:
    pair = folder / "photo.png", folder / "painting.png"
    with pytest.raises(OptionError, match="feather has no effect without content_map"):
        impasto.stylize(*pair, feather=0.1)
    with pytest.raises(OptionError, match='match has no effect without color="match"'):
        impasto.stylize(*pair, match="pca")


@pytest.mark.parametrize("given", [b"a.png", 3, None])
def test_what_is_no_picture_is_told_from_python(given: Any, folder: Path) -> None:
    with pytest.raises(OptionError, match="It may be a file's name or path, a Pillow"):
        impasto.stylize(str(folder / "photo.png"), [given], size=64)


def test_styles_may_come_with_weights_from_python(folder: Path) -> None:
    names = [(folder / "painting.png", 0.25), "starry-night"]
    task = prepare(Sources.of(str(folder / "photo.png"), *names), QUICK)
    assert [given.use for given in task.recipe.of("style")] == [":0.25", ""]
