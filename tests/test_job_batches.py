"""A batch in a queue: jobs that the next run finds again, none of which is waited for in vain."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from impasto.config.methods import GatysConfig
from impasto.jobs.batch import Batch, BatchStyle
from impasto.jobs.queue.batch_executor import QueueExecutor
from impasto.jobs.queue.client import JobQueue, JobState
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

    def submit(self, job: Job | Work) -> str:
        id = f"{len(self.ids):08x}"
        JobFolder(self.store, id).make(job)
        self.ids[id] = job.title
        return id

    def retry(self, id: str) -> JobState:
        self.again.append(id)
        self.forgotten.discard(self.ids[id])
        return self._now(id)

    def states(self, ids: list[str]) -> list[JobState]:
        return [self._now(id) for id in ids if self.ids[id] not in self.forgotten]

    def _now(self, id: str) -> JobState:
        files = JobFolder(self.store, id)
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
