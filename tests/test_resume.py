"""Runs that are stopped go on where they were, and end with the same pixels."""

from __future__ import annotations

import json
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forked import Forked
from PIL import Image
from typer.main import get_command

from commands import QUICK, ROOT, paint, pixels, recipe_of
from impasto.api import resume
from impasto.cli.main import app, main
from impasto.config.memory import MemoryPlan
from impasto.config.methods import GatysConfig
from impasto.config.recipe import Recipe
from impasto.errors import PictureError
from impasto.image.writing import write
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import paint as real_paint
from impasto.run import folder as run_folder
from impasto.run import launch, runner
from impasto.run.events import consume
from impasto.run.folder import locked_folder
from impasto.run.forecast import Forecast, forecast
from impasto.run.launch import RunOptions, begin
from impasto.run.output import Output

pytestmark = pytest.mark.usefixtures("folder")

RUN, STATE, RECORD = Path("out.run"), Path("out.run/state.safetensors"), Path("out.run/run.json")

Said = pytest.CaptureFixture[str]


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state is written after every step."""
    monkeypatch.setattr(run_folder, "LEAST", 0.0)
    monkeypatch.setattr(run_folder, "SHARE", 1.0)


def last_line(said: Said) -> str:
    return said.readouterr().err.splitlines()[-1]


def stop_after(
    monkeypatch: pytest.MonkeyPatch, steps: int, error: BaseException | None = None
) -> None:
    """Let the next run end in the middle: by an error, or as a kill would, with nothing tidied."""

    def broken(*args: Any) -> Iterator[Any]:
        every = real_paint(*args)
        for _ in range(steps):
            yield next(every)
        monkeypatch.setattr(runner, "paint", real_paint)
        if error is not None:
            raise error
        yield next(every)

    monkeypatch.setattr(runner, "paint", broken)


def stopped(monkeypatch: pytest.MonkeyPatch, *args: str, steps: int = 3) -> None:
    """Leave a run behind as a kill would after some steps."""
    stop_after(monkeypatch, steps, PictureError("It broke."))
    assert paint("--quiet", *args) == 1
    assert RECORD.exists()
    assert STATE.exists()
    assert not Path("out.png").exists()


# Going on


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("steps", [1, 3, 4])
def test_a_stopped_run_ends_with_the_same_pixels_and_recipe(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray, steps: int, capsys: Said
) -> None:
    stopped(monkeypatch, steps=steps)
    assert "`impasto resume out.run` continues from its last state." in last_line(capsys)
    assert main(["resume", "out.run"]) == 0
    said = capsys.readouterr()
    assert "continues after scale" in said.err
    assert str(Path("out.png").absolute()) in said.err
    assert said.out == f"{Path('out.png').absolute()}\n"
    assert (pixels("out.png") == straight).all()
    assert recipe_of("out.png") == recipe_of("straight.png")
    assert not RUN.exists()


@pytest.mark.usefixtures("eager")
def test_the_command_repeated_goes_on_and_elsewhere_too(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray, capsys: Said
) -> None:
    stopped(monkeypatch)
    Path("elsewhere").mkdir()
    shutil.copytree(RUN, "elsewhere/copy")
    capsys.readouterr()
    assert paint("--resume") == 0
    assert "continues after scale" in capsys.readouterr().err
    assert (pixels("out.png") == straight).all()
    os.chdir("elsewhere")
    assert main(["resume", "copy", "-o", "there.png"]) == 0
    assert (pixels("there.png") == straight).all()


def test_without_a_run_it_begins_and_says_so(capsys: Said) -> None:
    assert paint("--resume") == 0
    assert "there is no stopped run in out.run: it begins" in capsys.readouterr().err
    assert not RUN.exists()


@pytest.mark.usefixtures("eager")
def test_a_run_that_was_moved_with_its_sources_goes_on(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray, tmp_path: Path
) -> None:
    stopped(monkeypatch)
    there = tmp_path / "moved"
    there.mkdir()
    for name in ("photo.png", "painting.png", "out.run"):
        shutil.move(name, there / name)
    assert main(["resume", str(there / "out.run"), "-o", "out.png", "--quiet"]) == 0
    assert (pixels("out.png") == straight).all()


@pytest.mark.usefixtures("eager")
def test_it_goes_on_with_as_many_threads_as_it_began_with(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray
) -> None:
    threads = torch.get_num_threads()
    stopped(monkeypatch)
    torch.set_num_threads(threads + 1)
    try:
        assert main(["resume", "out.run", "--quiet"]) == 0
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(threads)
    assert (pixels("out.png") == straight).all()


@pytest.mark.usefixtures("eager")
def test_from_python_it_gives_the_picture_and_leaves_the_folder(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray
) -> None:
    stopped(monkeypatch)
    for _ in range(2):  # the second time from its end
        made = resume("out.run")
        assert (np.asarray(made) == straight).all()
        assert Recipe.from_json(made.info["impasto"]) == recipe_of("straight.png")
    assert not Path("out.png").exists()


@pytest.mark.usefixtures("eager")
def test_the_trace_goes_on_and_previews_do(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    stopped(monkeypatch, "--trace", "run.jsonl", "--preview-every", "2")
    assert main(["resume", "out.run", "--trace", "photo.png"]) == 2
    assert "not a trace that can be continued" in last_line(capsys)
    assert Path("out.preview.png").exists()
    assert main(["resume", "out.run", "--trace", "run.jsonl"]) == 0
    assert not Path("out.preview.png").exists()
    steps = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]
    places = [(step["scale"], step["iteration"]) for step in steps]
    assert sorted(set(places)) == places
    assert paint("--trace", "whole.jsonl", "--force") == 0
    whole = [json.loads(line) for line in Path("whole.jsonl").read_text().splitlines()]
    assert [step["losses"] for step in steps] == [step["losses"] for step in whole]


@pytest.mark.usefixtures("eager")
def test_a_rerun_of_a_picture_that_was_stopped_goes_on_to_where_that_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    early(monkeypatch, signal.SIGINT, 3)
    assert paint("--quiet", "--force") == 130
    stop_after(monkeypatch, 2, PictureError("It broke."))
    assert main(["rerun", "out.png", "-o", "again.png"]) == 1
    capsys.readouterr()
    assert main(["resume", "again.run", "--keep-run"]) == 0
    assert (pixels("again.png") == pixels("out.png")).all()
    assert recipe_of("again.png") == recipe_of("out.png")
    assert main(["extend", "again.run", "--iterations", "2", "-o", "more.png"]) == 1
    assert "stopped early" in last_line(capsys)


@pytest.mark.usefixtures("eager")
def test_a_run_keeps_to_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = MemoryPlan(history=2, dtype="float16")
    config = GatysConfig(size=64, smallest=32, iterations=12)
    sources = Sources.of("photo.png", "painting.png")

    def painted(out: str) -> None:
        task = prepare(sources, config)
        repeats = replace(task.recipe, plan=plan)
        consume(begin(lambda: task, Output(Path(out)), RunOptions(), 64, repeats=repeats))

    painted("straight.png")
    assert recipe_of("straight.png").plan == plan
    assert main(["rerun", "straight.png", "-o", "again.png", "--quiet"]) == 0
    assert (pixels("again.png") == pixels("straight.png")).all()
    assert recipe_of("again.png") == recipe_of("straight.png")
    stop_after(monkeypatch, 8, PictureError("It broke."))
    with pytest.raises(PictureError):
        painted("out.png")
    assert main(["resume", "out.run", "--quiet"]) == 0
    assert (pixels("out.png") == pixels("straight.png")).all()
    assert recipe_of("out.png") == recipe_of("straight.png")


# Signals


def early(monkeypatch: pytest.MonkeyPatch, number: int, step: int) -> None:
    """Let the next run receive a signal as it makes a step."""

    def signalled(*args: Any) -> Iterator[Any]:
        for count, each in enumerate(real_paint(*args), start=1):
            if count == step:  # not the first: before it there is nothing to keep
                monkeypatch.setattr(runner, "paint", real_paint)
                signal.raise_signal(number)
            yield each

    monkeypatch.setattr(runner, "paint", signalled)


def test_ctrl_c_keeps_picture_and_run(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray, capsys: Said
) -> None:
    early(monkeypatch, signal.SIGINT, 2)
    assert paint("--json") == 130
    said = capsys.readouterr()
    assert "`impasto resume out.run` continues it" in said.err
    assert json.loads(said.out)["run"] == "out.run"
    assert recipe_of("out.png").stopped_at is not None
    assert pixels("out.png").shape != straight.shape
    assert main(["resume", "out.run", "--quiet"]) == 0  # over its own early picture
    assert (pixels("out.png") == straight).all()


def test_sigterm_keeps_the_run_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray, capsys: Said
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    early(monkeypatch, signal.SIGTERM, 2)
    assert paint() == 143
    assert "terminated; `impasto resume out.run` continues it" in last_line(capsys)
    assert not Path("out.png").exists()
    assert signal.getsignal(signal.SIGTERM) is before
    assert paint("--resume", "--quiet") == 0
    assert (pixels("out.png") == straight).all()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asking_twice_ends_at_once_and_leaves_the_last_state(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray, number: int
) -> None:
    monkeypatch.setattr(run_folder, "LEAST", 0.0)
    monkeypatch.setattr(run_folder, "SHARE", 1.0)

    def twice(*args: Any) -> Iterator[Any]:
        for count, each in enumerate(real_paint(*args), start=1):
            yield each
            if count == 3:
                monkeypatch.setattr(runner, "paint", real_paint)
                signal.raise_signal(number)
                signal.raise_signal(number)

    monkeypatch.setattr(runner, "paint", twice)
    if number == signal.SIGTERM:
        with pytest.raises(SystemExit) as ended:
            paint("--quiet")
        assert ended.value.code == 143
    else:
        assert paint("--quiet") == 130
    assert not Path("out.png").exists()
    assert main(["resume", "out.run", "--quiet"]) == 0
    assert (pixels("out.png") == straight).all()


# Faults


def room(size: int) -> tuple[int, int]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    return before


@pytest.mark.usefixtures("eager")
def test_a_state_that_finds_no_room_is_told_once_and_the_run_goes_on(
    straight: np.ndarray, capsys: Said
) -> None:
    before = room(30_000)  # enough for the picture, and for no state
    try:
        assert paint() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capsys.readouterr().err
    assert said.count("state cannot be written to out.run: no space left") == 1
    assert (pixels("out.png") == straight).all()
    assert not RUN.exists()


@pytest.mark.usefixtures("eager")
def test_an_old_state_stays_when_a_new_one_finds_no_room(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray
) -> None:
    stopped(monkeypatch, steps=1)
    old = STATE.read_bytes()
    stop_after(monkeypatch, 2, PictureError("It broke."))
    before = room(20_000)
    try:
        assert main(["resume", "out.run", "--quiet"]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert STATE.read_bytes() == old
    assert sorted(path.name for path in RUN.iterdir()) == [RECORD.name, STATE.name]
    assert main(["resume", "out.run", "--quiet"]) == 0
    assert (pixels("out.png") == straight).all()


@pytest.mark.parametrize("large", [False, True])
def test_a_picture_that_finds_no_room_leaves_the_state_of_the_last_step(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray, capsys: Said, large: bool
) -> None:
    monkeypatch.setattr(run_folder, "LEAST", 0.0)
    if large:  # its optimiser's memory goes before the file is put together
        monkeypatch.setattr(runner, "_LARGE", 0)

    def full(*_: Any, **__: Any) -> None:
        monkeypatch.setattr("impasto.image.writing.write", write)
        raise PictureError("out.png cannot be written: no space left.")

    monkeypatch.setattr("impasto.image.writing.write", full)
    assert paint() == 1
    assert "`impasto resume out.run` continues" in last_line(capsys)
    begun: list[int] = []

    def counted(*args: Any) -> Iterator[Any]:
        for step in real_paint(*args):
            begun.append(step.iteration)
            yield step

    monkeypatch.setattr(runner, "paint", counted)
    assert main(["resume", "out.run", "--quiet"]) == 0
    assert len(begun) == 1  # nothing was left to paint
    assert (pixels("out.png") == straight).all()


def test_an_output_folder_that_is_removed_for_good_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setattr(run_folder, "LEAST", 0.0)
    Path("there").mkdir()

    def removed(*args: Any) -> Iterator[Any]:
        shutil.rmtree("there")
        Path("there").write_text("a file, in whose place there can be no folder")
        yield from real_paint(*args)

    monkeypatch.setattr(runner, "paint", removed)
    assert paint("--run", "kept.run", out="there/out.png") == 1
    said = last_line(capsys)
    assert "is a file and no folder" in said
    assert "`impasto resume kept.run`" in said
    monkeypatch.setattr(runner, "paint", real_paint)
    assert main(["resume", "kept.run", "-o", "out.png", "--quiet"]) == 0
    assert pixels("out.png").shape == (48, 64, 3)


def test_an_early_failure_leaves_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    stop_after(monkeypatch, 2, PictureError("It broke."))
    assert paint() == 1
    assert last_line(capsys) == "impasto: It broke."
    assert not RUN.exists()


# What is there already


@pytest.mark.usefixtures("eager")
def test_an_unfinished_run_is_never_replaced_silently(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray, capsys: Said
) -> None:
    stopped(monkeypatch)
    before = STATE.read_bytes()
    assert paint() == 1
    said = last_line(capsys)
    assert "out.run holds an unfinished run" in said
    assert "`impasto resume out.run` or --resume" in said
    assert "--force" in said
    assert STATE.read_bytes() == before
    assert paint("--force", "--quiet") == 0
    assert (pixels("out.png") == straight).all()
    assert not RUN.exists()


def test_a_folder_of_something_else_is_left_alone(capsys: Said) -> None:
    RUN.mkdir()
    (RUN / "thesis.txt").write_text("precious")
    for more in ([], ["--force"], ["--resume"]):
        assert paint(*more) == 1
        assert "a folder without a run" in last_line(capsys)
    assert [path.name for path in RUN.iterdir()] == ["thesis.txt"]
    assert main(["resume", "out.run"]) == 1
    assert "There is no run in out.run" in last_line(capsys)
    assert main(["resume", "nowhere.run"]) == 1
    assert "There is no folder nowhere.run" in last_line(capsys)
    assert paint("--run", "out.png", out="out.png") == 2


@pytest.mark.usefixtures("eager")
def test_another_run_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    stopped(monkeypatch)
    assert paint("--resume", "--strength", "0.8", "--seed", "3") == 1
    said = last_line(capsys)
    assert "--strength was 0.5 and is 0.8" in said
    assert "--seed was 0 and is 3" in said
    assert paint("--resume", "--method", "nnst") == 1
    assert "paints by quick, not by nnst" in last_line(capsys)
    shutil.copy("photo.png", "other.png")
    assert main(["stylize", "photo.png", "--style", "other.png", "-o", "out.png", *QUICK,
                 "--resume"]) == 1  # fmt: skip
    assert "its style was different" in last_line(capsys)


@pytest.mark.usefixtures("eager")
def test_changed_and_missing_inputs_are_named(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray, capsys: Said
) -> None:
    stopped(monkeypatch)
    Path("photo.png").rename("moved.png")
    with Image.open("painting.png") as image:
        image.transpose(Image.Transpose.ROTATE_180).save("other.png")
    Path("painting.png").rename("kept.png")
    Path("other.png").rename("painting.png")
    assert main(["resume", "out.run"]) == 1
    said = last_line(capsys)
    assert f"the content {Path('photo.png').absolute()} is missing" in said
    assert f"the style {Path('painting.png').absolute()} has changed: sha256:" in said
    Path("moved.png").rename("photo.png")
    Path("kept.png").rename("painting.png")
    assert main(["resume", "out.run", "--quiet"]) == 0
    assert (pixels("out.png") == straight).all()


@pytest.mark.usefixtures("eager")
def test_another_version_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    stopped(monkeypatch)
    RECORD.write_text(RECORD.read_text().replace('"version": "', '"version": "0.0.'))
    assert main(["resume", "out.run"]) == 0
    assert "made by Impasto 0.0." in capsys.readouterr().err


@pytest.mark.usefixtures("eager")
def test_a_picture_that_came_in_between_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray, capsys: Said
) -> None:
    stopped(monkeypatch)
    shutil.copy("painting.png", "out.png")
    assert main(["resume", "out.run"]) == 1
    assert "out.png exists already" in last_line(capsys)
    assert (pixels("out.png") == pixels("painting.png")).all()
    assert main(["resume", "out.run", "--force", "--quiet"]) == 0
    assert (pixels("out.png") == straight).all()


@pytest.mark.usefixtures("eager")
def test_what_a_run_was_told_to_replace_it_replaces(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray
) -> None:
    shutil.copy("painting.png", "out.png")
    stop_after(monkeypatch, 3, PictureError("It broke."))
    assert paint("--force") == 1
    assert main(["resume", "out.run", "--quiet"]) == 0
    assert (pixels("out.png") == straight).all()


@pytest.mark.usefixtures("eager")
def test_a_kill_between_the_picture_and_the_tidying_is_survived(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray
) -> None:
    real = runner._Run._put_away

    def killed(*_: Any, **__: Any) -> bool:
        monkeypatch.setattr(runner._Run, "_put_away", real)
        raise KeyboardInterrupt

    monkeypatch.setattr(runner._Run, "_put_away", killed)
    assert paint() == 130
    assert Path("out.png").exists()
    assert RECORD.exists()
    assert main(["resume", "out.run", "--quiet"]) == 0
    assert (pixels("out.png") == straight).all()
    assert not RUN.exists()


def test_two_processes_do_not_work_in_one_folder(capsys: Said) -> None:
    assert paint("--keep-run", "--quiet") == 0
    capsys.readouterr()
    with locked_folder(RUN) as folder:
        folder.open()
        script = "import sys; from impasto.cli.main import main; sys.exit(main(sys.argv[1:]))"
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        for args in (["resume", "out.run"], ["extend", "out.run", "--iterations", "1"]):
            other = Forked(script, *args, env=env)
            _, said = other.communicate()
            assert other.returncode == 1
            assert said.startswith("impasto: Another process works in out.run.")
    assert main(["resume", "out.run", "--quiet"]) == 0


# More iterations


@pytest.mark.parametrize("more", [[], ["--optimizer", "adam"]])
def test_an_extended_run_is_a_longer_one(more: list[str], capsys: Said) -> None:
    last = ["--smallest", "64"]  # one scale, so that all iterations are its
    assert paint("--keep-run", "--quiet", *last, *more) == 0
    capsys.readouterr()
    assert main(["extend", "out.run", "--iterations", "3"]) == 1
    assert "exists already" in last_line(capsys)
    assert main(["extend", "out.run", "--iterations", "1", "--force", "--quiet"]) == 0
    assert main(["extend", "out.run", "--iterations", "2", "-o", "more.png", "--quiet"]) == 0
    assert paint("--iterations", "7", "--quiet", *last, *more, out="long.png") == 0
    assert (pixels("more.png") == pixels("long.png")).all()
    assert (pixels("out.png") != pixels("long.png")).any()
    assert recipe_of("more.png").extended == 3
    assert main(["info", "more.png"]) == 0
    assert "by 3 iterations" in capsys.readouterr().out
    assert main(["rerun", "more.png", "-o", "again.png", "--quiet"]) == 0
    assert (pixels("again.png") == pixels("long.png")).all()


@pytest.mark.usefixtures("eager")
def test_an_extension_that_is_stopped_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert paint("--keep-run", "--quiet") == 0
    shutil.copytree(RUN, "copy.run")
    args = ["--iterations", "4", "-o", "more.png", "--quiet"]
    stop_after(monkeypatch, 2, PictureError("It broke."))
    assert main(["extend", "out.run", *args]) == 1
    assert main(["extend", "out.run", *args]) == 1
    assert main(["resume", "out.run", "--quiet"]) == 0
    assert main(["extend", "copy.run", "--iterations", "4", "-o", "whole.png", "--quiet"]) == 0
    assert (pixels("more.png") == pixels("whole.png")).all()
    assert RUN.exists()


def test_a_finished_run_that_is_kept_gives_its_picture_again(capsys: Said) -> None:
    assert paint("--keep-run", "--quiet") == 0
    first = Path("out.png").read_bytes()
    assert main(["resume", "out.run", "--quiet"]) == 0
    assert Path("out.png").read_bytes() == first
    Path("out.png").unlink()
    assert main(["resume", "out.run", "--quiet"]) == 0
    assert Path("out.png").read_bytes() == first
    Path("out.png").unlink()
    capsys.readouterr()
    assert paint() == 1
    assert "holds a finished run" in last_line(capsys)


def test_every_option_of_their_own_is_on_the_page() -> None:
    page = (ROOT / "docs" / "controls" / "resume.md").read_text("utf-8")
    shown = set(re.findall(r"--[a-z][a-z0-9-]*", page))
    commands = get_command(app).commands  # type: ignore[attr-defined]
    own = {p.opts[0] for name in ("resume", "extend") for p in commands[name].params}
    usual = {"--quiet", "--json", "--help", "--out"}
    flags = {flag for flag in own if flag.startswith("--")} | {"--run", "--keep-run", "--resume"}
    assert flags - usual - shown == set()


# The real thing


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_kills_at_any_moment_are_survived() -> None:
    """A few kills, of a method each; IMPASTO_KILLS, as `benchmarks/kills.py`, takes many more."""
    wanted = os.environ.get("IMPASTO_KILLS", "5")
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "kills.py"), wanted, "--json", "--seed", "7"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)["total"]
    assert told["kills"] >= int(wanted)
    assert told["survived"] == told["kills"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_the_command_itself_is_killed_and_goes_on(number: int) -> None:
    args = ["stylize", "photo.png", "--style", "painting.png", "-o", "out.png", "--size", "64",
            "--smallest", "64", "--iterations", "100"]  # fmt: skip
    script = (
        "import sys; from impasto.run import folder; folder.LEAST = 0.0; folder.SHARE = 1.0;"
        "from impasto.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    painter = Forked(script, *args, env=env)
    patience = time.monotonic() + 600
    while not STATE.exists() and painter.poll() is None and time.monotonic() < patience:
        time.sleep(0.01)
    painter.send_signal(number)
    painter.communicate()
    assert painter.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert STATE.exists()
    more = [["resume", "out.run"], ["straight.png" if a == "out.png" else a for a in args]]
    for process in [Forked(script, *words, "--quiet", env=env) for words in more]:
        _, said = process.communicate()
        assert process.returncode == 0, said
    assert (pixels("out.png") == pixels("straight.png")).all()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a terminal that is closed")
def test_a_closed_terminal_keeps_the_state() -> None:
    """The terminal's own signal, and nowhere to write to any more."""
    script = (
        "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        "from impasto.run import folder; folder.LEAST = 0.0; folder.SHARE = 1.0;"
        "from impasto.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    args = ["stylize", "photo.png", "--style", "painting.png", "-o", "out.png", "--size", "64",
            "--smallest", "64", "--iterations", "100000"]  # fmt: skip
    ours, theirs = os.openpty()
    painter = subprocess.Popen(
        [sys.executable, "-c", script, *args],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    patience = time.monotonic() + 600
    while not STATE.exists() and painter.poll() is None and time.monotonic() < patience:
        if select.select([ours], [], [], 0.01)[0]:
            os.read(ours, 65_536)  # otherwise who writes to it would wait
    os.close(ours)
    assert painter.wait(timeout=600) == 129
    assert STATE.exists()
    assert not Path("out.png").exists()


# Between processes, and from Python


@pytest.mark.usefixtures("eager")
def test_a_plan_that_no_longer_fits_is_changed_with_a_note(
    monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    stopped(monkeypatch)
    capsys.readouterr()
    leaner = MemoryPlan(2**25)
    real = forecast

    def short(*args: Any, plan: MemoryPlan | None = None, **more: Any) -> Forecast:
        expected = real(*args, plan=plan or leaner, **more)
        return replace(expected, allowed=expected.memory - 1) if plan else expected

    monkeypatch.setattr(launch, "forecast", short)
    assert main(["resume", "out.run", "--memory", "8GB"]) == 0
    assert "memory is short: the run continues, the picture is computed in tiles of 32 MiB" in (
        capsys.readouterr().err
    )
    assert recipe_of("out.png").plan == leaner
    assert recipe_of("out.png").replanned


@pytest.mark.usefixtures("eager")
def test_a_run_that_fails_again_before_its_first_state_can_still_be_resumed(
    monkeypatch: pytest.MonkeyPatch, straight: np.ndarray
) -> None:
    stopped(monkeypatch)
    STATE.unlink()
    stop_after(monkeypatch, 0, PictureError("It broke."))
    with pytest.raises(PictureError, match="It broke"):
        resume("out.run")
    stop_after(monkeypatch, 0, PictureError("It broke."))
    assert main(["resume", "out.run", "-q"]) == 1
    assert (np.asarray(resume("out.run")) == straight).all()
