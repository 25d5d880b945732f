"""`impasto study`: real small studies, what they leave in their folder, and how they go on."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image

from impasto.cli.main import main
from impasto.config.memory import MemoryPlan
from impasto.config.methods import GatysConfig
from impasto.config.recipe import Recipe
from impasto.engine.snapshots import Execution
from impasto.engine.step import Step
from impasto.errors import OptionError
from impasto.evaluation import metrics
from impasto.evaluation.studies import curves
from impasto.evaluation.studies.curves import Curve
from impasto.evaluation.studies.folder import Tick, _read, name_of
from impasto.evaluation.studies.registry import STUDIES, variants_of
from impasto.evaluation.studies.run_study import Progress, StudySpec, run_study
from impasto.image.opening import read_recipe
from impasto.installation import install_hint
from impasto.painting.task import Task, paint
from impasto.run import runner
from impasto.sheets.plots import Panel

QUICK = ["--size", "64", "--smallest", "32", "--iterations", "3", "--quiet"]
BASE = GatysConfig(size=64, smallest=32, iterations=3)

pytest.importorskip("matplotlib")


def study(kind: str, *args: str, out: str = "out") -> int:
    return main(["study", kind, "photo.png", "--style", "painting.png", "-o", out, *QUICK, *args])


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Links(HTMLParser):
    """Everything that a page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "img", "source"}:
            self.open.append(tag)
        self.found += [v for k, v in attrs if k in {"src", "href", "srcset"} and v is not None]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_page(folder: Path) -> list[str]:
    links = Links((folder / "index.html").read_text("utf-8"))
    assert not links.open
    for link in links.found:
        assert "//" not in link, "something from elsewhere"
        assert (folder / unquote(link)).is_file(), link
    return links.found


def test_a_study_of_strength_leaves_everything_and_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("av")
    assert study("strength", "--values", "0.2,0.8", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["planned"] == 2
    assert not told["interrupted"]
    out = folder / "out"
    rows = lines(out / "runs.csv")
    assert [row["strength"] for row in rows] == ["0.2", "0.8"]
    assert float(rows[0]["content_distance"]) < float(rows[1]["content_distance"])
    check_agreement_with_evaluate(out, rows[0])
    check_steps(out)
    check_gram(out)
    assert {"film.mp4", "sheet.png", "losses.png", "time.png", rows[1]["file"]} <= set(
        check_page(out)
    )
    check_film(out / "film.mp4")
    with Image.open(out / "sheet.png") as sheet:
        assert min(sheet.size) > 400
    check_going_on(out, rows)


def check_agreement_with_evaluate(out: Path, row: dict[str, str]) -> None:
    result = metrics.evaluate(out / row["file"], "photo.png", "painting.png")[0]
    assert float(row["content_distance"]) == pytest.approx(result.content, rel=1e-3)
    assert float(row["style_distance"]) == pytest.approx(result.style, rel=1e-3)
    assert float(row["ssim"]) == pytest.approx(result.ssim, rel=1e-3)
    assert float(row["colour_distance"]) == pytest.approx(result.colour, rel=1e-3)


def check_steps(out: Path) -> None:
    steps = lines(out / "steps.csv")
    assert [step["run"] for step in steps] == ["strength 0.2"] * 3 + ["strength 0.8"] * 3
    for run in (steps[:3], steps[3:]):
        assert [int(step["iteration"]) for step in run] == [1, 2, 3]
        assert all(float(a["seconds"]) <= float(b["seconds"]) for a, b in pairwise(run))
        assert all(float(step["loss_total"]) > 0 for step in run)


def check_gram(out: Path) -> None:
    rows = lines(out / "gram.csv")
    pictures = list(dict.fromkeys(row["picture"] for row in rows))
    assert pictures == ["photograph", "painting", "strength 0.2", "strength 0.8"]
    for row in rows:
        assert float(row["min"]) <= float(row["mean"]) <= float(row["max"])
    first = {row["picture"]: row for row in rows if row["layer"] == "relu1_1"}
    assert {row["distance_to_painting"] for row in rows if row["picture"] == "painting"} == {"0.0"}
    assert first["photograph"]["gram_rows"] == "64"
    for run in lines(out / "runs.csv"):
        own = [float(r["distance_to_painting"]) for r in rows if r["picture"] == run["label"]]
        assert sum(own) / len(own) == pytest.approx(float(run["style_distance"]), rel=1e-4)


def check_film(path: Path) -> None:
    import av

    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.frames > 30


def check_going_on(out: Path, rows: list[dict[str, str]]) -> None:
    """The same command paints only what is missing, and another one is refused."""
    first, second = (out / row["file"] for row in rows)
    before, pixels = first.stat().st_mtime_ns, second.read_bytes()
    second.unlink()
    assert study("strength", "--values", "0.2,0.8", "--no-video") == 0
    assert first.stat().st_mtime_ns == before
    assert second.read_bytes() == pixels
    assert lines(out / "runs.csv")[0]["seconds"] == rows[0]["seconds"]
    assert study("strength", "--values", "0.2,0.9", "--no-video") == 2


def test_a_picture_can_be_painted_again_from_its_recipe(folder: Path) -> None:
    assert study("iterations", "--values", "2,3", "--no-video") == 0
    rows = lines(folder / "out" / "runs.csv")
    assert [row["after_iterations"] for row in rows] == ["2", "3"]
    assert len(lines(folder / "out" / "steps.csv")) == 3
    on_the_way = folder / "out" / rows[0]["file"]
    text = read_recipe(on_the_way)
    assert text is not None
    assert Recipe.from_json(text).stopped_at is not None
    assert main(["rerun", str(on_the_way), "-o", "again.png", "--quiet"]) == 0
    with Image.open("again.png") as again, Image.open(on_the_way) as then:
        assert again.tobytes() == then.tobytes()


def test_layers_make_a_table_of_content_and_style(folder: Path) -> None:
    layers = ["--values", "relu2_1,relu4_1", "--style-layers", "relu1_1,relu2_1"]
    assert study("layers", *layers, "--iterations", "1", "--no-video") == 0
    rows = lines(folder / "out" / "runs.csv")
    assert [(row["content_layers"], row["style_layers"]) for row in rows] == [
        (content, style)
        for content in ("relu2_1", "relu4_1")
        for style in ("relu1_1", "relu1_1 relu2_1")
    ]
    page = (folder / "out" / "index.html").read_text("utf-8")
    assert page.count('<th scope="col">style relu1_1') == 2
    check_page(folder / "out")


def test_an_interrupted_study_shows_what_it_has_and_goes_on(folder: Path) -> None:
    spec = StudySpec("init", "photo.png", "painting.png", BASE, folder / "out", film=False)

    def stop(progress: Progress) -> bool:
        return not (progress.number == 2 and progress.step is not None)

    outcome = run_study(spec, stop)
    assert outcome.interrupted
    assert [path.name for path in outcome.pictures] == ["01-from-the-photograph.png"]
    assert "1 of 5 pictures" in outcome.page.read_text("utf-8")
    again = run_study(spec)
    assert (again.reused, len(again.pictures)) == (1, 5)
    assert not again.interrupted
    assert "1 of 5" not in again.page.read_text("utf-8")


def test_a_foreign_folder_is_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "letter.txt").write_text("dear")
    assert study("tv", "--values", "1", "--no-video") == 2
    assert "holds no study" in capsys.readouterr().err
    assert [path.name for path in (folder / "out").iterdir()] == ["letter.txt"]


def test_notes_that_are_nested_too_deeply_are_none(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    path.write_text("[" * 99_999)
    assert _read(path) is None


def test_the_inputs_are_not_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert study("tv", "--values", "1", "--no-video", "--force", out=".") == 2
    assert "photo.png is in ." in capsys.readouterr().err
    assert {path.name for path in folder.iterdir()} == {"photo.png", "painting.png"}


def test_a_start_among_the_values_is_not_written_over(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = folder / "out" / "start.png"
    start.parent.mkdir()
    start.write_bytes(Path("photo.png").read_bytes())
    assert study("init", "--values", "content,out/start.png", "--no-video", "--force") == 2
    assert "out/start.png is in out" in capsys.readouterr().err
    assert [path.name for path in start.parent.iterdir()] == ["start.png"]


def test_a_picture_to_start_from_may_be_called_noise() -> None:
    starts = variants_of("init", BASE, ["content"], init=Path("./noise"))
    assert [variant.init for variant in starts] == [None, Path("noise")]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["strenght"], "did you mean 'strength'"),
        (["strength", "--values", "0.1,much"], "takes numbers from 0 to 1"),
        (["strength", "--values", "2"], "--strength is 2.0"),
        (["tv", "--values", "-1"], "--tv-weight is -1.0"),
        (["weights", "--values", "-1"], "0 or more"),
        (["iterations", "--values", "1.5"], "are whole"),
        (["layers", "--values", "relu9_1"], "no layer 'relu9_1'"),
        (["init", "--values", "noise:x"], "whole number"),
        (["statistics", "--values", "1"], "varies nothing"),
        (["tv", "--values", ","], "--values is empty"),
    ],
)
def test_wrong_values_are_one_message_before_any_work(
    args: list[str], told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study(*args) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not (folder / "out").exists()


@pytest.mark.parametrize(("module", "flags"), [("matplotlib", []), ("av", ["--no-video"])])
def test_a_missing_library_is_named_before_any_work(
    module: str,
    flags: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert study("tv", "--values", "1") == 2
    said = capsys.readouterr().err
    assert install_hint("study") in said
    assert all(flag in said for flag in flags)
    assert not (folder / "out").exists()


@pytest.mark.parametrize("kind", STUDIES)
def test_every_study_has_captions_and_files_of_its_own(kind: str) -> None:
    variants = variants_of(kind, BASE)
    names = [name_of(i, variant.label) for i, variant in enumerate(variants)]
    assert len({variant.label for variant in variants}) == len(variants)
    assert all(name.isascii() and "/" not in name for name in names)


def test_a_third_picture_is_one_more_start() -> None:
    starts = variants_of("init", BASE, init=Path("third.png"))
    assert [variant.init for variant in starts] == [None] * 5 + [Path("third.png")]
    assert [v.config.seed for v in starts[1:4]] == [0, 1, 2]
    with pytest.raises(OptionError, match="no study 'x'"):
        variants_of("x", BASE)


def test_the_weights_are_in_the_ratio_that_is_asked() -> None:
    base = GatysConfig(style_weight=2.0)
    found: list[Any] = variants_of("weights", base, ["0.5", "0.5", "4"])
    assert [(v.config.content_weight, v.config.style_weight) for v in found] == [(1, 2), (8, 2)]


def test_every_loss_has_a_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["content", "detail", "style", "total", "tv", "laplacian", "l2"]
    ticks = tuple(Tick(i, 1, 64, 48, i, dict.fromkeys(names, 1 / i)) for i in range(1, 4))
    panels: list[Panel] = []
    monkeypatch.setattr(curves, "save_plot", lambda shown, *_, **__: panels.extend(shown))
    curves.save_losses([Curve("the run", ticks)], tmp_path / "losses.png")
    assert len({panel.y for panel in panels}) == len(names)
    assert all(len(panel.lines[0].y) == 3 for panel in panels)


def test_a_run_that_begins_again_is_counted_from_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def short(task: Task, execution: Execution) -> Iterator[Step]:
        for count, step in enumerate(paint(task, execution), start=1):
            if count == 3 and not execution.plan.tile:
                raise MemoryError
            yield step

    monkeypatch.setattr(runner, "paint", short)
    monkeypatch.setattr(runner, "leaner_plan", lambda *_: MemoryPlan(2**25))
    args = ["study", "iterations", "photo.png", "--style", "painting.png", "-o", "out"]
    assert main([*args, *QUICK[:-1], "--values", "1,2,3"]) == 0
    assert "memory ran out: the run begins again" in capsys.readouterr().err
    steps = lines(folder / "out" / "steps.csv")
    assert [row["iteration"] for row in steps] == ["1", "2", "3"]
    pictures = [read_recipe(folder / "out" / row["file"]) for row in lines(folder / "out/runs.csv")]
    recipes = [Recipe.from_json(text or "") for text in pictures]
    assert [bool(recipe.plan.tile) for recipe in recipes] == [False, False, True]
    assert recipes[-1].stopped_at is None
