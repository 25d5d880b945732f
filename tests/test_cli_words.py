"""What people type: places, sizes, numbers, presets, and words in each other's place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from written import write_dng, write_heic

import impasto
from commands import QUICK, ROOT, paint, pixels, process, recipe_of
from impasto.cli.main import main
from impasto.cli.places import names_folder
from impasto.config.methods import METHODS, GatysConfig, InstantConfig
from impasto.config.presets import PRESETS, USUAL, expanded
from impasto.config.sizes import RelativeSize, parse_size
from impasto.config.specs import RegionSpec, StyleSpec, layer_weights
from impasto.config.validation import checked_config
from impasto.errors import ImpastoError, OptionError
from impasto.image import boxes, jpeg_xl
from impasto.image.long_side import long_side
from impasto.painting.misplaced import has_card

pytestmark = pytest.mark.usefixtures("folder")

Said = pytest.CaptureFixture[str]

DRAFT = ["--preset", "draft", "--size", "64", "--quiet"]
STYLIZE = ["stylize", "photo.png", "--style", "painting.png"]


def photos(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("photo.png", name)


# Places


def test_one_photograph_goes_into_a_folder_with_all_that_one_may_have(capsys: Said) -> None:
    more = ["--trace", "run.jsonl", "--keep-run", *QUICK, "--quiet"]
    assert main([*STYLIZE, "-o", "new/painted", *more]) == 0
    assert capsys.readouterr().out == "new/painted/photo-painting-quick.png\n"
    assert Path("new/painted/photo-painting-quick.run").is_dir()
    assert Path("run.jsonl").is_file()
    assert main([*STYLIZE, "-o", "new/painted", *DRAFT]) == 0  # which exists by now
    assert capsys.readouterr().out == "new/painted/photo-painting-instant.png\n"
    Path("dotted.png").mkdir()
    assert main([*STYLIZE, "-o", "dotted.png", *DRAFT]) == 0
    assert Path("dotted.png/photo-painting-instant.png").is_file()


def test_a_folder_that_nothing_was_painted_into_does_not_stay(folder: Path, capsys: Said) -> None:
    before = sorted(folder.iterdir())
    args = ["stylize", "gone.png", "--style", "painting.png", "-o", "new/painted", *DRAFT]
    assert main(args) == 1
    assert "gone.png" in capsys.readouterr().err
    assert main([*STYLIZE, "-o", "new/painted", "--dry-run", *DRAFT]) == 0
    assert sorted(folder.iterdir()) == before


def test_what_is_no_folder_is_told(capsys: Said) -> None:
    Path("taken").write_text("a file")
    assert main([*STYLIZE, "-o", "taken", *DRAFT]) == 1
    assert "taken has no suffix" in capsys.readouterr().err
    assert main([*STYLIZE, "-o", "taken/painted", *DRAFT]) == 1
    assert "The folder taken/painted cannot be made" in capsys.readouterr().err
    assert Path("taken").read_text() == "a file"


@pytest.mark.parametrize("command", ["stylize", "batch"])
def test_two_pictures_do_not_go_into_a_file(command: str, folder: Path, capsys: Said) -> None:
    photos("in/a.png", "in/b.png")
    before = sorted(folder.iterdir())
    args = [command, "in/a.png", "in/b.png", "--style", "painting.png", *DRAFT]
    for out, message in (("two.png", "such as two."), ("painting.png", "painting.png is a file")):
        assert main([*args, "-o", out]) == 2
        assert message in capsys.readouterr().err
    assert sorted(folder.iterdir()) == before


def test_a_folder_is_painted_as_by_batch(capsys: Said) -> None:
    photos("in/a.png", "in/b.png")
    Path("in/film.mp4").touch()
    args = ["stylize", "in", "--style", "painting.png", "-o", "out.2024", "--preset", "draft"]
    assert main([*args, "--size", "64", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    outputs = [item["output"] for item in result["items"]]
    assert outputs == ["out.2024/a-painting.png", "out.2024/b-painting.png"]
    assert result["left_out"] == [{"kind": "film", "suffixes": [".mp4"], "count": 1, "extra": ""}]
    assert main(["stylize", "in", "--style", "painting.png", "--region", "#f00=keep"]) == 2
    assert "for one photograph only" in capsys.readouterr().err


def test_other_commands_write_into_a_folder_too() -> None:
    Path("out").mkdir()
    assert main(["texture", "painting.png", "--size", "64", "-o", "out", *QUICK[2:], "-q"]) == 0
    assert Path("out/painting-texture.png").is_file()
    assert main([*STYLIZE, *DRAFT]) == 0
    assert main(["rerun", "photo-painting-instant.png", "-o", "out", "--quiet"]) == 0
    assert (pixels("out/photo-painting-instant.png") == pixels("photo-painting-instant.png")).all()
    assert paint("--keep-run", "--quiet") == 0
    assert main(["extend", "out.run", "--iterations", "1", "-o", "out", "--quiet"]) == 0
    assert Path("out/out.png").is_file()


def test_what_names_a_folder() -> None:
    Path("file").touch()
    for name in ("painted", "a/b", "holiday.2024", "v1.2"):
        assert names_folder(Path(name)), name
    for name in ("a.png", "a.gif", "file", "-"):
        assert not names_folder(Path(name)), name


# Sizes


def test_sizes_as_people_write_them() -> None:
    for text, pixels_of in {"320px": 320, "320 PX": 320, "1024": 1024, "4K": 3840}.items():
        assert parse_size(text) == pixels_of
    assert [parse_size(text) for text in ("1080p", "2k", "8k")] == [1920, 2048, 7680]
    assert parse_size("12.5 %") == RelativeSize("12.5 %", 12.5)
    for text in ("50%", "photo"):
        size = parse_size(text)
        assert isinstance(size, RelativeSize)
        assert size.of(1000) == (500 if text == "50%" else 1000)
        assert checked_config(GatysConfig, {"size": text}, photograph="photo.png").size in (32, 64)
    for text in ("big", "", "-5", "5k", "50", "1e3"):
        with pytest.raises((ValueError, ImpastoError)):
            checked_config(GatysConfig, {"size": text if text != "50" else "20"})


def test_the_long_side_is_read_from_the_header_alone() -> None:
    script = (
        "import sys; from impasto.image.long_side import long_side\n"
        "assert long_side('photo.png') == 64; assert 'torch' not in sys.modules"
    )
    data = Path("photo.png").read_bytes()
    Path("photo.png").write_bytes(data[: len(data) // 2])  # nothing could decode it
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=env, check=True)
    Path("odd.png").write_bytes(b"no picture")
    with pytest.raises(ImpastoError, match=r"odd\.png is text, not a picture"):
        long_side("odd.png")


@pytest.mark.parametrize("suffix", [".heic", ".dng", ".tif", ".jpg", ".tga"])
def test_every_reader_s_headers_are_understood(suffix: str) -> None:
    path = Path(f"a{suffix}")
    values = np.full((48, 64, 3), 0.5)
    if suffix == ".heic":
        pytest.importorskip("pillow_heif")
        write_heic(path, np.full((48, 64, 3), 99, np.uint16), 10)
    elif suffix == ".dng":  # with a small picture before the one of the sensor
        pytest.importorskip("rawpy")
        write_dng(path, values)
    elif suffix == ".tif":  # which Pillow does not read
        tifffile.imwrite(path, values.astype(np.float32), photometric="rgb")
    else:
        Image.fromarray((values * 255).astype(np.uint8)).save(path)
    shown = (
        "import sys; from impasto.image.long_side import long_side\n"
        f"print(long_side({str(path)!r})); assert 'torch' not in sys.modules"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", shown], env=env, capture_output=True, text=True)
    assert done.stdout == "64\n", done.stderr


def test_the_long_side_is_that_of_the_picture_that_is_read() -> None:
    whole = np.full((48, 64, 3), 128, np.uint8)
    with tifffile.TiffWriter("a.tif") as file:
        file.write(whole[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
        file.write(whole, photometric="rgb", metadata=None)
    assert long_side("a.tif") == 64


def test_the_long_side_of_a_jpeg_xl_is_in_its_header() -> None:
    codecs = pytest.importorskip("imagecodecs")
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    data = codecs.jpegxl_encode(noise, usecontainer=True)
    at = data.index(b"jxlc") - 4
    before = data[:at] + boxes.box(b"Exif", bytes(100_000))
    Path("a.jxl").write_bytes(before + data[at : at + 60])  # nothing could decode it
    assert long_side("a.jxl") == 64
    assert not jpeg_xl.is_deep(Path("a.jxl"))


def test_a_part_of_the_photograph(capsys: Said) -> None:
    assert main([*STYLIZE, "--size", "photo", "--preset", "draft", "-o", "all.png"]) == 0
    assert pixels("all.png").shape == pixels("photo.png").shape
    assert recipe_of("all.png").config["size"] == 64
    assert main([*STYLIZE, "--size", "30%", "--preset", "draft", "-o", "part.png"]) == 2
    assert "--size is 30%, and 30% of 64 px is 19 px." in capsys.readouterr().err
    study = ["study", "strength", "photo.png", "--style", "painting.png", "--size", "30%"]
    assert main(study) == 2
    assert "30% of 64 px is 19 px." in capsys.readouterr().err
    picture = impasto.stylize("photo.png", "painting.png", preset="draft", size="50%")
    assert picture.size == (32, 24)
    with Image.open("photo.png") as image:
        assert impasto.stylize(image, "painting.png", "instant", size="75%").size == (48, 36)


def test_a_batch_takes_a_part_of_each_photograph(capsys: Said) -> None:
    photos("in/a.png")
    with Image.open("photo.png") as image:
        image.resize((96, 72)).save("in/b.png")
        image.resize((40, 30)).save("in/c.png")
    args = ["batch", "in", "--style", "painting.png", "-o", "out", "--method", "instant"]
    assert main([*args, "--size", "75%", "--quiet"]) == 1
    assert "75% of 40 px is 30 px" in capsys.readouterr().err
    assert [pixels(f"out/{name}-painting.png").shape[1] for name in "ab"] == [48, 72]
    assert not Path("out/c-painting.png").exists()
    args[1] = "in/a.png"  # painted already, however its size was said
    assert main([*args, "--size", "48", "--dry-run", "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert item["state"] == "kept"


def test_a_style_in_memory_takes_the_same_spellings() -> None:
    picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    painted = [
        impasto.instant("tahiti", strength=strength, size=size)(picture)
        for strength, size in (("70%", "64px"), (0.7, 64), (0.5, 64))
    ]
    assert torch.equal(painted[0], painted[1])
    assert not torch.equal(painted[0], painted[2])
    with pytest.raises(OptionError, match="there is no photograph here"):
        impasto.instant("tahiti", size="50%")


def test_without_a_photograph_a_size_is_of_pixels(capsys: Said) -> None:
    assert main(["texture", "painting.png", "--size", "50%"]) == 2
    assert "a texture has no photograph" in capsys.readouterr().err
    doodle = ["doodle", "-m", "photo.png", "-s", "painting.png", "--style-map", "photo.png"]
    assert main([*doodle, "--size", "photo"]) == 2
    assert "there is no photograph here" in capsys.readouterr().err
    plan = ["texture", "painting.png", "--dry-run", "--json", "--size"]
    for size, sides in (("720p", (1280, 720)), ("96px", (96, 96)), ("64x96", (64, 96))):
        assert main([*plan, size]) == 0
        config = json.loads(capsys.readouterr().out)["recipe"]["config"]
        assert (config["width"], config["height"]) == sides


# Numbers


def test_percentages_and_both_spellings_of_colour() -> None:
    assert main([*STYLIZE, "--strength", "70%", "--colour", "keep", "-o", "a.png", *DRAFT]) == 0
    config = recipe_of("a.png").config
    assert (config["strength"], config["color"]) == (0.7, "keep")
    options = {"strength": "7%", "colour": "keep"}
    assert checked_config(InstantConfig, options) == InstantConfig(strength=0.07, color="keep")
    with pytest.raises(OptionError, match="are the same option"):
        checked_config(InstantConfig, {"color": "keep", "colour": "match"})
    region = RegionSpec.parse("#f00=painting.png:90%:colour=keep")
    assert region == RegionSpec("#ff0000", "painting.png", 0.9, color="keep")
    assert StyleSpec.parse("painting.png:30%:fine") == StyleSpec("painting.png", 0.3, "fine")


COMMAS = {
    "an option": ([*STYLIZE, "--strength", "0,7"], "with a point, not a comma: 0.7."),
    "without a nought": ([*STYLIZE, "--tv-weight", ",5"], "with a point, not a comma: 0.5."),
    "a percentage": ([*STYLIZE, "--size", "12,5%"], "with a point, not a comma: 12.5%."),
    "thousands": ([*STYLIZE, "--iterations", "1,000"], "without a comma: 1000."),
    "of no method": (["train", "a.png", "--steady", "0,2"], "with a point, not a comma: 0.2."),
    "a weight": (["stylize", "a.png", "-s", "b.png:0,3"], "with a point, not a comma: 0.3."),
    "in a blend": (["batch", "a.png", "-s", "painting.png:0,3+b.png"], "not a comma: 0.3."),
    "a region": ([*STYLIZE, "--region", "#f00=b.png:0,9"], "with a point, not a comma: 0.9."),
    "a layer": ([*STYLIZE, "--style-layers", "relu1_1:0,5"], "with a point: relu1_1:0.5."),
    "memory": ([*STYLIZE, "--memory", "4,5GB"], "with a point, not a comma, such as 4.5GB"),
}


@pytest.mark.parametrize(("args", "message"), COMMAS.values(), ids=COMMAS)
def test_a_comma_in_a_number_is_told(args: list[str], message: str, capsys: Said) -> None:
    assert main(args) == 2
    assert message in capsys.readouterr().err


def test_a_file_may_have_a_comma_in_its_name() -> None:
    photos("a:0,3")
    assert StyleSpec.parse("a:0,3") == StyleSpec("a:0,3")
    assert layer_weights(("relu1_1:0.5", "relu2_1")) == {"relu1_1": 0.5, "relu2_1": 1}


# Words in each other's place


MEANT = "Did you mean this? impasto stylize"
ADDRESS = "is a web address: download it first"
MISPLACED = {
    "no style": (["photo.png", "b.png"], f"no --style. {MEANT} photo.png --style b.png"),
    "quoted": (["with space.png", "b.png"], f"{MEANT} 'with space.png' --style b.png"),
    "a card": (["mine.style", "photo.png"], f"style card, not a photograph. {MEANT} photo.png"),
    "a name": (["starry-night", "photo.png"], "photo.png --style starry-night"),
    "swapped": (["starry-night", "-s", "photo.png"], "photo.png --style starry-night"),
    "trained": (["mine.impasto#a", "-s", "a.png"], "a file of trained styles, not a photograph"),
    "two styles": (["mine.style", "-s", "starry-night"], "Give the photograph there"),
    "an address": (["https://example.org/a.jpg", "-s", "tahiti"], ADDRESS),
    "an address as style": (["photo.png", "-s", "http://example.org/a.jpg:0.5"], ADDRESS),
    "without http": (["photo.png", "-s", "www.example.org/a.jpg"], ADDRESS),
    "of a file": (["file:///home/a.jpg", "-s", "tahiti"], "Give the file's path: /home/a.jpg"),
    "a folder as style": (["photo.png", "-s", "photos"], "such as photos/b.png"),
    "an empty folder": (["photo.png", "-s", "empty"], "It holds no pictures"),
    "three": (["photo.png", "b.png", "c.png"], "nothing to paint with"),
    "one": (["photo.png"], "nothing to paint with"),
    "sides": (["photo.png", "-s", "tahiti", "--size", "1920x1080"], "the long side alone: 1920"),
    "no preset": (["photo.png", "-s", "tahiti", "--preset", "god"], "did you mean 'good'"),
    "another method": (
        ["photo.png", "-s", "a.png", "--preset", "draft", "--method", "nnst"],
        "--preset draft is --method instant here, and --method is nnst",
    ),
}


@pytest.mark.parametrize(("words", "message"), MISPLACED.values(), ids=MISPLACED)
def test_what_stands_in_the_wrong_place_is_told(
    words: list[str], message: str, capsys: Said
) -> None:
    photos("photos/b.png")
    Path("empty").mkdir()
    assert main(["stylize", *words]) == 2
    assert message in capsys.readouterr().err


def test_it_is_told_by_the_process_before_pytorch_is_loaded() -> None:
    photos("photos/b.png")
    Path("empty").mkdir()
    lines = [["stylize", *words] for words, _ in MISPLACED.values()]
    script = (
        "import sys\nfrom impasto.cli.main import main\n"
        f"for args in {lines!r}: assert main(args) == 2\n"
        "assert 'torch' not in sys.modules"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True)
    done = process("stylize", "photo.png", "painting.png")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("impasto: There are two photographs and no --style.")


def test_a_folder_does_not_hide_a_built_in_style_nor_a_style_a_file() -> None:
    Path("tahiti").mkdir()
    assert main(["stylize", "photo.png", "-s", "tahiti", "-o", "a.png", *DRAFT]) == 0
    photos("great-wave")
    assert main(["stylize", "great-wave", "-s", "tahiti", "-o", "b.png", *DRAFT]) == 0
    assert (pixels("a.png") == pixels("b.png")).all()


def test_python_is_told_the_same() -> None:
    for content, style, message in (
        ("starry-night", "photo.png", "starry-night is a built-in style, not a photograph"),
        (".", "tahiti", "a folder, and one photograph is asked for: name a picture in it"),
        ("photo.png", "https://example.org/a.jpg", "download it first"),
        ("photo.png", Path(), "a folder, and a style is one painting"),
    ):
        with pytest.raises(OptionError, match=message):
            impasto.stylize(content, style, size=64, preset="draft")
    with pytest.raises(OptionError, match="a folder, and a style is one painting"):
        impasto.texture(".")


# Presets


def test_presets_are_methods_with_options_that_exist() -> None:
    assert USUAL in PRESETS
    for preset in PRESETS.values():
        for method in filter(None, (preset.method, preset.for_cards)):
            checked_config(METHODS[method].config, preset.options)


def test_what_a_preset_stands_for() -> None:
    assert expanded(None, None, {"seed": 3}) == ("quick", {"seed": 3})
    assert expanded("good", None, {}) == ("quick", {})
    assert expanded(None, "mrf", {"seed": 3}) == ("mrf", {"seed": 3})
    assert expanded("best", None, {}) == ("nnst", {"iterations": 250})
    assert expanded("best", "nnst", {"iterations": 9}) == ("nnst", {"iterations": 9})
    assert expanded("best", None, {"epochs": 2, "steps": 3})[1] == {"epochs": 2, "steps": 3}
    assert expanded("best", None, {}, has_card=True)[0] == "gatys"
    assert expanded(None, None, {"init": "noise"}) == ("gatys", {"init": "noise"})
    assert has_card([], ["#ff0000=starry-night"])
    assert not has_card(["a.jpg"], ["#ff0000=keep", "#00f=0.4"])
    with pytest.raises(OptionError, match='is method="gatys" here, and method is nnst'):
        expanded("best", "nnst", {}, has_card=True)


@pytest.mark.parametrize(("style", "method"), [("painting.png", "nnst"), ("starry-night", "gatys")])
def test_the_best_paints_from_paintings_and_from_cards(style: str, method: str) -> None:
    args = ["stylize", "photo.png", "--style", style, "--preset", "best", *QUICK, "--quiet"]
    assert main(args) == 0
    recipe = recipe_of(f"photo-{Path(style).stem}-{method}.png")
    assert (recipe.method, recipe.config["iterations"]) == (method, 4)


def test_a_preset_is_the_same_everywhere(capsys: Said) -> None:
    assert main([*STYLIZE, "-o", "one.png", *DRAFT]) == 0
    batch = ["batch", "photo.png", "--style", "painting.png", "-o", "out"]
    assert main([*batch, *DRAFT]) == 0
    assert (pixels("out/photo-painting.png") == pixels("one.png")).all()
    assert main([*batch, "--method", "instant", "--size", "64", "--dry-run", "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out.splitlines()[-1])["items"]
    assert item["state"] == "kept"
    picture = impasto.stylize("photo.png", "painting.png", preset="draft", size=64)
    assert (pixels("one.png") == picture).all()
    assert "preset" not in recipe_of("one.png").config


def test_an_option_of_other_methods_is_refused_by_the_presets_name() -> None:
    with pytest.raises(OptionError, match=r'option of gatys.* preset="draft" is method="instant"'):
        impasto.stylize("photo.png", "starry-night", preset="draft", iterations=9)
    with pytest.raises(OptionError, match=r"iterations is an option of gatys.*method is instant"):
        impasto.stylize("photo.png", "starry-night", method="instant", iterations=9)


def test_an_empty_name_paints_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stylize", "", "-s", "starry-night"]) == 2
    assert "name of a photograph is empty" in capsys.readouterr().err
    assert not Path("batch").exists()


def test_numbers_of_numpy_are_numbers() -> None:
    assert checked_config(GatysConfig, {"size": np.int64(64)}).size == 64
    assert checked_config(GatysConfig, {"strength": np.float32(0.5)}).strength == 0.5
