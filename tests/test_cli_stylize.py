"""The main job, as a person or a script meets it: files, streams, and Ctrl-C."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from forked import Forked
from rich.console import Console

from commands import QUICK, ROOT, paint, pixels, recipe_of
from impasto.cli import progress
from impasto.cli.interrupt import handling_signals
from impasto.cli.main import main
from impasto.config.recipe import Recipe, Stop
from impasto.image.opening import read_recipe

pytestmark = pytest.mark.usefixtures("folder")


def test_it_paints(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint() == 0
    said = capsys.readouterr()
    assert said.out == "out.png\n"
    assert pixels("out.png").shape == (48, 64, 3)
    assert np.abs(pixels("out.png").astype(int) - pixels("photo.png")).mean() > 1
    recipe = recipe_of("out.png")
    assert [given.name for given in recipe.inputs] == ["photo.png", "painting.png"]
    assert recipe.config["iterations"] == 4
    assert recipe.stopped_at is None


def test_one_line_for_each_scale_and_one_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint() == 0
    *scales, last = capsys.readouterr().err.splitlines()
    count = len(scales)
    assert count >= 2
    assert [line.split()[1] for line in scales] == [f"{i}/{count}" for i in range(1, count + 1)]
    assert re.fullmatch(r"64×48 pixels in [\d.]+ s", last)


def test_the_bar_shows_scale_iteration_losses_and_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    assert paint() == 0
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    assert re.search(
        r"scale (\d)/\1 64×48 +(\d)/\2 .* 100 % +\d+:\d\d +content [\d.]+ +style [\d.]+", said
    )


def test_the_default_name_and_an_existing_file(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["stylize", "photo.png", "--style", "painting.png", *QUICK]
    assert main([*args, "--quiet"]) == 0
    before = Path("photo-painting-quick.png").read_bytes()
    assert capsys.readouterr().out == "photo-painting-quick.png\n"
    assert main(args) == 1
    assert "exists already" in capsys.readouterr().err
    assert Path("photo-painting-quick.png").read_bytes() == before
    assert main([*args, "--seed", "7", "--force"]) == 0
    assert recipe_of("photo-painting-quick.png").config["seed"] == 7


def test_json_is_all_of_standard_output_and_quiet_all_of_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert paint("--json", "--quiet", "--trace", "run.jsonl") == 0
    trace = Path("run.jsonl").read_text().splitlines()
    said = capsys.readouterr()
    assert said.err == ""
    told = json.loads(said.out)
    assert told["output"] == "out.png"
    assert (told["width"], told["height"], told["iterations"]) == (64, 48, len(trace))
    assert told["losses"] == json.loads(trace[-1])["losses"]
    assert told["seconds"] > 0
    assert set(told["losses"]) >= {"content", "style", "total"}
    assert Recipe.from_json(json.dumps(told["recipe"])) == recipe_of("out.png")


def test_the_trace_has_a_line_for_each_step_and_replaces_no_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert paint("--trace", "run.jsonl") == 0
    steps = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]
    counts = {s["scale"]: s["iterations"] for s in steps}
    assert set(counts) == set(range(1, steps[0]["scales"] + 1))
    every = [(scale, i) for scale, count in counts.items() for i in range(1, count + 1)]
    assert [(s["scale"], s["iteration"]) for s in steps] == every
    assert [s["done"] for s in steps] == sorted(s["done"] for s in steps)
    assert steps[-1]["done"] == pytest.approx(1)
    assert paint("--trace", "run.jsonl", out="other.png") == 2
    assert "run.jsonl exists already" in capsys.readouterr().err
    assert not Path("other.png").exists()


def test_no_recipe_leaves_it_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint("--no-recipe") == 0
    assert read_recipe(Path("out.png")) is None
    assert main(["info", "out.png"]) == 1
    assert "There is no recipe in out.png" in capsys.readouterr().err


def test_sixteen_bits() -> None:
    assert paint("--bits", "16") == 0
    assert Path("out.png").read_bytes()[24] == 16  # the bit depth in PNG's header


def test_a_run_can_start_from_a_picture() -> None:
    assert paint("--method", "gatys") == 0
    optimised = ("--method", "gatys", "--init", "painting.png")
    assert paint(*optimised, "--no-recipe", out="two.png") == 0
    assert paint(*optimised, out="three.png") == 0
    assert (pixels("out.png") != pixels("two.png")).any()
    given = recipe_of("three.png").input("init")
    assert given is not None
    assert given.name == "painting.png"
    assert main(["rerun", "three.png", "-o", "again.png"]) == 0
    assert (pixels("again.png") == pixels("three.png")).all()


# Ctrl-C


def test_the_first_request_waits_for_the_iteration_and_the_second_does_not() -> None:
    before = signal.getsignal(signal.SIGINT)
    with handling_signals() as interruption:
        interruption.has_progress = True
        signal.raise_signal(signal.SIGINT)
        assert interruption.is_requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    with handling_signals(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_ctrl_c_before_the_first_step_writes_nothing() -> None:
    os.mkfifo("trace")  # opened before the first step, and it waits for a reader that never comes
    timer = threading.Timer(0.7, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    try:
        assert paint("--trace", "trace", "--force") == 130
    finally:
        timer.cancel()
    assert not Path("out.png").exists()


@pytest.mark.slow
def test_ctrl_c_keeps_the_picture_and_its_recipe_paints_the_same(folder: Path) -> None:
    args = ["stylize", "photo.png", "--style", "painting.png", "-o", "out.png", "--size", "64"]
    args += ["--iterations", "100000", "--preview-every", "1"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    code = "import sys; from impasto.cli.main import main; sys.exit(main(sys.argv[1:]))"
    painter = Forked(code, *args, env=env)
    preview = folder / "out.preview.png"
    patience = time.monotonic() + 600
    while not preview.exists() and painter.poll() is None and time.monotonic() < patience:
        time.sleep(0.02)
    assert pixels(preview).shape == (48, 64, 3)
    painter.send_signal(signal.SIGINT)
    out, err = painter.communicate(timeout=600)
    assert (painter.returncode, out) == (130, "out.png\n")
    assert "stopped early" in err
    assert "Traceback" not in err
    assert not preview.exists()
    stop = recipe_of("out.png").stopped_at
    assert stop is not None
    assert stop.scale == 1
    # The same number of steps on this process's threads; the copy's recipe says the same.
    assert main(["rerun", "out.png", "-o", "again.png"]) == 0
    assert recipe_of("again.png").stopped_at == Stop(stop.scale, stop.iteration)
    assert (pixels("again.png") == pixels("out.png")).all()


def test_a_dry_run_in_a_terminal_prints_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=40)
    monkeypatch.setattr(progress, "stderr_console", lambda: terminal)
    assert paint("--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["forecast"]["memory"] > 0
    assert paint() == 0
    assert capsys.readouterr().out == "out.png\n"
    with progress.progress_bar("working"):
        print("a line that is longer than the terminal is wide, for a program")
    assert len(capsys.readouterr().out.splitlines()) == 1
