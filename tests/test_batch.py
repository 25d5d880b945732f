"""A batch as a person meets it: what fails, what is killed, and what goes on afterwards."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from faulty import serve_held
from PIL import Image

from commands import QUICK, ROOT, pixels, recipe_of
from impasto.cli.main import main
from impasto.config.methods import GatysConfig
from impasto.errors import ImpastoError, OptionError, WeightsError
from impasto.jobs.batch import STAGING, Batch, BatchStyle
from impasto.jobs.contact_sheet import draw
from impasto.jobs.manifest import Manifest
from impasto.jobs.messages import DrawJob
from impasto.jobs.messages import SheetPicture as Cell
from impasto.jobs.run_batch import Progress, run_batch
from impasto.jobs.sheet_layout import plan_sheets
from impasto.jobs.status import batch_status

Said = pytest.CaptureFixture[str]
Watch = Callable[[Progress], bool]


pytestmark = pytest.mark.usefixtures("forked_workers")


@pytest.fixture(autouse=True)
def _photos(folder: Path) -> None:
    """Three photographs in a folder: a.png, b.jpg, c.png."""
    (folder / "in").mkdir()
    with Image.open("photo.png") as image:
        image.save("in/a.png")
        image.transpose(Image.Transpose.ROTATE_180).save("in/b.jpg")
        image.transpose(Image.Transpose.ROTATE_90).save("in/c.png")


def batch(*args: str, out: str = "out") -> int:
    return main(["batch", "in", "--style", "painting.png", "-o", out, *QUICK, *args])


def order(*names: str, iterations: int = 4, **more: Any) -> Batch:
    photographs = tuple(Path("in") / name for name in names)
    config = GatysConfig(size=64, smallest=64, iterations=iterations)
    styles = (BatchStyle.parse("painting.png"),)
    return Batch(photographs, styles, config, Path("out"), **more)


def listed() -> list[str]:
    return sorted(path.name for path in Path("out").iterdir())


def stamps() -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in Path("out").glob("*.png")}


# What comes of it


def test_a_broken_picture_stops_only_itself_and_is_tried_again(
    capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Path("in/b.jpg").read_bytes()
    Path("in/b.jpg").write_bytes(good[:600])
    assert batch("--style", "starry-night", "--workers", "2") == 1
    said = capsys.readouterr()
    assert said.out == "out/contact.jpg\n"
    assert "b-painting.png failed: in/b.jpg is " in said.err
    assert "4 of 6 pictures are finished, 2 failed" in said.err
    assert said.err.count("failed: in/b.jpg is ") == 2  # each picture's once, as it happens
    painted = [f"{photo}-{style}.png" for photo in "ac" for style in ("painting", "starry-night")]
    assert listed() == [*painted, "contact.jpg", "manifest.json"]
    states = [entry.state for entry in Manifest.read(Path("out")).entries.values()]
    assert states == ["done"] * 2 + ["failed"] * 2 + ["done"] * 2

    before, sheet = stamps(), Path("out/contact.jpg").read_bytes()
    Path("in/b.jpg").write_bytes(good)
    assert batch("--style", "starry-night", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["done"], told["kept"], told["failed"], told["interrupted"]) == (2, 4, 0, False)
    results = {item["output"]: item["result"] for item in told["items"]}
    assert results["out/a-painting.png"] == "kept"
    assert results["out/b-painting.png"] == "done"
    assert all(stamps()[name] == stamp for name, stamp in before.items())
    assert Path("out/contact.jpg").read_bytes() != sheet

    monkeypatch.setattr("impasto.jobs.executor.serve", None)  # a worker would find nothing to do
    assert batch("--style", "starry-night", "--quiet") == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("out/contact.jpg\n", "")


def test_a_picture_is_the_one_that_stylize_paints() -> None:
    assert batch("--quiet", "--format", "tiff", "--bits", "16") == 0
    args = ["stylize", "in/c.png", "--style", "painting.png", "-o", "one.tiff", "--bits", "16"]
    assert main([*args, *QUICK, "--quiet"]) == 0
    assert Path("out/c-painting.tiff").read_bytes() == Path("one.tiff").read_bytes()


def test_what_was_painted_otherwise_is_replaced_only_by_force(capsys: Said) -> None:
    assert batch("--quiet") == 0
    before = {name: Path("out", name).read_bytes() for name in listed()}
    Path("in/c.png").write_bytes(Path("in/a.png").read_bytes())
    Path("out/b-painting.png").write_bytes(b"somebody's own")
    capsys.readouterr()
    assert batch("--quiet") == 2
    told = capsys.readouterr().err
    assert "b-painting.png: it is not as the batch wrote it" in told
    assert "c-painting.png: it was painted with another photograph" in told
    assert "a-painting.png" not in told
    assert Path("out/b-painting.png").read_bytes() == b"somebody's own"
    assert Path("out/c-painting.png").read_bytes() == before["c-painting.png"]

    assert batch("--force", "--json", "--quiet") == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["result"] for item in told["items"]] == ["kept", "done", "done"]
    assert Path("out/b-painting.png").read_bytes() == before["b-painting.png"]
    assert (pixels("out/c-painting.png") == pixels("out/a-painting.png")).all()
    assert recipe_of("out/c-painting.png").inputs[0].name == "in/c.png"


def test_a_dry_run_lists_and_does_nothing(capsys: Said) -> None:
    assert batch("--dry-run") == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"out/{name}-painting.png" for name in "abc"]
    assert "3 of 3 pictures would be painted, 0 exist already" in said.err
    assert not Path("out").exists()
    assert batch("--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["state"] for item in told["items"]] == ["paint"] * 3


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--style", "stary-night"], "did you mean 'starry-night'?"),
        (["--workers", "0"], "--workers: '0'. It takes a whole number: 1…256"),
        (["--format", "jpg", "--bits", "16"], "holds 8 bits, not 16"),
        (["--iterations", "0"], "--iterations is 0"),
        (["--out", "in"], "in has the photographs and is where the pictures go"),
        (["--seed", "x"], "--seed is 'x'. It takes a whole number"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything(
    args: list[str], told: str, capsys: Said
) -> None:
    assert batch(*args) in (1, 2)
    assert told in capsys.readouterr().err
    assert not Path("out").exists()


# Faults


def kill_worker() -> None:
    (child,) = multiprocessing.active_children()
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)


def hold(monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
    """Let workers stay in those paintings until they are killed."""
    Path("held").write_text(" ".join(map(str, numbers)))
    monkeypatch.setattr("impasto.jobs.executor.serve", serve_held)


def test_a_worker_that_is_killed_costs_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(monkeypatch, 0)
    killed: list[int] = []

    def watch(progress: Progress) -> bool:
        if progress.share > 0 and not killed:
            killed.append(progress.finished)
            kill_worker()
        return True

    with caplog.at_level(logging.WARNING, "impasto"):
        outcome = run_batch(order("a.png", "b.jpg"), watch)
    assert killed == [0]
    assert outcome.results == ("done", "done")
    assert "its worker was lost (ended by SIGKILL); it is tried once more" in caplog.text
    assert listed() == ["a-painting.png", "b-painting.png", "contact.jpg", "manifest.json"]


def test_a_picture_that_kills_its_workers_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    hold(monkeypatch, 0, 2)
    killed: list[int] = []

    def watch(progress: Progress) -> bool:
        # The first picture is begun again after the second.
        if progress.finished == len(killed) < 2 and progress.share > 0.5 * len(killed):
            killed.append(progress.finished)
            kill_worker()
        return True

    outcome = run_batch(order("a.png", "b.jpg"), watch)
    assert killed == [0, 1]
    assert outcome.results == ("failed", "done")
    assert "Its worker was lost 2 times (ended by SIGKILL)" in outcome.failures[0].message
    assert Manifest.read(Path("out")).entries["a-painting.png"].state == "failed"


def test_workers_that_never_begin_end_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.jobs.executor.multiprocessing", multiprocessing)  # they begin late

    def watch(_: Progress) -> bool:
        for child in multiprocessing.active_children():
            child.kill()
        return True

    with pytest.raises(ImpastoError, match="The workers end before they begin: ended by SIGKILL"):
        run_batch(order("a.png"), watch)
    assert multiprocessing.active_children() == []


def test_weights_that_cannot_be_used_end_the_batch_at_once() -> None:
    Path("bad.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(WeightsError):
        run_batch(order("a.png", "b.jpg", weights=Path("bad.safetensors")))
    assert multiprocessing.active_children() == []
    entries = Manifest.read(Path("out")).entries.values()
    assert [entry.state for entry in entries] == ["pending", "pending"]


def test_a_folder_that_is_gone_ends_the_batch() -> None:
    def watch(progress: Progress) -> bool:
        if progress.share > 0:
            shutil.rmtree("out", ignore_errors=True)
        return True

    with pytest.raises(ImpastoError, match="out"):
        run_batch(order("a.png", "b.jpg", iterations=20), watch)
    assert multiprocessing.active_children() == []


def test_one_batch_at_a_time_paints_into_a_folder() -> None:
    told = []

    def watch(_: Progress) -> bool:
        with pytest.raises(OptionError) as caught:
            run_batch(order("b.jpg"))
        told.append(str(caught.value))
        return False

    outcome = run_batch(order("a.png"), watch)
    assert outcome.interrupted
    assert told == [
        "Another batch is painting into out. Wait for it, or give another folder with out."
    ]


def test_a_file_that_appears_meanwhile_is_not_replaced() -> None:
    def watch(_: Progress) -> bool:
        Path("out/a-painting.png").write_bytes(b"somebody's own")
        return True

    outcome = run_batch(order("a.png"), watch)
    assert outcome.results == ("failed",)
    assert "has appeared meanwhile" in outcome.failures[0].message
    assert Path("out/a-painting.png").read_bytes() == b"somebody's own"


def test_a_hostile_folder_makes_it_touch_nothing_elsewhere() -> None:
    Path("out").mkdir()
    Path("precious").mkdir()
    Path("precious/file").write_text("kept")
    Path("out", STAGING).symlink_to(Path("precious").resolve())
    with pytest.raises(OptionError, match="is a link"):
        run_batch(order("a.png", force=True))
    Path("out", STAGING).unlink()
    target = Path("out/a-painting.png")
    target.symlink_to(Path("precious/file").resolve())
    with pytest.raises(OptionError, match=r"a-painting\.png: it exists already"):
        run_batch(order("a.png"))
    assert run_batch(order("a.png", force=True)).results == ("done",)
    assert Path("precious/file").read_text() == "kept"
    assert not target.is_symlink()


def test_what_was_finished_and_not_yet_in_its_place_is_found() -> None:
    assert run_batch(order("a.png")).results == ("done",)
    painted = Path("out/a-painting.png")
    data = painted.read_bytes()
    Path("out", STAGING).mkdir()
    painted.rename(Path("out", STAGING, painted.name))
    Path("out", STAGING, ".impasto-0.tmp").write_bytes(b"half a picture")
    assert batch_status(order("a.png"))[0].staged
    assert run_batch(order("a.png")).results == ("kept",)
    assert painted.read_bytes() == data
    assert listed() == ["a-painting.png", "contact.jpg", "manifest.json"]


# Killed, and continued

LONG = ["--size", "64", "--smallest", "64", "--iterations", "30"]


def start(*args: str, out: str = "out") -> subprocess.Popen[str]:
    """A batch in a process of its own, at the head of its own group as in a terminal."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    command = [sys.executable, "-m", "impasto", "batch", "in", "-s", "painting.png", "-o", out]
    return subprocess.Popen(
        [*command, *LONG, *args],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(what: Callable[[], bool], painter: subprocess.Popen[str]) -> None:
    patience = time.monotonic() + 600
    while not what() and painter.poll() is None and time.monotonic() < patience:
        time.sleep(0.005)


def workers_of(painter: subprocess.Popen[str]) -> list[int]:
    group = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]
    found = []
    for pid in group:
        try:
            if os.getpgid(pid) == painter.pid and pid != painter.pid:
                found.append(pid)
        except OSError:
            continue
    return found


def has_loaded(pid: int) -> bool:
    """Whether a process has worked for longer than it takes to load PyTorch."""
    return bool(psutil.Process(pid).cpu_times().user > 2.5)


def are_gone(pids: list[int]) -> bool:
    """Whether those processes end, each within a moment of the one that started it."""
    patience = time.monotonic() + 120
    while not all(map(is_gone, pids)) and time.monotonic() < patience:
        time.sleep(0.02)
    return all(map(is_gone, pids))


def is_gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="styles into /proc")
def test_a_batch_that_is_killed_goes_on_and_ends_with_the_same_pictures() -> None:
    painter = start(out="whole")
    assert painter.communicate()[0] == "whole/contact.jpg\n"
    moments = [
        lambda: Path("out/manifest.json").exists(),
        lambda: Path("out/b-painting.png").exists(),
    ]
    for moment in moments:
        before = stamps() if Path("out").exists() else {}
        painter = start()
        wait_for(moment, painter)
        workers = workers_of(painter)
        painter.kill()
        painter.communicate()
        assert are_gone(workers), "workers paint on for nobody"
        assert before.items() <= stamps().items()
    before = stamps()
    assert set(before) == {"a-painting.png", "b-painting.png"}
    painter = start()
    out, err = painter.communicate(timeout=600)
    assert (painter.returncode, out) == (0, "out/contact.jpg\n"), err
    assert "3 of 3 pictures are finished, 2 of them by an earlier run" in err
    assert before.items() <= stamps().items()
    assert sorted(listed()) == sorted(path.name for path in Path("whole").iterdir())
    for name in stamps():
        assert np.array_equal(pixels(f"out/{name}"), pixels(f"whole/{name}")), name


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="styles into /proc")
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["INT", "TERM", "HUP"],
)
def test_a_signal_ends_it_in_order(number: signal.Signals, status: int) -> None:
    painter = start("--workers", "2", "--iterations", "100000")
    wait_for(lambda: Path("out", STAGING).is_dir() and len(workers_of(painter)) > 1, painter)
    if number == signal.SIGINT:  # they paint; otherwise they only begin
        wait_for(lambda: sum(map(has_loaded, workers_of(painter))) == 2, painter)
    workers = workers_of(painter)
    painter.send_signal(number) if number == signal.SIGTERM else os.killpg(painter.pid, number)
    out, err = painter.communicate(timeout=600)
    assert painter.returncode == status, err
    assert out == "out/manifest.json\n"
    assert "0 of 3 pictures are finished" in err
    assert "stopped early: the same command continues from here" in err
    assert "Traceback" not in err
    assert are_gone(workers)
    assert listed() == ["manifest.json"]
    entries = Manifest.read(Path("out")).entries.values()
    assert [entry.state for entry in entries] == ["pending"] * 3


# The contact sheet


def box_of(image: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what has that colour, as JPEG keeps it."""
    near = (np.abs(image.astype(int) - colour).max(-1) < 24).nonzero()
    assert near[0].size, f"there is no {colour}"
    return near[1].min(), near[0].min(), near[1].max(), near[0].max()


def test_a_contact_sheet_has_the_pictures_where_they_belong() -> None:
    hues = [
        (200, 30, 30),
        (30, 160, 30),
        (30, 30, 200),
        (200, 160, 0),
        (0, 160, 180),
        (150, 0, 150),
    ]
    for i, hue in enumerate(hues):
        Image.new("RGB", (90, 60) if i < 4 else (50, 100), hue).save(f"{i}.png")
    Path("in/broken.jpg").write_bytes(b"no picture")
    job = DrawJob(
        "sheet.jpg",
        columns=((Cell(("0.png",)), "first"), (Cell(("1.png",)), "second")),
        rows=(
            (Cell(("2.png",)), "wide.png", (Cell((), "failed"), Cell(("3.png",)))),
            (Cell(("4.png",)), "high.png", (Cell(("5.png",)), Cell(("gone.png",)))),
            (Cell(("in/broken.jpg",)), "broken.jpg", (Cell((), "failed"), Cell((), "failed"))),
        ),
        width=160,
    )
    assert list(draw(job, Path("sheet.jpg")))[-1] < 1
    sheet = pixels("sheet.jpg")
    first, second, wide, wide_second, high, high_first = (box_of(sheet, hue) for hue in hues)
    assert first[0] < second[0]
    assert first[3] == second[3] < wide[1]
    assert wide[1] == wide_second[1]
    assert wide[3] < high[1] == high_first[1]
    assert second[0] == wide_second[0]
    assert wide[2] < first[0] < high_first[0] < high_first[2] < second[0]
    assert (wide[2] - wide[0] + 1, wide[3] - wide[1] + 1) == (160, 107)
    assert (high[2] - high[0] + 1, high[3] - high[1] + 1) == (100, 200)
    field = sheet[(wide[1] + wide[3]) // 2, first[0] + 5]  # where the failed one would be
    assert np.ptp(field.astype(int)) < 20
    assert 200 < field.mean() < 240


def test_sheets_are_bounded_and_hold_every_picture() -> None:
    for i in range(60):
        Path(f"in/{i:03}.png").write_bytes(Path("in/a.png").read_bytes() + bytes([i]))
    Path("other").mkdir()
    shutil.copy("in/000.png", "other/000.png")
    styles = tuple(f"painting.png:0.{i}" for i in range(1, 15))
    photographs = (*sorted(Path("in").glob("0*.png")), Path("other/000.png"))
    whole = Batch(
        photographs, tuple(map(BatchStyle.parse, styles)), GatysConfig(size=64), Path("out")
    )
    items = batch_status(whole, Manifest())
    entries = {item.output: item.entry() for item in items}
    assert plan_sheets(whole.folder, items, entries) == []
    one = items[7].output
    digest = "sha256:" + 64 * "0"
    entries[one] = type(entries[one])(**{**vars(entries[one]), "state": "done", "digest": digest})
    jobs = [planned.job for planned in plan_sheets(whole.folder, items, entries)]
    assert [job.output for job in jobs] == [
        "contact.jpg", "contact-2.jpg", "contact-3.jpg", "contact-4.jpg",
    ]  # fmt: skip
    assert sum(len(job.rows) * len(job.columns) for job in jobs) == 61 * 14
    assert {job.width for job in jobs} == {160}
    assert max(len(job.rows) for job in jobs) <= 34
    shown = [cell for job in jobs for _, _, cells in job.rows for cell in cells if cell.sources]
    assert shown == [Cell((f"out/{one}",))]
    names = [name for job in jobs for _, name, _ in job.rows]
    assert {"in/000.png", "other/000.png", "001.png"} <= set(names)


def test_a_contact_sheet_that_is_not_ours_stays(caplog: pytest.LogCaptureFixture) -> None:
    Path("out").mkdir()
    Path("out/contact.jpg").write_bytes(b"somebody's own")
    with caplog.at_level(logging.WARNING, "impasto"):
        outcome = run_batch(order("a.png"))
    assert (outcome.results, outcome.sheets) == (("done",), ())
    assert "contact.jpg is not the batch's and stays" in caplog.text
    assert Path("out/contact.jpg").read_bytes() == b"somebody's own"
