"""A batch whose pictures the workers of a queue paint, in jobs that are begun after a restart.

The batch itself is that of `run_batch`: what is to be painted, the manifest and the contact sheets,
which are drawn here, stay as they are.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from impasto.config.methods import method_of
from impasto.errors import ImpastoError, PictureError
from impasto.files import atomic
from impasto.files.digests import of_file
from impasto.jobs.batch import Batch
from impasto.jobs.executor import Executor
from impasto.jobs.manifest import Entry, Manifest
from impasto.jobs.messages import Job, PaintJob, Report
from impasto.jobs.queue.batching import includes, packed_batch
from impasto.jobs.queue.client import JobQueue, JobState
from impasto.jobs.queue.heartbeat import beats
from impasto.jobs.queue.job import Job as PictureJob
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.journal import last_event
from impasto.jobs.queue.packing import kept, packed
from impasto.jobs.queue.work import Work
from impasto.painting.preflight import check_sources
from impasto.painting.sources import Sources

__all__ = ["QueueExecutor"]

_MOST_TOGETHER = 128  # pictures of a job
_NAMES = ".impasto-queue.json"  # in the batch's folder: the job of each picture
_LOOK = 1.0  # seconds between two looks at the jobs
_AT_ONCE = 256  # jobs that are looked at: the first of those that are left, which run or are next
_PATIENCE = 5.0  # seconds after which a job that the database does not know is gone
_GONE = (
    "Its job is not in the queue any more: somebody has removed it there. The same command puts it "
    "in again."
)
_USABLE = {"waiting", "running", "interrupted", "done"}
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
        self._styles = {style.specs: style for style in batch.styles}
        self._entries: dict[Path, dict[tuple[str, str], Entry]] = {}  # of the last folder fetched

    def do(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Report] | None]:
        """Do jobs as `Executor` does: paintings by the queue's workers, sheets here.

        Raises:
            ImpastoError: nothing can be written any more.
        """
        paintings = [job for job in jobs if isinstance(job, PaintJob)]
        if not paintings:
            yield from super().do(jobs)
            return
        left = self._begun(paintings)
        begun = {job for part in left.values() for job in part}
        yield None
        yield from self._submit(self._parts([job for job in paintings if job not in begun]), left)
        while left:
            asked = list(left)[:_AT_ONCE]
            states = self._queue.states(asked)
            for state in states:
                if state.state == "failed" and len(left[state.id]) > 1:
                    # Perhaps one picture has taken the others with it: each is tried by itself.
                    alone = [[job] for job in left.pop(state.id)]
                    yield from self._submit(alone, left)
                elif state.is_over:
                    yield from self._ended(state, left.pop(state.id))
                else:
                    yield from self._going(state, left[state.id])
            for id in self._gone(asked, {state.id for state in states}):
                # Its ID stays: the next run puts the same job in again.
                for job in left.pop(id):
                    yield job, Report("failed", message=_GONE)
            yield None
            time.sleep(_LOOK)
        self._write_ids()

    def _parts(self, paintings: Sequence[PaintJob]) -> list[list[PaintJob]]:
        """Divide pictures into jobs: one each where painting takes long and has states.

        The others are painted many to a job, so that PyTorch is loaded for all of them once: every
        photograph of a job in the same styles.
        """
        if method_of(self._spec.config).optimises:
            return [[job] for job in paintings]
        workers = max(1, sum(1 for _ in beats(self._queue.store.workers)))
        most = min(_MOST_TOGETHER, -(-len(paintings) // workers))
        by_photograph: dict[Path, list[PaintJob]] = {}
        for job in paintings:
            by_photograph.setdefault(job.photograph, []).append(job)
        rows = [
            row[i : i + most] for row in by_photograph.values() for i in range(0, len(row), most)
        ]
        parts: list[list[PaintJob]] = []
        styles: list[object] = []
        for row in rows:
            if styles == [j.styles for j in row] and len(parts[-1]) + len(row) <= most:
                parts[-1] += row
            else:
                parts.append(list(row))
            styles = [j.styles for j in row]
        return parts

    def _submit(
        self, parts: Sequence[list[PaintJob]], left: dict[str, list[PaintJob]]
    ) -> Iterator[tuple[Job, Report] | None]:
        """Put parts into the queue, by their IDs also into `left`; yield what cannot be painted."""
        for number, part in enumerate(parts, start=1):
            sound = []
            for job in part:
                try:
                    check_sources(self._sources(job), self._spec.config_of(job.photograph))
                    sound.append(job)
                except ImpastoError as error:
                    yield job, Report("failed", message=str(error))
            try:
                if sound:
                    left[self._submitted(sound)] = sound
            except ImpastoError as error:
                for job in sound:
                    yield job, Report("failed", message=str(error))
            if number % _NOTED == 0:
                self._write_ids()
                yield None
        self._write_ids()

    def _going(self, state: JobState, part: Sequence[PaintJob]) -> Iterator[tuple[Job, Report]]:
        """Yield how far a job's pictures are, on the average."""
        last = last_event(JobFolder(self._queue.store, state.id).events) or {}
        for job in part:
            yield job, Report("step", float(last.get("done", 0.0)))

    def _ended(self, state: JobState, part: Sequence[PaintJob]) -> Iterator[tuple[Job, Report]]:
        """Yield what became of the pictures of a job that is over; what is there is fetched."""
        folder = JobFolder(self._queue.store, state.id)
        for job in part:
            self._ids.pop(job.output, None)
            if state.state == "done":
                yield job, self._fetched(folder, job)
            else:
                message = state.message or f"Its job {state.id} was {state.state}."
                yield job, Report("failed", message=message)

    def _gone(self, asked: Sequence[str], known: set[str]) -> list[str]:
        """Return the jobs that the database has not known for some time.

        For a moment it knows none that is tried again or made the next.
        """
        now = time.monotonic()
        self._missing = {id: self._missing.get(id, now) for id in asked if id not in known}
        return [id for id, since in self._missing.items() if now - since >= _PATIENCE]

    def _begun(self, paintings: Sequence[PaintJob]) -> dict[str, list[PaintJob]]:
        """Return the jobs of an earlier run that paint some of these as they are wanted now.

        Those that have ended otherwise than well are put into the queue again.
        """
        parts: dict[str, list[PaintJob]] = {}
        for job in paintings:
            if job.output in self._ids:
                parts.setdefault(self._ids[job.output], []).append(job)
        for id, part in list(parts.items()):
            try:
                is_ours = includes(JobFolder(self._queue.store, id).job(), self._packed(part))
                states = self._queue.states([id]) if is_ours else []
                if is_ours and not (states and states[0].state in _USABLE):
                    self._queue.retry(id)
            except ImpastoError:  # none that can be used
                is_ours = False
            if not is_ours:
                del parts[id]
        return parts

    def _submitted(self, part: Sequence[PaintJob]) -> str:
        """Put a job of pictures into the queue; return its ID."""
        id = self._queue.submit(self._packed(part))
        self._ids |= {job.output: id for job in part}
        return id

    def _packed(self, part: Sequence[PaintJob]) -> PictureJob | Work:
        batch, store = self._spec, self._queue.store
        if len(part) == 1:
            (job,) = part
            return packed(
                self._sources(job),
                batch.config_of(job.photograph),
                store,
                job.output,
                settings=batch.settings,
                memory=batch.memory,
            )
        photographs = tuple(dict.fromkeys(job.photograph for job in part))
        styles = tuple(dict.fromkeys(self._styles[job.styles] for job in part))
        some = replace(batch, photographs=photographs, styles=styles, workers=1)
        return packed_batch(some, store, f"{len(part)} pictures", sheets=False)

    def _sources(self, job: PaintJob) -> Sources:
        batch = self._spec
        return Sources(str(job.photograph), job.styles, batch.init, weights=batch.weights)

    def _fetched(self, folder: JobFolder, job: PaintJob) -> Report:
        """Copy a picture of a job that is done to its place; return a report on it."""
        result = folder.result()
        if result is None:
            return Report("failed", message=f"There is no picture in {folder.path}.")
        source, digest, seconds = folder.picture(result), result.digest, result.seconds
        if source.is_dir():
            entry = self._entry(source, job)
            if entry is None or entry.digest is None:
                message = entry.message if entry else f"There is no such picture in {source}."
                return Report("failed", message=message)
            source, digest, seconds = source / entry.output, entry.digest, entry.seconds or 0.0
        target = self._spec.staging / job.output
        try:
            shutil.copyfile(source, target)
        except FileNotFoundError as problem:
            return Report("failed", message=f"There is no {problem.filename}.")
        except OSError as problem:
            reason = problem.strerror or problem
            raise PictureError(f"{target} cannot be written: {reason}.") from problem
        if of_file(target, PictureError) != digest:
            return Report("failed", message=f"{source} has changed.")
        return Report("done", 1.0, seconds, digest)

    def _entry(self, folder: Path, job: PaintJob) -> Entry | None:
        """Return a picture's entry in the manifest of a job of many pictures."""
        if folder not in self._entries:
            manifest = Manifest.read(folder)
            pairs = {(entry.photograph, entry.style): entry for entry in manifest.entries.values()}
            self._entries = {folder: pairs}
        place = kept(self._queue.store, "content", job.photograph).place
        return self._entries[folder].get((place, self._styles[job.styles].text))

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
