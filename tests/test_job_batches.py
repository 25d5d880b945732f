"""A batch in a queue: jobs that the next run finds again, none of which is waited for in vain."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from impasto.config.methods import GatysConfig, InstantConfig
from impasto.jobs.batch import Batch, BatchStyle
from impasto.jobs.queue.batch_executor import QueueExecutor
from impasto.jobs.queue.client import JobQueue, JobState
from impasto.jobs.queue.heartbeat import Heart
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work
from impasto.jobs.run_batch import run_batch


class Painted(JobQueue):
    """A queue that does a job when it is asked for it, or knows nothing of it.

    Attributes:
        forgotten: titles of jobs that it does not know.
    """

    def __init__(self, store: Store, *forgotten: str) -> None:
        self.store, self.forgotten = store, set(forgotten)
        self.ids: dict[str, str] = {}
        self.again: list[str] = []

    def submit(self, job: Job | Work, note: Callable[[str], None] = lambda _: None) -> str:
        id = f"{len(self.ids):08x}"
        JobFolder(self.store, id).make(job)
        self.ids[id] = job.title
        note(id)
        return id

    def retry(self, id: str) -> JobState:
        self.again.append(id)
        self.forgotten.discard(self.ids[id])
        return self._now(id)

    def states(self, ids: list[str]) -> list[JobState]:
        return [self._now(id) for id in ids if self.ids[id] not in self.forgotten]

    def _now(self, id: str) -> JobState:
        files = JobFolder(self.store, id)
        if isinstance(files.job(), Work):  # as where one picture ends every process
            return JobState(id, self.ids[id], "failed", "", 10, "", 0, message="lost")
        picture = files.target(1, files.job().name)
        if not picture.exists():
            shutil.copy("painting.png", picture)
            files.finish(picture, 1.0)
        return JobState(id, self.ids[id], "done", "", 10, "", 0)


def test_a_job_that_the_queue_has_lost_fails_one_picture_and_is_put_in_again(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.jobs.queue.batch_executor._LOOK", 0.01)
    monkeypatch.setattr("impasto.jobs.queue.batch_executor._PATIENCE", 0.1)
    shutil.copy("photo.png", "second.png")
    queue = Painted(store, "second-painting")
    batch = Batch(
        (Path("photo.png"), Path("second.png")), (BatchStyle.parse("painting.png"),),
        GatysConfig(size=64), folder / "out",
    )  # fmt: skip

    def executor_of(batch: Batch) -> QueueExecutor:
        return QueueExecutor(batch, queue)

    outcome = run_batch(batch, executor_of=executor_of)
    assert outcome.results == ("done", "failed")
    assert "not in the queue any more" in outcome.failures[0].message
    assert run_batch(batch, executor_of=executor_of).results == ("kept", "done")
    assert [queue.ids[id] for id in queue.again] == ["second-painting"]
    assert len(queue.ids) == 2
    assert not (folder / "out/.impasto-queue.json").exists()


def test_pictures_share_a_job_and_are_tried_alone_where_it_fails(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.jobs.queue.batch_executor._LOOK", 0.01)
    for name in "bcd":
        shutil.copy("photo.png", f"{name}.png")
    for number in range(2):
        Heart(store.workers, "cpu", str(number)).beat()
    queue = Painted(store)
    batch = Batch(
        tuple(Path(f"{name}.png") for name in ("photo", *"bcd")),
        tuple(BatchStyle.parse(style) for style in ("painting.png", "starry-night")),
        InstantConfig(size=64), folder / "out",
    )  # fmt: skip
    outcome = run_batch(batch, executor_of=lambda batch: QueueExecutor(batch, queue))
    assert outcome.results == ("done",) * 8
    shared = [job for job in map(queue_job(store), queue.ids) if isinstance(job, Work)]
    assert [len(job.all_of("content")) for job in shared] == [2, 2]  # one for each worker
    assert [len(job.all_of("style")) for job in shared] == [2, 2]
    assert len(queue.ids) == 2 + 8


def queue_job(store: Store) -> Callable[[str], Job | Work]:
    return lambda id: JobFolder(store, id).job()
