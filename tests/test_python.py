"""From Python: pictures as files, Pillow images and arrays; recipes; messages without flags."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import impasto
from commands import pixels
from impasto.cli.main import main
from impasto.config.bases import StyledConfig
from impasto.config.methods import METHODS, configs_with
from impasto.config.schema import option_specs
from impasto.errors import speaking_flags, worded
from impasto.features.sources import EMBEDDED
from impasto.image.exchange import path_of

pytestmark = pytest.mark.usefixtures("folder")

QUICK: dict[str, Any] = {"size": 64, "smallest": 64, "iterations": 1}
MAP = np.zeros((48, 64, 3), np.uint8)
MAP[:, :32] = 255, 0, 0


def painted(content: Any, style: Any, **options: Any) -> np.ndarray:
    return np.asarray(impasto.stylize(content, style, **QUICK, **options))


def array(name: str) -> np.ndarray:
    return np.asarray(Image.open(name))


FORMS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "path": Path,
    "image": Image.open,
    "bytes": array,
    "words": lambda name: array(name).astype(np.uint16) * 257,
    "floats": lambda name: array(name) / 255,
    "half floats": lambda name: (array(name) / np.float32(255)).astype(np.float32),
    "backwards": lambda name: np.ascontiguousarray(array(name)[::-1])[::-1],
    "picture": impasto.read,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_comes_in_every_form(form: str) -> None:
    Image.fromarray(MAP).save("map.png")
    of = FORMS[form]
    options = {"content_map": "map.png", "style_map": "map.png", "init": "photo.png"}
    plain = painted("photo.png", "painting.png", **options)
    again = painted(of("photo.png"), of("painting.png"), **{n: of(p) for n, p in options.items()})
    assert (plain == again).all()


def test_arrays_of_grey_and_with_transparency() -> None:
    grey = array("photo.png")[..., 0]
    picture = impasto.read(grey)
    assert (picture.pixels[0, 0] == picture.pixels[0, 2]).all()
    assert np.allclose(picture.pixels[0, 1].numpy() * 255, grey)
    alpha = np.dstack([array("photo.png"), grey])
    picture = impasto.read(alpha)
    assert picture.alpha is not None
    assert np.allclose(picture.alpha[0, 0].numpy() * 255, grey)
    assert impasto.stylize(alpha, "painting.png", **QUICK).mode == "RGBA"


WRONG: dict[str, tuple[Any, str]] = {
    "shape": (np.zeros((3, 48, 64), np.uint8), r"shape \(3, 48, 64\)\. A picture has \(height, w"),
    "one row": (np.zeros(64, np.uint8), r"shape \(64,\)"),
    "integers": (np.zeros((48, 64), np.int64), "is of int64. A picture is of uint8"),
    "truths": (np.zeros((48, 64), bool), "is of bool"),
    "texts": (np.full((48, 64), "a"), "A picture is of uint8"),
    "large": (np.full((48, 64), 255.0), "from 255 to 255. A picture has floats from 0 to 1"),
    "negative": (np.full((48, 64), -0.1), "from -0.1"),
    "no numbers": (np.full((48, 64), np.nan), "from nan to nan"),
    "nothing": (np.zeros((0, 64), np.uint8), "The array has no pixels"),
    "bytes": (b"photo.png", "given as bytes. It may be a file's name or path, a Pillow image"),
    "a number": (3, "given as int"),
    "a list": ([1, 2], "given as list"),
}


@pytest.mark.parametrize(("value", "words"), WRONG.values(), ids=WRONG)
def test_what_is_no_picture_is_refused(value: Any, words: str) -> None:
    with pytest.raises(impasto.ImpastoError, match=words):
        impasto.read(value)
    with pytest.raises(impasto.ImpastoError, match=words):
        impasto.stylize(value, "painting.png", **QUICK)
    with pytest.raises(impasto.ImpastoError, match=words):
        impasto.stylize("photo.png", "painting.png", content_map=value, **QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [str, Path])
def test_paths_are_text_everywhere(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.painting.cards._SWATCH_SIDE", 64)
    monkeypatch.setattr("impasto.painting.cards._SWATCH_VIEW", 64)
    picture = impasto.stylize(kind("photo.png"), kind("painting.png"), **QUICK)
    impasto.write(picture, kind("a.png"))
    impasto.write(impasto.read(kind("photo.png")), kind("b.tiff"), bits=16)
    weights = kind(EMBEDDED["compact"])
    card = impasto.make_card(kind("painting.png"), title="A card", weights=weights)
    card.save(kind("mine.style"))
    with pytest.raises(impasto.StyleError, match=r"exists already.*force=True"):
        card.save(kind("mine.style"))
    for make in (impasto.stylize, impasto.texture):
        where = (kind("photo.png"), kind("mine.style"))[make is impasto.texture :]
        make(*where, weights=weights, **QUICK)
    Image.fromarray(MAP).save("map.png")
    doodle: dict[str, Any] = {"size": 64, "smallest": 64, "iterations": 1, "engine": "statistics"}
    impasto.doodle(
        kind("map.png"), kind("painting.png"), kind("map.png"), weights=weights, **doodle
    )
    impasto.instant(kind("painting.png"), size=64)
    args = ["stylize", "photo.png", "-s", "painting.png", "-o", "c.png", "--keep-run"]
    assert main([*args, "--size", "64", "--iterations", "2", "--quiet"]) == 0
    assert (np.asarray(impasto.resume(kind("c.run"))) == pixels("c.png")).all()
    assert (np.asarray(impasto.rerun(kind("c.png"))) == pixels("c.png")).all()


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
def test_what_is_written_keeps_its_recipe(suffix: str) -> None:
    picture = impasto.stylize("photo.png", "painting.png", **QUICK)
    file = f"a.{suffix}"
    impasto.write(picture, file)
    assert impasto.recipe_of(file) == impasto.recipe_of(picture)
    with Image.open(file) as opened:
        assert impasto.recipe_of(opened) == impasto.recipe_of(Path(file))
    impasto.write(file, "b.png")
    assert impasto.recipe_of("b.png") == impasto.recipe_of(picture)
    impasto.write(picture, "c.png", recipe=None)
    with pytest.raises(impasto.RecipeError, match=r"no recipe in c.png: .* recipe=False"):
        impasto.recipe_of("c.png")
    with pytest.raises(impasto.RecipeError, match="no recipe in the picture"):
        impasto.recipe_of(Image.new("RGB", (4, 4)))
    with pytest.raises(impasto.PictureError, match=r"exists already.*replace it with force=True"):
        impasto.write(picture, "c.png")
    if suffix in ("png", "tiff"):
        assert (pixels(file) == np.asarray(picture)).all()


@pytest.mark.parametrize("value", [3, b"a.png", []])
def test_what_is_no_file_is_refused(value: Any) -> None:
    with pytest.raises(impasto.OptionError, match="It takes text or a path"):
        path_of(value)
    for paint in (impasto.stylize, impasto.texture):
        with pytest.raises(impasto.OptionError, match="It takes text or a path"):
            paint("painting.png", "painting.png", weights=value)


def test_a_picture_in_memory_is_painted_again() -> None:
    photo = array("photo.png")
    picture = impasto.stylize(photo, "painting.png", **QUICK)
    recipe = json.loads(picture.info["impasto"])
    assert [entry["name"] for entry in recipe["inputs"]] == ["", "painting.png"]
    with pytest.raises(impasto.RecipeError, match=r"it was no file. Say where .* content=FILE"):
        impasto.rerun(picture)
    for same in (photo, "photo.png"):
        assert (np.asarray(impasto.rerun(picture, content=same)) == np.asarray(picture)).all()
    with pytest.raises(impasto.RecipeError, match=r"has changed: .* anyway=True paints it"):
        impasto.rerun(picture, content=255 - photo)
    assert impasto.rerun(picture, content=255 - photo, anyway=True).size == picture.size


# Messages


def wrong_options() -> list[tuple[str, str, Any]]:
    """Every option of every method, with values that it does not take."""
    cases = []
    for method, config in configs_with(StyledConfig).items():
        for spec in option_specs(config):
            values: list[Any] = [None, object(), "nonsense", -1e9, {}]
            cases += [(method, spec.name, value) for value in values]
    return cases


def test_no_message_to_a_program_speaks_of_flags() -> None:
    messages = []
    for method, name, value in wrong_options():
        if name == "init":  # any picture
            continue
        with pytest.raises(impasto.ImpastoError) as error:
            impasto.stylize("photo.png", "painting.png", method, **{name: value})
        messages.append(str(error.value))
    more: list[dict[str, Any]] = [
        {"epochs": 3}, {"epochs": 3, "steps": 3, "iterations": 4}, {"feather": 0.1},
        {"match": "pca"}, {"history": 3, "optimizer": "adam"}, {"tv": "l1", "tv_weight": 0.0},
        {"content_weight": 0.0, "style_weight": 0.0, "tv_weight": 0.0}, {"strenght": 1},
        {"region": ["red=keep"]}, {"region": ["#f00"]}, {"region": ["#f00=keep:0.3"]},
        {"region": ["#f00=keep", "#f00=0.3"]}, {"region": ["#f00=keep"]}, {"memory": "much"},
        {"memory": 3}, {"style_map": "painting.png"}, {"device": "xpu"}, {"method": "gaty"},
        {"method": "fast"}, {"method": "instant", "weights": "painting.png"}, {"style": ()},
        {"method": "instant+refine", "init": "noise"}, {"style": "starry-night", "color": "match"},
        {"style": "a:0.1:0.3"}, {"style": ":3"}, {"style": "a.impasto#b"}, {"weights": "none.pth"},
        {"backbone": "vgg19"}, {"memory": "100MB"}, {"content": None}, {"style": ("a.jpg", "x")},
    ]  # fmt: skip
    for options in more:
        with pytest.raises(impasto.ImpastoError) as error:
            impasto.stylize(**{"content": "photo.png", "style": "painting.png", **options})
        messages.append(str(error.value))
    assert not [message for message in messages if "--" in message]
    assert any("strength is -1000000000.0" in message for message in messages)


def test_no_message_of_the_command_speaks_python(capsys: pytest.CaptureFixture[str]) -> None:
    stylize = ["stylize", "photo.png", "-s", "painting.png"]
    for method, config in configs_with(StyledConfig).items():
        for spec in option_specs(config):
            if spec.kind is not bool and spec.name != "init":
                assert main([*stylize, "--method", method, spec.flag, "nonsense"]) in (1, 2)
    more = [["stylize"], [*stylize, "-o"], ["info"], ["info", "a", "b"], ["evaluate", "a"]]
    for args in more:
        assert main(args) == 2
    said = capsys.readouterr().err
    assert said.count("impasto: ") > 100
    for word in ("fromarray", "argument", "dict", "tuple", "NoneType", "True", "None", "ndarray"):
        assert word not in said, re.findall(rf".*{word}.*", said)


def test_every_choice_is_known_as_one() -> None:
    names = {"method": list(METHODS)}
    for spec in option_specs(*(method.config for method in METHODS.values())):
        names.setdefault(spec.name, [c for c in spec.choices if isinstance(c, str)])
    for name, choices in names.items():
        for choice in choices:
            flag = "--" + name.replace("_", "-")
            assert worded(f"Take {flag} {choice}, or") == f'Take {name}="{choice}", or'
            with speaking_flags():
                assert worded(f"Take {flag} {choice}.") == f"Take {flag} {choice}."


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("--epochs 3 × --steps 2. Give one.", "epochs=3 × steps=2. Give one."),
        ("Try --width 64 --height 32, or", "Try width=64 height=32, or"),
        ("--size 0.5.", "size=0.5."),
        ("with --force.", "with force=True."),
        ("give --style for the rest", "give style for the rest"),
        ("--content-map has it", "content_map has it"),
        ("--region '#f00=keep' keeps", "region=['#f00=keep'] keeps"),
        ("with --weights FILE.", "with weights=FILE."),
        ("or --no-recipe left", "or recipe=False left"),
        ("my--size.png is", "my--size.png is"),
        ("a--b.png", "a--b.png"),
    ],
)
def test_flags_become_what_a_program_writes(message: str, said: str) -> None:
    assert worded(message) == said
    assert str(impasto.OptionError(message)) == said
    error = impasto.OptionError("x")
    error.add_note(message)
    assert error.__notes__ == [said]
