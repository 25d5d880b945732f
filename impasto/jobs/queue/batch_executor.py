"""A batch whose pictures the workers of a queue paint: a job each, named again after a restart.

The batch itself is that of `run_batch`: what is to be painted, the manifest and the contact sheets,
which are drawn here, stay as they are.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence

from impasto.errors import ImpastoError, JobError, PictureError
from impasto.files import atomic
from impasto.files.digests import of_file
from impasto.jobs.batch import Batch
from impasto.jobs.executor import Executor
from impasto.jobs.messages import Job, PaintJob, Report
from impasto.jobs.queue.client import JobQueue, JobState
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.journal import last_event
from impasto.jobs.queue.packing import packed
from impasto.painting.sources import Sources

__all__ = ["QueueExecutor"]

_NAMES = ".impasto-queue.json"  # in the batch's folder: the job of each picture
_LOOK = 1.0  # seconds between two looks at the jobs
_AT_ONCE = 256  # jobs that are looked at: the first of those that are left, which run or are next
_PATIENCE = 5.0  # seconds after which a job that the database does not know is gone
_GONE = (
    "Its job is not in the queue any more: somebody has removed it there. The same command puts it "
    "in again."
)
_NOTED = 20  # jobs after which their names are written


class QueueExecutor(Executor):
    """Lets the workers of a queue paint.

    Args:
        queue: connected.
    """

    def __init__(self, batch: Batch, queue: JobQueue) -> None:
        super().__init__(batch)
        self._spec, self._queue = batch, queue
        self._file = batch.folder / _NAMES
        self._ids = self._known_ids()
        self._missing: dict[str, float] = {}  # since when the database does not know a job

    def do(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Report] | None]:
        """Do jobs as `Executor` does: paintings by the queue's workers, sheets here.

        Raises:
            ImpastoError: nothing can be written any more.
        """
        paintings = [job for job in jobs if isinstance(job, PaintJob)]
        if not paintings:
            yield from super().do(jobs)
            return
        left: dict[str, PaintJob] = {}
        for number, job in enumerate(paintings, start=1):
            try:
                left[self._submitted(job)] = job
            except ImpastoError as error:
                yield job, Report("failed", message=str(error))
            if number % _NOTED == 0:
                self._write_ids()
                yield None
        self._write_ids()
        while left:
            asked = list(left)[:_AT_ONCE]
            states = self._queue.states(asked)
            for state in states:
                report = self._report(state, left[state.id])
                if report.kind != "step":
                    del self._ids[left[state.id].output]
                yield left[state.id], report
                if report.kind != "step":
                    del left[state.id]
            for id in self._gone(asked, {state.id for state in states}):
                # Its ID stays: the next run puts the same job in again.
                yield left.pop(id), Report("failed", message=_GONE)
            yield None
            time.sleep(_LOOK)
        self._write_ids()

    def _gone(self, asked: Sequence[str], known: set[str]) -> list[str]:
        """Return the jobs that the database has not known for some time.

        For a moment it knows none that is tried again or made the next.
        """
        now = time.monotonic()
        self._missing = {id: self._missing.get(id, now) for id in asked if id not in known}
        return [id for id, since in self._missing.items() if now - since >= _PATIENCE]

    def _submitted(self, job: PaintJob) -> str:
        """Return the ID of a picture's job: of the one that an earlier run began, or a new one."""
        batch = self._spec
        wanted = packed(
            Sources(str(job.photograph), job.styles, batch.init, weights=batch.weights),
            batch.config_of(job.photograph),
            self._queue.store,
            job.output,
            settings=batch.settings,
            memory=batch.memory,
        )
        with contextlib.suppress(JobError):  # none that can be used
            id = self._ids.get(job.output, "")
            if JobFolder(self._queue.store, id).job() == wanted:
                states = self._queue.states([id])
                if not states or states[0].state in ("failed", "cancelled", "paused"):
                    self._queue.retry(id)
                return id
        self._ids[job.output] = self._queue.submit(wanted)
        return self._ids[job.output]

    def _report(self, state: JobState, job: PaintJob) -> Report:
        """Return what a job's state means for its picture, which is fetched if it is there."""
        folder = JobFolder(self._queue.store, state.id)
        if state.state == "done":
            return self._fetched(folder, job)
        if state.is_over:
            message = state.message or f"Its job {state.id} was {state.state}."
            return Report("failed", message=message)
        last = last_event(folder.events) or {}
        return Report("step", float(last.get("done", 0.0)))

    def _fetched(self, folder: JobFolder, job: PaintJob) -> Report:
        result = folder.result()
        if result is None:
            return Report("failed", message=f"There is no picture in {folder.path}.")
        target = self._spec.staging / job.output
        try:
            shutil.copyfile(folder.picture(result), target)
        except FileNotFoundError as problem:
            return Report("failed", message=f"There is no {problem.filename}.")
        except OSError as problem:
            reason = problem.strerror or problem
            raise PictureError(f"{target} cannot be written: {reason}.") from problem
        if of_file(target, PictureError) != result.digest:
            return Report("failed", message=f"{folder.picture(result)} has changed.")
        return Report("done", 1.0, result.seconds, result.digest)

    def _known_ids(self) -> dict[str, str]:
        """Return the jobs that an earlier run of the batch has begun, by their pictures' names."""
        with contextlib.suppress(OSError, ValueError):
            data = json.loads(self._file.read_text("utf-8"))
            if isinstance(data, dict):
                return {str(name): str(id) for name, id in data.items()}
        return {}

    def _write_ids(self) -> None:
        """Write which jobs are left; without any there is no file."""
        if self._ids:
            data = json.dumps(self._ids, indent=1).encode("ascii")
            atomic.replace(self._file, data, force=True)
        else:
            self._file.unlink(missing_ok=True)
