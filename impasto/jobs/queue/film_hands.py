"""A film whose chunks the workers of a queue paint, each a job; the film itself is joined here."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Sequence

from impasto.errors import ImpastoError, JobError, PictureError
from impasto.files import atomic
from impasto.film.folder import JOBS, FilmFolder
from impasto.film.plan import Chunk
from impasto.film.prepared import Film
from impasto.film.progress import Tell
from impasto.jobs.queue.client import JobQueue, JobState
from impasto.jobs.queue.filming import of_chunk, packed_film
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.journal import last_event

__all__ = ["QueueHands"]

_LOOK = 1.0  # seconds between two looks at the jobs
_PATIENCE = 5.0  # seconds after which a job that the database does not know is gone
_USABLE = {"waiting", "running", "interrupted", "done"}


class QueueHands:
    """Lets the workers of a queue paint a film's chunks.

    Args:
        queue: connected.
    """

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue

    def __call__(self, film: Film, folder: FilmFolder, chunks: Sequence[Chunk], tell: Tell) -> None:
        """Paint chunks into their folders; the arguments are those of `paint_here`.

        Jobs of an earlier command go on. What `tell` raises ends this, and not the jobs.

        Raises:
            ImpastoError: a chunk cannot be painted.
        """
        _Jobs(self._queue, film, folder, chunks, tell).wait()


class _Jobs:
    """The jobs of a film's chunks."""

    def __init__(
        self,
        queue: JobQueue,
        film: Film,
        folder: FilmFolder,
        chunks: Sequence[Chunk],
        tell: Tell,
    ) -> None:
        self._queue, self._folder, self._tell = queue, folder, tell
        self._work = packed_film(film.spec, queue.store)
        self._file = folder.path / JOBS
        self._shares = dict.fromkeys((chunk.number for chunk in chunks), 0.0)
        self._missing: dict[str, float] = {}  # since when the database does not know a job
        known = self._known_ids()
        self._left: dict[str, Chunk] = {}
        for chunk in chunks:
            self._tell(0.0, "putting chunks into the queue", None)
            self._left[self._begun(chunk, known.get(str(chunk.number)))] = chunk
            self._write_ids()

    def wait(self) -> None:
        """Wait until all chunks are there."""
        while self._left:
            states = self._queue.states(list(self._left))
            for state in states:
                if state.is_over:
                    self._fetch(state, self._left.pop(state.id))
                else:
                    self._look_at(state, self._left[state.id])
            self._put_in_again({state.id for state in states})
            self._report()
            if self._left:
                time.sleep(_LOOK)
        self._file.unlink(missing_ok=True)

    def _begun(self, chunk: Chunk, id: str | None) -> str:
        """Return the job of a chunk: that of an earlier command, or a new one."""
        work = of_chunk(self._work, chunk)
        if id is not None:
            with contextlib.suppress(ImpastoError):
                if JobFolder(self._queue.store, id).job() == work:
                    states = self._queue.states([id])
                    if not (states and states[0].state in _USABLE):
                        self._queue.retry(id)
                    return id
        return self._queue.submit(work)

    def _fetch(self, state: JobState, chunk: Chunk) -> None:
        """Copy what a job has painted into the film's folder.

        Raises:
            JobError: it has painted nothing, or that is not there.
            PictureError: it cannot be copied.
        """
        if state.state != "done":
            reason = state.message or f"it was {state.state}."
            raise JobError(f"The job {state.id} of chunk {chunk.number + 1} has failed: {reason}")
        job, target = JobFolder(self._queue.store, state.id), self._folder.chunk(chunk)
        result = job.result()
        made = None if result is None else job.picture(result)
        if made is None or not made.is_dir():
            raise JobError(f"What the job {state.id} has painted is not in {job.path}.")
        target.clear()
        try:
            for file in sorted(made.iterdir(), key=lambda file: file.suffix == ".json"):
                with file.open("rb") as source, atomic.opened(target.path / file.name) as copy:
                    shutil.copyfileobj(source, copy, 2**20)
        except OSError as problem:
            raise PictureError(
                f"{target.path} cannot be written: {problem.strerror or problem}."
            ) from problem
        if not target.is_done:
            raise JobError(f"What the job {state.id} has painted has changed in {made}.")
        self._shares[chunk.number] = 1.0

    def _look_at(self, state: JobState, chunk: Chunk) -> None:
        last = last_event(JobFolder(self._queue.store, state.id).events) or {}
        self._shares[chunk.number] = float(last.get("done", 0.0))

    def _put_in_again(self, known: set[str]) -> None:
        """Put chunks in again whose jobs somebody has removed from the queue."""
        now = time.monotonic()
        gone = [id for id in self._left if id not in known]
        self._missing = {id: self._missing.get(id, now) for id in gone}
        for id, since in self._missing.items():
            if now - since >= _PATIENCE:
                chunk = self._left.pop(id)
                self._left[self._begun(chunk, None)] = chunk
                self._write_ids()

    def _report(self) -> None:
        done = sum(self._shares.values()) / max(1, len(self._shares))
        painted = len(self._shares) - len(self._left)
        self._tell(done, f"{painted}/{len(self._shares)} chunks", None)

    def _known_ids(self) -> dict[str, str]:
        with contextlib.suppress(OSError, ValueError):
            data = json.loads(self._file.read_text("ascii"))
            if isinstance(data, dict):
                return {str(number): str(id) for number, id in data.items()}
        return {}

    def _write_ids(self) -> None:
        data = json.dumps({str(chunk.number): id for id, chunk in self._left.items()})
        atomic.replace(self._file, data.encode("ascii"), force=True)
