"""Jobs that are no single picture: batches, trainings and studies, killed and continued."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from queued import Farm, until
from safetensors.numpy import load_file

from commands import pixels
from impasto.errors import JobError
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.kinds import KINDS
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work, read_job
from impasto.networks.trained_metadata import read_metadata

pytest.importorskip("dbos", reason="the extra `jobs` is not installed")

PAINTED = ["--size", "48", "--smallest", "32", "--iterations", "20"]


def begun(farm: Farm, *command: str, files: str) -> str:
    """Put a job into the queue, and wait until it has left some file; it is slow from then on."""
    done = farm.run(*command, "--queue", farm.url, "--quiet")
    assert done.returncode == 0, done.stderr
    id = done.stdout.strip()
    until(lambda: list((farm.files(id).path / "run").glob(files)), f"there is {files}")
    return id


def kill_once(farm: Farm, id: str) -> dict[str, Any]:
    """Kill a job's worker with its process, let another one work, and wait for the end."""

    def done(claim: int) -> list[float]:
        return [e["done"] for e in farm.events(id) if e["claim"] == claim and e.get("done")]

    until(lambda: done(1), "it tells its progress")
    farm.kill(farm.workers[-1])
    farm.hold.unlink(missing_ok=True)
    assert farm.job(id)["state"] == "interrupted"
    farm.work()
    job = farm.wait_for_end(id)
    assert farm.files(id).last_claim() == 2
    assert done(2)[0] > done(1)[0]  # not from the beginning
    return job


@pytest.mark.slow
def test_a_batch_sent_off_is_one_job_that_goes_on_after_a_kill(folder: Path) -> None:
    for name in ("b", "c"):
        shutil.copy("photo.png", f"{name}.png")
    words = ["batch", "photo.png", "b.png", "c.png", "--style", "painting.png", "--method", "gatys"]
    with Farm(folder, pause=0.05) as farm:
        here = farm.run(*words, *PAINTED, "-o", "here")
        assert here.returncode == 0, here.stderr
        farm.work()
        id = begun(farm, *words, *PAINTED, "-o", "there", "--no-wait", files="there/*.png")
        job = kill_once(farm, id)
        assert job["kind"] == "batch"
        assert Path(job["preview"]).stat().st_size > 100
        watched = farm.run("jobs", "watch", id, "-o", "there")
        assert watched.stdout == "there/manifest.json\n", watched.stderr
        # What was painted before the kill was not painted again.
        manifest = json.loads(Path("there/manifest.json").read_text())
        assert len(manifest["items"]) == 3
        files = sorted(path.name for path in Path("here").iterdir())
        assert sorted(path.name for path in Path("there").iterdir()) == files
        for name in files:
            if name.endswith(".png"):
                assert (pixels(f"here/{name}") == pixels(f"there/{name}")).all()
        again = farm.run(*words, *PAINTED, "-o", "there")  # the same batch, by its folder
        assert "3 of them by an earlier run" in again.stderr


@pytest.mark.slow
def test_a_training_goes_on_after_a_kill_to_the_same_styles(folder: Path) -> None:
    photographs = folder / "photographs"
    photographs.mkdir()
    noise = np.random.default_rng(0)
    for number in range(9):
        image = noise.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(image).resize((96, 72)).save(photographs / f"{number}.png")
    words = ["train", "painting.png", "--content", "photographs", "--steps", "12", "--batch", "1",
             "--crop", "32", "--size", "64"]  # fmt: skip
    with Farm(folder) as farm:
        here = farm.run(*words, "-o", "here.impasto")
        assert here.returncode == 0, here.stderr
        farm.work()
        farm.hold.touch()
        id = begun(farm, *words, "-o", "there.impasto", files="there/there.train/state.safetensors")
        job = kill_once(farm, id)
        assert Path(job["result"]).name == "there.impasto"
        assert farm.run("jobs", "watch", id, "-o", "styles").stdout == "styles/there.impasto\n"
        ours, theirs = (read_metadata(Path(f)) for f in ("here.impasto", "styles/there.impasto"))
        assert [entry.steps for entry in ours.entries] == [e.steps for e in theirs.entries]
        assert Path("styles/there-sheet.jpg").exists()
        first, second = (load_file(f) for f in ("here.impasto", "styles/there.impasto"))
        assert first.keys() == second.keys()
        assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.slow
def test_a_study_is_painted_by_a_worker_and_goes_on_after_a_kill(folder: Path) -> None:
    words = ["study", "strength", "photo.png", "--style", "painting.png", "--values", "0.2,0.5,0.8",
             "--no-video", "--iterations", "10", "--size", "48", "--smallest", "32"]  # fmt: skip
    with Farm(folder, pause=0.2) as farm:
        here = farm.run(*words, "-o", "here")
        assert here.returncode == 0, here.stderr
        farm.work()
        id = begun(farm, *words, "-o", "there", files="there/runs/*.png")
        farm.run("jobs", "pause", id)
        until(lambda: farm.events(id)[-1]["event"] == "paused", "the worker leaves it")
        farm.run("jobs", "retry", id)
        job = farm.wait_for_end(id)
        assert Path(job["preview"]).stat().st_size > 100
        assert farm.run("jobs", "watch", id, "-o", "there").stdout == "there/index.html\n"
        pictures = sorted(path.name for path in Path("here/runs").glob("*.png"))
        assert len(pictures) == 3
        for name in pictures:
            assert (pixels(f"here/runs/{name}") == pixels(f"there/runs/{name}")).all()


@pytest.mark.slow
def test_a_command_may_wait_for_its_job(folder: Path) -> None:
    with Farm(folder) as farm:
        farm.work()
        words = ["study", "iterations", "photo.png", "--style", "painting.png", "--values", "1,2",
                 "--no-video", "--size", "48", "-o", "out"]  # fmt: skip
        done = farm.run(*words, "--queue", "local", "--wait")
        assert done.stdout == "out/index.html\n", done.stderr
        assert len(list(Path("out/runs").glob("*.png"))) == 2


# The rest needs no worker.


def work_of(kind: str = "batch", **options: Any) -> Work:
    return Work(kind, "some", options, (), "some")


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"paint"}))
def test_work_is_read_back_as_it_was_written(store: Store, kind: str) -> None:
    job = work_of(kind, steps=3)
    assert read_job(job.to_json()) == job
    files = JobFolder(store, "00c0ffee")
    files.make(job)
    assert files.job() == job


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "shell"}, "its kind is none"),
        ({"name": "../out"}, "not the name of a folder"),
        ({"name": ""}, "not the name of a folder"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"options": []}, "not of type dict"),
        ({"sources": [{}]}, "a source lacks"),
    ],
)
def test_what_is_no_work_is_refused(change: dict[str, Any], message: str) -> None:
    data = json.loads(work_of().to_json()) | change
    with pytest.raises(JobError, match=message):
        read_job(json.dumps(data))


def test_every_kind_is_carried_out_by_something() -> None:
    for kind in KINDS.values():
        module, _, name = kind.carry_out.target.partition(":")
        assert callable(getattr(__import__(module, fromlist=[name]), name))
