"""The recipe inside a picture: shown, and painted again."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from commands import QUICK, paint, pixels, recipe_of
from impasto.cli.main import main
from impasto.config.recipe import Recipe
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.image.reading import read
from impasto.image.writing import write

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def painted() -> str:
    assert paint("--quiet", "--seed", "5") == 0
    return "out.png"


def test_info(painted: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["info", painted]) == 0
    told = capsys.readouterr().out
    assert re.search(r"content +photo.png +sha256:", told)
    assert re.search(r"seed +5\n", re.sub(r" +\n", "\n", told))
    assert main(["info", painted, "--json"]) == 0
    assert Recipe.from_json(capsys.readouterr().out) == recipe_of(painted)


def test_rerun_gives_the_same_pixels_also_beside_the_picture(painted: str) -> None:
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    assert main(["rerun", f"../{painted}", "-o", "again.png"]) == 0
    assert (pixels("again.png") == pixels(f"../{painted}")).all()


def test_rerun_says_which_input_has_changed(
    painted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    original = Path("painting.png").read_bytes()
    with Image.open("painting.png") as image:
        image.transpose(Image.Transpose.ROTATE_180).save("painting.png")
    assert main(["rerun", painted, "-o", "again.png"]) == 1
    said = capsys.readouterr().err
    assert "the style 'painting.png' has changed" in said
    assert "photo.png" not in said
    assert not Path("again.png").exists()
    Path("kept.png").write_bytes(original)
    assert main(["rerun", painted, "-o", "again.png", "--style", "kept.png"]) == 0
    assert (pixels("again.png") == pixels(painted)).all()
    assert main(["rerun", painted, "-o", "other.png", "--anyway"]) == 0
    assert (pixels("other.png") != pixels(painted)).any()


def test_rerun_says_which_input_is_missing(
    painted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("photo.png").rename("moved.png")
    assert main(["rerun", painted, "-o", "again.png"]) == 1
    said = capsys.readouterr().err
    assert "The content of the recipe is missing: 'photo.png'" in said
    assert "--content FILE" in said
    assert main(["rerun", painted, "-o", "again.png", "--content", "moved.png"]) == 0
    assert (pixels("again.png") == pixels(painted)).all()


def test_rerun_tells_other_weights_and_another_version(
    painted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = BACKBONES["compact"]
    other = Extractor(spec.plan, spec.mean, spec.std, spec.padding, spec.lifts)
    save_file(other.state_dict(), "other.safetensors")
    assert main(["rerun", painted, "-o", "again.png", "--weights", "other.safetensors"]) == 1
    assert "the weights of compact are sha256:" in capsys.readouterr().err
    recipe = json.loads(recipe_of(painted).to_json()) | {"version": "0.0.0"}
    write(read(painted), Path("older.png"), recipe=json.dumps(recipe))
    assert main(["rerun", "older.png", "-o", "again.png"]) == 0
    assert "made by Impasto 0.0.0" in capsys.readouterr().err


# Everything that goes into a picture


def flat(path: str, *colours: str, size: tuple[int, int] = (64, 48)) -> str:
    """A map of upright stripes."""
    drawn = Image.new("RGB", size)
    for i, colour in enumerate(colours):
        drawn.paste(colour, (size[0] * i // len(colours), 0, *size))
    drawn.save(path)
    return path


@pytest.fixture
def rich(folder: Path) -> Path:
    """A picture from several styles, maps, a region with a style of its own, and a start."""
    with Image.open("painting.png") as image:
        image.transpose(Image.Transpose.ROTATE_180).save("other.png")
        image.resize((60, 60)).save("third.png")
    Image.new("RGB", (64, 48), "olive").save("start.png")
    content = flat("content-map.png", "red", "blue", "lime")
    maps = [flat("first-map.png", "blue", "red"), flat("second-map.png", "red", "blue")]
    args = ["stylize", "photo.png", "-o", "out.png", *QUICK, "--smallest", "64", "--quiet"]
    args += ["--method", "gatys"]
    args += ["-s", "painting.png:0.75:fine", "-s", "other.png:0.5", "--init", "start.png"]
    args += ["--content-map", content, "--style-map", maps[0], "--style-map", maps[1]]
    args += ["--region", "#0f0=third.png:0.9", "--region", "#00f=0.2:color=keep"]
    args += ["--strength", "0.8", "--feather", "0"]
    assert main(args) == 0
    return folder


def again(*args: str) -> int:
    return main(["rerun", "out.png", "-o", "again.png", *args])


def is_the_same() -> bool:
    return bool((pixels("again.png") == pixels("out.png")).all())


@pytest.mark.usefixtures("rich")
def test_styles_maps_regions_and_a_start_are_painted_again() -> None:
    uses = [(given.role, given.name, given.use) for given in recipe_of("out.png").inputs]
    assert sorted(uses) == [
        ("content", "photo.png", ""),
        ("content-map", "content-map.png", ""),
        ("init", "start.png", ""),
        ("region", "third.png", "#00ff00"),
        ("style", "other.png", ":0.5"),
        ("style", "painting.png", ":0.75:fine"),
        ("style-map", "first-map.png", ""),
        ("style-map", "second-map.png", ""),
    ]
    assert again() == 0
    assert is_the_same()
    assert recipe_of("again.png").inputs == recipe_of("out.png").inputs


MOVES = {
    "photo.png": "--content",
    "painting.png": "--style",
    "other.png": "--style",
    "content-map.png": "--content-map",
    "first-map.png": "--style-map",
    "second-map.png": "--style-map",
    "third.png": "--region",
    "start.png": "--init",
}


def test_moved_files_are_named_in_their_order(
    rich: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (rich / "moved").mkdir()
    args: list[str] = []
    for name, flag in MOVES.items():
        Path(name).rename(f"moved/new-{name}")
        place = f"moved/new-{name}"
        assert again(*args) == 1
        assert f"{name!r} is neither here nor beside the picture" in capsys.readouterr().err
        args += [flag, f"#00ff00={place}" if flag == "--region" else place]
    assert again(*args) == 0
    assert is_the_same()


@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize("name", MOVES)
def test_any_input_that_changed_is_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Image.open(name) as image:
        image.load()
        image.putpixel((0, 0), (1, 2, 3))
        image.save(name)
    role = MOVES[name].removeprefix("--")
    assert again() == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"the {role} {name!r} has changed" in said
    assert said.count("has changed") == 1
    assert not Path("again.png").exists()


@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize("flag", ["--style", "--style-map"])
def test_more_files_than_the_recipe_has_are_refused(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert again(*[flag, "photo.png"] * 3) == 1
    assert f"The recipe has 2 of {flag}, and 3 were given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "file"), [("--init", "photo.png"), ("--content-map", "photo.png")]
)
def test_a_file_that_the_recipe_does_not_have_is_refused(
    painted: str, flag: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rerun", painted, "-o", "again.png", flag, file]) == 1
    assert f"The recipe has 0 of {flag}, and 1 were given" in capsys.readouterr().err


@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize(
    ("told", "status", "message"),
    [
        ("#ff0000=third.png", 1, "no region #ff0000 with a style of its own"),
        ("third.png", 2, "takes a colour of the map"),
    ],
)
def test_a_region_that_the_recipe_does_not_have_is_refused(
    told: str, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert again("--region", told) == status
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("rich")
def test_a_regions_colour_may_be_written_short() -> None:
    Path("third.png").rename("moved.png")
    assert again("--region", "#0F0=moved.png") == 0
    assert is_the_same()


@pytest.mark.usefixtures("rich")
def test_info_shows_every_input_as_it_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["info", "out.png"]) == 0
    told = capsys.readouterr().out
    for words in ("painting.png:0.75:fine", "other.png:0.5", "#00ff00=third.png", "second-map.png"):
        assert words in told


def test_rerun_computes_with_as_many_threads_as_the_recipe(painted: str) -> None:
    before = torch.get_num_threads()
    assert recipe_of(painted).threads == before
    told = json.loads(recipe_of(painted).to_json()) | {"threads": before + 1}
    write(read(painted), Path("other.png"), recipe=json.dumps(told))
    try:
        assert main(["rerun", "other.png", "-o", "again.png"]) == 0
        assert torch.get_num_threads() == before + 1
        assert recipe_of("again.png").threads == before + 1
    finally:
        torch.set_num_threads(before)


def test_a_blend_with_a_built_in_style_is_painted_again() -> None:
    args = ["stylize", "photo.png", "-s", "starry-night:0.5:coarse", "-s", "painting.png"]
    assert main([*args, "-o", "out.png", *QUICK, "--region", "#f00=great-wave"]) == 2
    assert main([*args, "-o", "out.png", *QUICK]) == 0
    assert again() == 0
    assert is_the_same()
    assert recipe_of("again.png").of("style")[0].name == "starry-night"


def test_a_file_that_looks_like_a_styles_weight_changes_nothing(folder: Path) -> None:
    args = ["stylize", "photo.png", "-s", "painting.png:0.3", "-s", "starry-night", "-o", "out.png"]
    assert main([*args, *QUICK]) == 0
    (folder / "x:0.3").touch()
    assert again() == 0
    assert recipe_of("again.png").inputs == recipe_of("out.png").inputs
    assert is_the_same()
