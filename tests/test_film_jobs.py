"""A film that workers paint: its chunks as jobs, and all of it as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filming import FRAMES, film
from PIL import Image
from queued import Farm, until
from test_film_run import CHUNKS, Trailing, asked, same

from impasto.errors import JobError
from impasto.film import painting_here
from impasto.film.clip import open_clip
from impasto.film.folder import ChunkFolder
from impasto.film.plan import planned
from impasto.film.prepared import prepared
from impasto.film.run_film import run_film
from impasto.film.spec import PlacedFile
from impasto.jobs.queue.assignment import Assignment, StoppedError
from impasto.jobs.queue.client import JobQueue, JobState
from impasto.jobs.queue.film_hands import QueueHands
from impasto.jobs.queue.filming import carry_out, of_chunk, packed_film
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work
from impasto.painting.sources import Sources


@pytest.fixture
def clip(folder: Path) -> Path:
    return film(folder / "clip.mp4")


@pytest.fixture
def trailing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painting_here, "painter_of", lambda *_: Trailing())


def assignment_of(
    store: Store, work: Work, id: str = "0000000a", *, stopped: bool = False
) -> Assignment:
    files = JobFolder(store, id)
    if not files.path.exists():
        files.make(work)
    return Assignment(files, files.job(), 1, lambda *_, **__: None, lambda: stopped)


@pytest.mark.usefixtures("trailing")
def test_a_chunk_is_painted_as_here(
    clip: Path, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = asked(clip, folder / "out.mp4")
    chunk = planned([range(FRAMES)], 9, 3)[1]
    work = of_chunk(packed_film(spec, store), chunk)
    monkeypatch.chdir(store.path)
    made = carry_out(assignment_of(store, work))
    assert made is not None
    assert ChunkFolder(made).is_done
    here = ChunkFolder(folder / "here")
    painting_here.chunk_painter_of(spec, prepared(spec).film_format).paint(
        chunk, here, lambda _: None
    )
    for part in ("head", "body", "tail"):
        name = here.segment(part).name
        assert (made / name).read_bytes() == (here.path / name).read_bytes()


@pytest.mark.usefixtures("trailing")
def test_a_chunk_that_is_stopped_is_painted_again(
    clip: Path, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = asked(clip, folder / "out.mp4")
    work = of_chunk(packed_film(spec, store), planned([range(FRAMES)], 9, 3)[0])
    monkeypatch.chdir(store.path)
    with pytest.raises(StoppedError):
        carry_out(assignment_of(store, work, stopped=True))
    assert carry_out(assignment_of(store, work)) is not None


@pytest.mark.usefixtures("trailing")
def test_a_whole_film_is_one_job(
    clip: Path, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = asked(clip, folder / "out.mp4")
    here = run_film(replace(spec, out=folder / "here.mp4")).path
    monkeypatch.chdir(store.path)
    assert carry_out(assignment_of(store, packed_film(spec, store), stopped=True)) is None
    made = carry_out(assignment_of(store, packed_film(spec, store)))
    assert made is not None
    assert here is not None
    assert made.name == "out.mp4"
    assert same(made, here)


@pytest.mark.usefixtures("trailing")
def test_pictures_are_a_film_for_workers_too(
    clip: Path, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_film(asked(clip, folder / "frames" / "%03d.png"))
    spec = asked(clip, folder / "out.mp4", replace(CHUNKS, fps=25.0))
    spec = replace(spec, clip=open_clip(folder / "frames", 25))
    work = of_chunk(packed_film(spec, store), planned([range(FRAMES)], 9, 3)[0])
    monkeypatch.chdir(store.path)
    made = carry_out(assignment_of(store, work))
    assert made is not None
    assert ChunkFolder(made).is_done


@pytest.mark.parametrize(
    "change",
    [
        {"chunk": {"number": 0, "start": 0, "stop": 999, "head": 0, "tail": 0, "shot": [0, 999]}},
        {"chunk": {"number": 0, "start": 9, "stop": 3, "head": 0, "tail": 0, "shot": [0, 30]}},
        {"chunk": {"number": 0}},
        {"keys": [3]},
        {"film": {"chunk": -1}},
        {"method": "texture"},
    ],
)
def test_a_job_of_something_else_is_refused(
    clip: Path, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    work = packed_film(asked(clip, folder / "out.mp4"), store)
    work = replace(work, options=work.options | change)
    monkeypatch.chdir(store.path)
    with pytest.raises(Exception, match=r"not a job|chunk|option|cannot be carried out"):
        carry_out(assignment_of(store, work))


class Obedient(JobQueue):
    """A queue that does a job when it is asked for it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ids: list[str] = []
        self.lost: set[str] = set()

    def submit(self, job: Job | Work, note: Callable[[str], None] = lambda _: None) -> str:
        id = f"{len(self.ids):08x}"
        JobFolder(self.store, id).make(job)
        self.ids.append(id)
        note(id)
        return id

    def states(self, ids: list[str]) -> list[JobState]:
        return [self.done(id) for id in ids if id not in self.lost]

    def done(self, id: str) -> JobState:
        files = JobFolder(self.store, id)
        if files.result() is None:
            work = files.job()
            assert isinstance(work, Work)
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(self.store.path)
                made = carry_out(assignment_of(self.store, work, id))
            assert made is not None
            files.finish(made, 1.0)
        return JobState(id, "", "done", "", 10, "", 0)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.jobs.queue.film_hands._LOOK", 0.01)
    monkeypatch.setattr("impasto.jobs.queue.film_hands._PATIENCE", 0.05)


@pytest.mark.usefixtures("trailing", "hasty")
def test_the_chunks_of_workers_become_the_same_film(clip: Path, folder: Path, store: Store) -> None:
    here = run_film(asked(clip, folder / "here.mp4")).path
    queue = Obedient(store)
    there = run_film(asked(clip, folder / "there.mp4"), hands=QueueHands(queue))
    assert there.path is not None
    assert here is not None
    assert len(queue.ids) == there.chunks
    assert same(here, there.path)


@pytest.mark.usefixtures("trailing", "hasty")
def test_jobs_of_a_command_that_was_stopped_are_found_again(
    clip: Path, folder: Path, store: Store
) -> None:
    queue, spec = Obedient(store), asked(clip, folder / "out.mp4")
    stopped = run_film(
        spec, lambda progress: "chunks" not in progress.place or not queue.ids[3:],
        QueueHands(queue),
    )  # fmt: skip
    assert stopped.path is None
    begun = len(queue.ids)
    assert begun > 1
    outcome = run_film(replace(spec, resume=True), hands=QueueHands(queue))
    assert outcome.path is not None
    assert len(queue.ids) == outcome.chunks


@pytest.mark.usefixtures("trailing", "hasty")
def test_a_chunk_whose_job_was_removed_is_put_in_again(
    clip: Path, folder: Path, store: Store
) -> None:
    queue = Obedient(store)
    queue.lost = {"00000001"}
    outcome = run_film(asked(clip, folder / "out.mp4"), hands=QueueHands(queue))
    assert outcome.path is not None
    assert len(queue.ids) == outcome.chunks + 1


@pytest.mark.usefixtures("trailing", "hasty")
def test_a_job_that_fails_is_said_and_what_others_painted_kept(
    clip: Path, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Obedient(store)
    well = queue.done

    def done(id: str) -> JobState:
        failed = JobState(id, "", "failed", "", 10, "", 0, message="It burnt.")
        return failed if id == "00000003" else well(id)

    monkeypatch.setattr(queue, "done", done)
    with pytest.raises(JobError, match="It burnt"):
        run_film(asked(clip, folder / "out.mp4"), hands=QueueHands(queue))
    assert (folder / "out.film" / "00000" / "done.json").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("clip")
def test_workers_paint_a_film_and_one_of_them_is_killed(folder: Path) -> None:
    pytest.importorskip("dbos", reason="the extra `jobs` is not installed")
    words = ["film", "clip.mp4", "--style", "painting.png", "--size", "64", "--quiet"]
    words += ["--chunk", "9", "--overlap", "3"]
    with Farm(folder, pause=0.05) as farm:
        assert farm.run(*words, "-o", "here.mp4").returncode == 0
        first = farm.work()
        farm.work()
        id = farm.run(*words, "-o", "sent.mp4", "--queue", farm.url, "--no-wait").stdout.strip()
        until(lambda: any(e.get("done") for e in farm.events(id)), "it tells its progress")
        farm.kill(first)
        done = farm.run(*words, "-o", "there.mp4", "--queue", farm.url, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["chunks"] > 3
        job = farm.wait_for_end(id)
        assert job["kind"] == "film"
        for made in (folder / "there.mp4", Path(job["picture"])):
            assert same(made, folder / "here.mp4")


@pytest.mark.usefixtures("hasty")
def test_workers_carry_keyframes_as_here(clip: Path, folder: Path, store: Store) -> None:
    for frame in open_clip(clip).frames(0, 21):
        if frame.index in (0, 20):
            negative = np.uint8((1 - frame.pixels[0].permute(1, 2, 0).numpy()) * 255)
            Image.fromarray(negative).save(f"mine{frame.index}.png")
    keys = tuple(PlacedFile(index, folder / f"mine{index}.png") for index in (0, 20))
    spec = replace(asked(clip, folder / "here.mp4"), config=None, sources=Sources(), keys=keys)
    here = run_film(spec).path
    there = run_film(replace(spec, out=folder / "there.mp4"), hands=QueueHands(Obedient(store)))
    assert here is not None
    assert there.path is not None
    assert same(here, there.path)
