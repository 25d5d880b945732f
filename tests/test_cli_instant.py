"""`--method instant` as a person and a program meet it, with the network that the package has."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from commands import pixels, recipe_of
from impasto.cli.main import main
from impasto.errors import OptionError, RecipeError
from impasto.painting.stylizer import Stylizer
from impasto.runtime import has_native_bfloat16

pytestmark = pytest.mark.usefixtures("folder")


def paint(*args: str, out: str = "out.png", style: str = "painting.png") -> int:
    usual = ["--style", style, "--method", "instant", "--size", "64", "-o", out]
    return main(["stylize", "photo.png", *usual, *args])


def test_it_paints_with_a_recipe_and_again_from_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint("--json", "--strength", "0.8") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["width"], report["height"], report["iterations"]) == (64, 48, 1)
    assert not Path("out.run").exists()
    recipe = recipe_of("out.png")
    assert recipe.method == "instant"
    assert recipe.config["strength"] == 0.8
    assert main(["rerun", "out.png", "-o", "again.png"]) == 0
    assert np.array_equal(pixels("out.png"), pixels("again.png"))


def test_another_networks_picture_is_not_painted_again_unasked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert paint() == 0
    monkeypatch.setattr(
        sys.modules["impasto.methods.instant"], "version_digest", lambda _: "sha256:" + "0" * 64
    )
    assert main(["rerun", "out.png", "-o", "again.png"]) != 0
    assert "another picture" in capsys.readouterr().err
    assert main(["rerun", "out.png", "-o", "again.png", "--anyway"]) == 0


@pytest.mark.parametrize(
    "args",
    [
        ["--color", "keep"],
        ["--color", "match"],
        ["--stroke", "2"],
        ["--strength", "1"],
        pytest.param(
            ["--precision", "float32"],
            marks=pytest.mark.skipif(
                not has_native_bfloat16(), reason="auto is float32 on this processor"
            ),
        ),
    ],
)
def test_every_option_changes_the_picture(args: list[str]) -> None:
    Image.open("painting.png").resize((256, 192)).save("painting.png")  # a stroke needs room
    assert paint() == 0
    assert paint(*args, out="other.png") == 0
    assert not np.array_equal(pixels("out.png"), pixels("other.png"))


def test_strength_0_is_the_photograph() -> None:
    assert paint("--strength", "0") == 0
    off = np.abs(pixels("out.png").astype(int) - pixels("photo.png"))
    assert off.max() <= 1


def test_cards_and_blends_and_regions() -> None:
    Image.fromarray(
        np.where(np.arange(64)[None, :, None] < 32, [255, 0, 0], [0, 0, 255])
        .repeat(48, 0)
        .astype(np.uint8)
    ).save("map.png")
    assert paint(style="starry-night") == 0
    assert paint("--style", "starry-night:0.5", out="blend.png") == 0
    args = ["--content-map", "map.png", "--region", "#ff0000=keep", "--feather", "0"]
    assert paint(*args, out="kept.png", style="starry-night") == 0
    kept, whole, photo = (pixels(name) for name in ("kept.png", "out.png", "photo.png"))
    assert np.abs(kept[:, :32].astype(int) - photo[:, :32]).max() <= 1
    assert np.abs(kept[:, 34:].astype(int) - whole[:, 34:]).mean() < 30
    assert not np.array_equal(whole, pixels("blend.png"))


def test_transparency_is_kept() -> None:
    photo = Image.open("photo.png").convert("RGBA")
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    photo.save("photo.png")
    assert paint() == 0
    assert np.array_equal(pixels("out.png")[..., 3], pixels("photo.png")[..., 3])


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--iterations", "3"], "--iterations is an option of gatys"),
        (["--init", "noise"], "--init is an option of gatys"),
        (["--keep-run"], "--keep-run"),
        (["--weights", "photo.png"], "--weights"),
        (["--strength", "2"], "strength"),
    ],
)
def test_what_it_cannot_do_is_told(
    args: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert paint(*args) == 2
    assert told in capsys.readouterr().err
    assert not Path("out.png").exists()


def test_a_dry_run_and_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint("--dry-run") == 0
    assert "painted at once" in capsys.readouterr().out
    batch = ["batch", "photo.png", "painting.png", "--style", "starry-night", "--size", "64"]
    assert main([*batch, "--method", "instant", "-o", "many", "--workers", "1"]) == 0
    assert Path("many/photo-starry-night.png").is_file()
    assert Path("many/contact.jpg").is_file()


def test_a_style_is_encoded_once_and_paints_batches() -> None:
    painter = impasto.instant("painting.png", size=64)
    assert isinstance(painter, Stylizer)
    batch = torch.rand(3, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    painted = painter(batch)
    assert painted.shape == batch.shape
    assert painted.dtype == batch.dtype
    assert 0 <= painted.min() <= painted.max() <= 1
    torch.testing.assert_close(painter(batch[1:2]), painted[1:2])
    assert not torch.equal(painted, impasto.instant("starry-night", size=64)(batch))
    assert (painter(batch.double()) - painted).abs().max() < 1e-2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (torch.rand(3, 40, 40), r"\(3, 40, 40\)"),
        (torch.rand(1, 4, 40, 40), r"\(1, 4, 40, 40\)"),
        (torch.zeros(1, 3, 40, 40, dtype=torch.uint8), "Divide bytes by 255"),
        (torch.rand(1, 3, 8, 40), "40×8 pixels is too small"),
        ([1, 2], "list"),
    ],
)
def test_a_painter_says_what_it_takes(wrong: Any, told: str) -> None:
    painter = impasto.instant("starry-night", size=64)
    with pytest.raises(OptionError, match=told):
        inspect.unwrap(type(painter).__call__)(painter, wrong)  # no checker of types before it


@pytest.mark.parametrize("options", [{"strength": 3.0}, {"strenght": 0.5}, {"size": 1}])
def test_wrong_options_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        impasto.instant("starry-night", **options)


def test_a_recipe_of_it_is_checked() -> None:
    assert paint() == 0
    text = recipe_of("out.png").to_json().replace('"strength": 0.5', '"strength": 5')
    with pytest.raises(RecipeError, match="strength"):
        impasto.Recipe.from_json(text).settings()


def test_several_photographs_go_to_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    both = ["stylize", "photo.png", "painting.png", "--style", "starry-night"]
    usual = ["--method", "instant", "--size", "64", "-o", "many"]
    assert main([*both, *usual]) == 0
    assert {path.suffix for path in Path("many").iterdir()} == {".png", ".jpg", ".json"}
    assert len(list(Path("many").glob("*-starry-night.png"))) == 2
    assert main([*both, *usual]) == 0  # goes on where it was: nothing is left to do
    capsys.readouterr()
    assert main([*both, *usual, "--trace", "trace.jsonl", "--preview-every", "1"]) == 2
    assert "--preview-every, --trace: for one photograph only" in capsys.readouterr().err
