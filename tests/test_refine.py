"""`--method instant+refine`: painted at once, then optimised; with the networks of the package."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from commands import pixels, recipe_of
from impasto.cli.main import main
from impasto.config.memory import MemoryPlan
from impasto.config.methods import METHODS, GatysConfig, InstantConfig, RefineConfig
from impasto.engine.setup import backbone_of
from impasto.engine.snapshots import Execution
from impasto.engine.step import Step, last
from impasto.errors import OptionError, PictureError
from impasto.features.sources import digest
from impasto.image.reading import read
from impasto.methods.gatys import gatys
from impasto.methods.instant import instant
from impasto.methods.refine import refine
from impasto.networks.checkpoint import digest as digest_of_instant
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import paint as real_paint
from impasto.run import folder as run_folder
from impasto.run import runner
from impasto.styles import card, gallery

pytestmark = pytest.mark.usefixtures("folder")

QUICK = ["--method", "instant+refine", "--size", "64", "--iterations", "4"]
COFFEE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "coffee.jpg"
STYLE = card.load(gallery.path("starry-night"))


def paint(*args: str, out: str = "out.png", style: str = "starry-night") -> int:
    return main(["stylize", "photo.png", "--style", style, "-o", out, *QUICK, *args])


def steps_of(kind: Any, config: GatysConfig, **more: Any) -> list[Step]:
    return list(kind(read(COFFEE).pixels, STYLE, config, **more))


def total(step: Step) -> float:
    return step.losses["total"]


# What it paints


def test_it_begins_lower_than_from_the_photograph_and_ends_lower_than_instant() -> None:
    """And lower than from the photograph at the same size in as many iterations."""
    steps = steps_of(refine, RefineConfig(size=128, iterations=20), execution=Execution(extra=1))
    config = GatysConfig(size=128, smallest=128, iterations=20)
    whole = steps_of(gatys, config, execution=Execution(extra=1))
    assert total(steps[0]) < 0.7 * total(whole[0])
    assert total(steps[-1]) < 0.7 * total(steps[0])  # the first one's is that of instant alone
    assert total(steps[-1]) < total(whole[-1])


def test_it_starts_from_the_very_picture_that_instant_paints() -> None:
    config = RefineConfig(size=96, iterations=1)
    eye = backbone_of(config)
    painted = last(instant(read(COFFEE).pixels, STYLE, InstantConfig(size=96))).image()
    given, own = (
        steps_of(refine, config, extractor=eye, start=start)[0] for start in (painted, None)
    )
    assert total(given) == total(own)
    assert torch.equal(given.image(), own.image())


def test_it_paints_at_the_size_of_the_result_unless_told() -> None:
    assert {s.scales for s in steps_of(refine, RefineConfig(size=96, iterations=2))} == {1}
    coarse = RefineConfig(size=96, smallest=48, iterations=2)
    assert [s.width for s in steps_of(refine, coarse)] == [48, 96]


def test_it_has_a_recipe_and_paints_again_from_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint("--json", "--strength", "0.8") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["width"], report["height"], report["iterations"]) == (64, 48, 4)
    recipe = recipe_of("out.png")
    assert (recipe.method, recipe.config["strength"]) == ("instant+refine", 0.8)
    assert recipe.backbone_digest not in (digest("compact"), digest_of_instant())
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


def test_options_of_either_part_change_the_picture() -> None:
    assert paint(style="painting.png") == 0
    for args in (
        ["--color", "keep"],
        ["--color", "match"],
        ["--strength", "1"],
        ["--style-loss", "gram"],
        ["--pooling", "average"],
        ["--style", "starry-night:0.5"],
        ["--smallest", "32"],
    ):
        assert paint(*args, "--force", out="other.png", style="painting.png") == 0
        assert not np.array_equal(pixels("out.png"), pixels("other.png")), args


def test_regions_are_kept_and_painted() -> None:
    red = np.where(np.arange(64)[None, :, None] < 32, [255, 0, 0], [0, 0, 255])
    Image.fromarray(red.repeat(48, 0).astype(np.uint8)).save("map.png")
    args = ["--content-map", "map.png", "--region", "#ff0000=keep", "--feather", "0"]
    assert paint(*args) == 0
    painted, photo = pixels("out.png").astype(int), pixels("photo.png").astype(int)
    assert np.abs(painted[:, :32] - photo[:, :32]).max() <= 1
    assert np.abs(painted[:, 34:] - photo[:, 34:]).mean() > 10
    args = ["--content-map", "map.png", "--region", "#ff0000=tahiti:0.9"]
    assert paint(*args, out="two.png") == 0
    assert np.abs(pixels("two.png")[:, :30] - photo[:, :30]).mean() > 10


# What it cannot be told


@pytest.mark.parametrize("value", ["content", "noise", "photo.png"])
def test_a_start_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert paint("--init", value) == 2
    assert "--init has no effect with --method instant+refine" in capsys.readouterr().err
    assert not Path("out.png").exists()


def test_a_start_is_refused_from_python_too() -> None:
    pair = "photo.png", "starry-night", "instant+refine"
    for init in ("noise", Image.new("RGB", (64, 48))):
        with pytest.raises(OptionError, match="starts from what instant paints"):
            impasto.stylize(*pair, size=64, init=init)
    with pytest.raises(OptionError, match="starts from what instant paints"):
        RefineConfig(init="noise")
    with pytest.raises(OptionError, match="starts from what instant paints"):
        prepare(Sources.of("photo.png", "starry-night", init="photo.png"), RefineConfig(size=64))


def test_a_close_name_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint("--method", "instant-refine") == 2
    assert "instant+refine" in capsys.readouterr().err


# How it is carried out


def test_a_stopped_run_goes_on_to_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the state alone: nothing is painted at once again."""
    monkeypatch.setattr(run_folder, "LEAST", 0.0)
    monkeypatch.setattr(run_folder, "SHARE", 1.0)
    assert paint("--smallest", "32", out="straight.png") == 0

    def broken(*args: Any) -> Iterator[Step]:
        every = real_paint(*args)
        yield from (next(every), next(every))
        raise PictureError("It broke.")

    with monkeypatch.context() as patch:
        patch.setattr(runner, "paint", broken)
        assert paint("--smallest", "32") == 1
    monkeypatch.delattr(sys.modules["impasto.methods.refine"], "instant")
    assert main(["resume", "out.run"]) == 0
    assert np.array_equal(pixels("out.png"), pixels("straight.png"))
    assert recipe_of("out.png") == recipe_of("straight.png")


def test_a_finished_run_can_be_extended() -> None:
    assert paint("--keep-run") == 0
    before = pixels("out.png")
    assert main(["extend", "out.run", "--iterations", "2", "--force"]) == 0
    assert recipe_of("out.png").extended == 2
    assert not np.array_equal(pixels("out.png"), before)


def test_it_is_estimated_and_fits_into_what_it_may_have(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint("--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["recipe"]["method"] == "instant+refine"
    assert told["forecast"]["seconds"] > 0
    config = RefineConfig(size=2048, iterations=1)
    load = prepare(Sources.of("photo.png", "starry-night"), config).workload
    windows = MemoryPlan(32 * 2**20, history=2, dtype="float16")
    assert load.bytes(windows, 4) < load.bytes(MemoryPlan(), 4)
    least = prepare(Sources.of("photo.png", "starry-night"), RefineConfig(size=64)).workload
    at_once = prepare(Sources.of("photo.png", "starry-night"), InstantConfig(size=64)).workload
    assert least.bytes(windows, 4) >= at_once.bytes(windows, 4)


def test_windows_paint_nearly_the_same() -> None:
    config = RefineConfig(size=160, iterations=3)
    whole, tiled = (
        steps_of(refine, config, execution=Execution(plan=plan))[-1].image()
        for plan in (MemoryPlan(), MemoryPlan(2**20))
    )
    assert (whole - tiled).abs().mean() < 0.01


def test_a_batch_and_the_library() -> None:
    batch = ["batch", "photo.png", "--style", "starry-night", *QUICK]
    assert main([*batch, "-o", "many", "--workers", "1"]) == 0
    assert Path("many/photo-starry-night.png").is_file()
    options: dict[str, Any] = {"size": 64, "iterations": 4}
    picture = impasto.stylize("photo.png", "starry-night", method="instant+refine", **options)
    assert json.loads(picture.info["impasto"])["method"] == "instant+refine"


def test_its_name_is_that_of_its_options() -> None:
    assert METHODS["instant+refine"].config is RefineConfig
