"""What Impasto 0.1.0 wrote is read, resumed and repeated: one file of each kind, made by it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import impasto
from commands import pixels, recipe_of
from impasto.cli.main import main
from impasto.config.methods import METHODS

DATA = Path(__file__).parent / "data" / "0.1.0"

# Each method's picture. Another machine's last bits may differ, and so a pixel here and there.
PICTURES = {
    "gatys": "gatys", "nnst": "nnst", "mrf": "mrf", "instant": "instant", "fast": "fast",
    "instant+refine": "refine", "laplacian": "laplacian", "texture": "texture", "doodle": "doodle",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _old_files(folder: Path) -> None:
    shutil.copytree(DATA, folder, dirs_exist_ok=True)


def assert_close(first: str, second: str) -> None:
    difference = np.abs(pixels(first).astype(int) - pixels(second).astype(int))
    assert difference.mean() < 0.5, f"{first} is not {second}"


def test_there_is_a_picture_of_every_method() -> None:
    assert set(PICTURES) <= set(METHODS)


@pytest.mark.parametrize("name", [*PICTURES.values(), "regions"])
def test_a_picture_is_painted_again_from_its_recipe(name: str) -> None:
    before = recipe_of(f"{name}.png")
    assert before.version == "0.1.0"
    assert main(["rerun", f"{name}.png", "-o", "again.png", "--quiet"]) == 0
    assert recipe_of("again.png").config.items() >= before.config.items()
    assert_close("again.png", f"{name}.png")


def test_a_stopped_run_goes_on_to_the_picture_of_one_that_was_not() -> None:
    assert main(["resume", "stopped.run", "-o", "resumed.png", "--quiet"]) == 0
    assert_close("resumed.png", "stopped.png")
    assert not Path("stopped.run").exists()


def test_a_stopped_run_goes_on_from_python() -> None:
    picture = np.asarray(impasto.resume("stopped.run"))
    assert np.abs(picture.astype(int) - pixels("stopped.png").astype(int)).mean() < 0.5


def test_a_batch_is_known_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    styles = ["--style", "painting.png", "--style", "starry-night"]
    options = ["--method", "gatys", "--size", "32", "--smallest", "32", "--iterations", "2",
               "--seed", "1", "--preconditioner", "none", "--scales", "half-octaves",
               "--subject", "paint", "--detail-weight", "0",
               "--region-color", "0"]  # fmt: skip
    Path("batch/b-painting.png").unlink()
    assert main(["batch", "photos", *styles, "-o", "batch", *options]) == 0
    assert "4 of 4 pictures are finished, 3 of them by an earlier run" in capsys.readouterr().err


def test_a_style_card_and_a_trained_style_are_painted_with() -> None:
    assert main(["stylize", "photo.png", "-s", "card.style", "-o", "card.png", "--size", "48",
                 "--smallest", "48", "--iterations", "1", "-q"]) == 0  # fmt: skip
    assert main(["info", "trained.impasto"]) == 0
