"""What goes wrong in the middle, in real processes: nothing is lost, and one message says all.

Each fault meets a run, one that goes on after a kill, and a batch. Kills are in `test_resume.py`
and `test_batch.py`, and what is wrong from the beginning in `test_cli_faults.py`.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from faulty import Denied, Full, Gated, Removed, poisoned, serve_poisoned, serve_short

from commands import QUICK, pixels, recipe_of
from impasto.cli.main import main
from impasto.config.memory import MemoryPlan
from impasto.config.methods import GatysConfig
from impasto.engine.scale import Scale
from impasto.engine.snapshots import Snapshot
from impasto.engine.step import Step
from impasto.files.locks import LOCK_FILE
from impasto.jobs.batch import Batch, BatchStyle
from impasto.jobs.manifest import Manifest
from impasto.jobs.run_batch import run_batch
from impasto.run import folder as run_folder
from impasto.run import runner
from impasto.run import state as run_state
from impasto.run.folder import locked_folder

pytestmark = [
    pytest.mark.usefixtures("folder", "forked_workers"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and permissions"),
]

Said = pytest.CaptureFixture[str]
Fault = type[Full] | type[Denied]

OUT, RUN = Path("out"), Path("out/out.run")
STATE = RUN / "state.safetensors"
COMMAND = ["stylize", "photo.png", "--style", "painting.png", "-o", "out/out.png", *QUICK]
RESUME = ["resume", "out/out.run"]
BATCH = ["batch", "photo.png", "painting.png", "-s", "tahiti", "-o", "out", *QUICK]


@pytest.fixture(params=[Full, Denied])
def fault(request: pytest.FixtureRequest, folder: Path) -> Iterator[Fault]:
    """A fault, and the folder that it will come to."""
    with request.param.disc(folder / OUT) as is_there:
        if not is_there:
            pytest.skip(f"needs {request.param.needs}")
        yield request.param


def gated(*, resumed: bool, stops: tuple[int, ...] = (2,), powerless: bool = False) -> Gated:
    """A run that waits after its second step; a resumed one was killed after its first."""
    if not resumed:
        return Gated(*COMMAND, "--force", stops=stops, powerless=powerless)
    killed = Gated(*COMMAND, "--force", stops=(1,), powerless=powerless)
    killed.kill()
    assert STATE.exists()
    return Gated(*RESUME, stops=tuple(stop - 1 for stop in stops), powerless=powerless)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# A disc that is full, and one that nobody may write to


@pytest.mark.slow
@pytest.mark.parametrize("resumed", [False, True])
def test_a_disc_that_takes_no_more(fault: Fault, straight: np.ndarray, resumed: bool) -> None:
    (OUT / "earlier.png").write_bytes(b"earlier")
    (OUT / "out.png").write_bytes(b"precious")
    run = gated(resumed=resumed, powerless=fault.powerless)
    state = STATE.read_bytes()
    fault.strike(OUT)
    status, said = run.end()
    assert status == 1
    assert sum(line.startswith("impasto: ") for line in said) == 1
    assert said[-1].startswith("impasto: ")
    assert "out.png cannot be written" in said[-1]
    assert fault.told in said[-1]
    assert "Nothing was overwritten." in said[-1]
    assert "out.run` continues from its last state" in said[-1]
    (rescued,) = Path("temporary").glob("impasto-*/out.png")
    assert f"The picture is in {rescued.absolute()} instead." in said[-1]
    assert (pixels(rescued) == straight).all()

    assert STATE.read_bytes() == state
    assert [n for n in names(RUN) if n != LOCK_FILE] == ["run.json", STATE.name]
    assert set(names(OUT)) - {"filler"} == {"earlier.png", "out.png", "out.run"}
    assert (OUT / "out.png").read_bytes() == b"precious"
    fault.mend(OUT)
    assert main([*RESUME, "--quiet"]) == 0
    assert (pixels(OUT / "out.png") == straight).all()
    assert (OUT / "earlier.png").read_bytes() == b"earlier"
    assert names(OUT) == ["earlier.png", "out.png"]


@pytest.mark.slow
def test_a_disc_that_takes_no_more_of_a_batch(fault: Fault) -> None:
    whole = [*BATCH, "--quiet"]
    whole[whole.index("out")] = "whole"
    assert main(whole) == 0
    run = Gated(*BATCH, stops=(1,), powerless=fault.powerless)
    first = OUT / "photo-tahiti.png"
    before = first.read_bytes(), first.stat().st_mtime_ns
    fault.strike(OUT)
    status, said = run.end()
    assert status == 1
    assert fault.told in said[-1]
    assert sum(line.startswith("impasto: ") for line in said) == 1
    assert set(names(OUT)) - {"filler", ".impasto-batch", LOCK_FILE} == {
        first.name,
        "manifest.json",
    }
    fault.mend(OUT)
    assert main([*BATCH, "--quiet"]) == 0
    assert (first.read_bytes(), first.stat().st_mtime_ns) == before
    assert names(OUT) == names(Path("whole"))
    for name in ("photo-tahiti.png", "painting-tahiti.png"):
        assert (pixels(OUT / name) == pixels(Path("whole", name))).all()


# A folder that is removed


@pytest.mark.slow
@pytest.mark.parametrize("resumed", [False, True])
def test_a_folder_that_is_removed_is_made_again(straight: np.ndarray, resumed: bool) -> None:
    OUT.mkdir()
    run = gated(resumed=resumed)
    Removed.strike(OUT)
    status, said = run.end()
    assert status == 0, said
    assert sum("out.run was removed, and is made again" in line for line in said) == 1
    assert (pixels(OUT / "out.png") == straight).all()
    assert names(OUT) == ["out.png"]


@pytest.mark.slow
def test_a_folder_that_is_removed_has_a_run_again(straight: np.ndarray) -> None:
    OUT.mkdir()
    run = gated(resumed=False, stops=(1, 3))
    Removed.strike(OUT)
    run.pass_on(3)
    with locked_folder(RUN) as folder, pytest.raises(Exception, match="Another process works in"):
        folder.open()
    run.kill()
    assert names(RUN) == [LOCK_FILE, "run.json", STATE.name]
    assert main([*RESUME, "--quiet"]) == 0
    assert (pixels(OUT / "out.png") == straight).all()


@pytest.mark.slow
def test_a_folder_that_is_another_runs_by_now_stays_so(straight: np.ndarray) -> None:
    OUT.mkdir()
    run = gated(resumed=False)
    Removed.strike(OUT)
    OUT.mkdir()
    another = Gated(*COMMAND, stops=(1,))
    another.kill()
    record, state = (RUN / "run.json").read_bytes(), STATE.read_bytes()
    status, said = run.end()
    assert status == 0
    assert sum("out.run now holds another run" in line for line in said) == 1
    assert (pixels(OUT / "out.png") == straight).all()
    assert (RUN / "run.json").read_bytes() == record
    assert STATE.read_bytes() == state


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_again(straight: np.ndarray) -> None:
    OUT.mkdir()
    run = gated(resumed=False)
    Removed.strike(OUT)
    OUT.write_bytes(b"a file in its place")
    status, said = run.end()
    assert status == 1
    (rescued,) = Path("temporary").glob("impasto-*/out.png")
    assert "out.png cannot be written" in said[-1]
    assert f"The picture is in {rescued.absolute()} instead." in said[-1]
    assert "resume" not in said[-1]
    assert (pixels(rescued) == straight).all()
    assert recipe_of(str(rescued)) == recipe_of("straight.png")
    assert OUT.read_bytes() == b"a file in its place"


@pytest.mark.slow
def test_a_batch_whose_folder_is_removed_says_so_and_begins_again() -> None:
    run = Gated(*BATCH, stops=(1,))
    Removed.strike(OUT)
    status, said = run.end()
    assert status == 1
    assert sum(line.startswith("impasto: ") for line in said) == 1
    assert "out" in said[-1]
    assert "no folder" in said[-1]
    assert main([*BATCH, "--quiet"]) == 0
    assert names(OUT) == ["contact.jpg", "manifest.json", "painting-tahiti.png", "photo-tahiti.png"]


# Signals


@pytest.mark.slow
@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize(
    ("signals", "status"),
    [
        ((signal.SIGTERM,), 143),
        ((signal.SIGINT,), 130),
        ((signal.SIGINT, signal.SIGINT), 130),
        ((signal.SIGTERM, signal.SIGTERM), 143),
        ((signal.SIGHUP, signal.SIGHUP), 129),  # the system's and the shell's
    ],
)
def test_signals(
    straight: np.ndarray, resumed: bool, signals: tuple[signal.Signals, ...], status: int
) -> None:
    OUT.mkdir()
    (OUT / "earlier.png").write_bytes(b"earlier")
    run = gated(resumed=resumed)
    run.take(*signals)
    ended, said = run.end()
    assert ended == status
    assert "out.run` continues" in said[-1]
    assert names(RUN) == ["run.json", STATE.name]
    early = [] if signals != (signal.SIGINT,) else ["out.png"]
    assert names(OUT) == ["earlier.png", *early, "out.run"]
    assert main([*RESUME, "--quiet"]) == 0
    assert (pixels(OUT / "out.png") == straight).all()
    assert names(OUT) == ["earlier.png", "out.png"]


@pytest.mark.slow
def test_a_batch_that_is_asked_twice_ends_at_once() -> None:
    run = Gated(*BATCH, stops=(1,))
    first = OUT / "photo-tahiti.png"
    before = first.stat().st_mtime_ns
    run.take(signal.SIGINT, signal.SIGINT)
    status, said = run.end()
    assert status == 130
    assert not any(line.startswith("impasto: ") for line in said)
    assert main([*BATCH, "--quiet"]) == 0
    assert first.stat().st_mtime_ns == before
    assert names(OUT) == ["contact.jpg", "manifest.json", "painting-tahiti.png", first.name]


# Values that are no numbers

LONG = [
    *COMMAND[:-6],
    "--method",
    "gatys",
    "--size",
    "64",
    "--smallest",
    "64",
    "--iterations",
    "20",
]
ADVANCE = "impasto.engine.scale.Scale.advance"


@pytest.fixture
def eager(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state is written after every step."""
    monkeypatch.setattr(run_folder, "LEAST", 0.0)
    monkeypatch.setattr(run_folder, "SHARE", 1.0)
    (folder / OUT).mkdir()


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("resumed", [False, True])
def test_a_step_that_meets_no_number_is_gone_back_from(
    monkeypatch: pytest.MonkeyPatch, resumed: bool
) -> None:
    command = LONG
    if resumed:
        Gated(*LONG, stops=(1,)).kill()
        command = RESUME
    with monkeypatch.context() as patch:
        patch.setattr(ADVANCE, poisoned(3, 3))
        assert main([*command, "--quiet", "--trace", "trace.jsonl"]) == 0
    steps = [json.loads(line) for line in Path("trace.jsonl").read_text().splitlines()]
    assert [step["note"] is not None for step in steps[:4]] == [False, False, True, False]
    assert "the gradient was not finite: back to the last good picture" in steps[2]["note"]
    assert steps[-1]["losses"]["total"] < steps[0]["losses"]["total"]
    assert names(OUT) == ["out.png"]


@pytest.mark.usefixtures("eager")
def test_one_that_meets_none_again_and_again_leaves_its_last_good_state(
    monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    (OUT / "earlier.png").write_bytes(b"earlier")
    with monkeypatch.context() as patch:
        patch.setattr(ADVANCE, poisoned(9, 99))
        assert main(LONG) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "the gradient was not finite again and again" in said
    assert "`impasto resume out/out.run` continues from its last state." in said
    with locked_folder(RUN) as folder:
        folder.open()
        saved = folder.saved()
        assert saved is not None
        assert saved.iteration == 14  # eight good ones, and six that went back
        held = saved.snapshot.tensor("pixels")
        assert 0 <= held.min() <= held.max() <= 1
    assert names(OUT) == ["earlier.png", "out.run"]
    assert main([*RESUME, "--quiet"]) == 0
    assert pixels(OUT / "out.png").std() > 10


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_state_with_values_that_are_none_is_refused(value: float, capsys: Said) -> None:
    assert main([*COMMAND, "--keep-run", "--quiet"]) == 0
    first = pixels(OUT / "out.png")
    with locked_folder(RUN) as folder:
        record, saved = folder.open(), folder.saved()
    assert saved is not None
    tensors = {name: saved.snapshot.tensors[name].clone() for name in saved.snapshot.tensors}
    tensors["pixels"][..., 3, 4] = value

    step = Step(
        saved.scale, saved.scales, 64, 48, saved.iteration, saved.iterations, 1.0, {"total": 1.0},
        image=lambda: tensors["pixels"],
        snapshot=lambda: Snapshot(tensors, saved.snapshot.numbers),
    )  # fmt: skip
    run_state.save(STATE, step, record.mark)
    assert main(RESUME) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "pixels holds values that are not finite" in said
    assert "delete that file, and resume" in said
    STATE.unlink()
    assert main([*RESUME, "--quiet"]) == 0
    assert (pixels(OUT / "out.png") == first).all()


def order(*photographs: str, iterations: int = 30) -> Batch:
    config = GatysConfig(size=64, smallest=64, iterations=iterations)
    paths = tuple(Path(name) for name in photographs)
    return Batch(paths, (BatchStyle.parse("tahiti"),), config, OUT)


def test_a_picture_of_a_batch_that_meets_none_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    both = order("photo.png", "painting.png")
    with monkeypatch.context() as patch:
        patch.setattr("impasto.jobs.executor.serve", serve_poisoned)
        outcome = run_batch(both)
    assert outcome.results == ("failed", "done")
    assert "the gradient was not finite again and again" in outcome.failures[0].message
    assert run_batch(both).results == ("done", "kept")
    assert Manifest.read(OUT).entries["photo-tahiti.png"].state == "done"


# Memory


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("preview", [False, True])
def test_a_run_that_lacks_memory_lets_go_of_all_it_has(
    monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    def scales() -> list[object]:
        return [each for each in gc.get_objects() if type(each) is Scale]

    gc.collect()
    real, told, others = vars(runner)["paint"], [], scales()  # other tests may still hold some

    def paint(task: Any, execution: Any) -> Iterator[Step]:
        for step in real(task, execution):
            if step.iteration > 5 and not execution.plan.tile:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")
            yield step

    def in_words(_: MemoryPlan) -> str:
        told.append([each for each in scales() if not any(each is one for one in others)])
        return "with less"

    monkeypatch.setattr(runner, "paint", paint)
    monkeypatch.setattr(runner, "plan_in_words", in_words)
    more = ["--preview-every", "1"] if preview else []
    assert main([*LONG, "--quiet", *more]) == 0
    assert told == [[]]
    plan = recipe_of("out/out.png").plan
    assert plan.tile > 0


def test_a_picture_of_a_batch_that_lacks_memory_is_painted_with_less(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("impasto.jobs.executor.serve", serve_short)
        assert run_batch(order("photo.png", iterations=6)).results == ("done",)
    assert (
        "memory ran out: the run begins again, the picture is computed in tiles of" in caplog.text
    )
    painted = OUT / "photo-tahiti.png"
    plan = recipe_of(str(painted)).plan
    assert plan.tile > 0
    assert main(["rerun", str(painted), "-o", "again.png", "--quiet"]) == 0
    assert (pixels("again.png") == pixels(painted)).all()


def test_a_batch_that_is_given_too_little_memory_says_how_much_it_takes(capsys: Said) -> None:
    assert main([*BATCH, "--workers", "2", "--memory", "20MB"]) == 1
    said = capsys.readouterr().err
    assert "--memory allows 0.0 GB" in said
    assert "That is the share of one of 2 --workers." in said
    assert main([*BATCH, "--memory", "many"]) == 2
    assert "--memory is 'many'" in capsys.readouterr().err


def test_a_large_picture_is_painted_within_a_workers_share() -> None:
    from impasto.jobs.worker import Worker
    from impasto.painting.prepare import prepare
    from impasto.painting.sources import Sources

    config = GatysConfig(size=64, smallest=64, iterations=2)
    task = prepare(Sources.of("photo.png", "tahiti"), config)
    scales = tuple(replace(s, height=3072, width=4096) for s in task.workload.scales)
    large = replace(task, workload=replace(task.workload, scales=scales))

    def planned(share: int, workers: int) -> MemoryPlan:
        # What this process holds by now depends on the tests before this one.
        held = psutil.Process().memory_info().rss
        memory = workers * (held + share)
        batch = replace(order("photo.png"), config=config, workers=workers, memory=memory)
        return Worker(batch)._forecast(large).plan

    threads = torch.get_num_threads()
    try:
        assert planned(100 * 10**9, 1) == MemoryPlan()
        tight = planned(4 * 10**9, 1)
        assert tight.tile > 0
        assert planned(4 * 10**9, 2) == tight
    finally:
        torch.set_num_threads(threads)
