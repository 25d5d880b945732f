"""Follows the queue: what workers do becomes records, events and pictures of the gallery.

It only looks: a studio that was killed sees all that happened meanwhile when it is there again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, JobError
from impasto.jobs.queue.client import JobQueue, JobState
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.job_folder import JobFolder, Result
from impasto.jobs.queue.journal import last_event, read_events
from impasto.jobs.queue.kinds import KINDS
from impasto.jobs.queue.work import Work
from impasto.networks.trained_metadata import read_metadata
from impasto.studio.hub import Hub
from impasto.studio.recipe_views import task_of
from impasto.studio.records import Records
from impasto.studio.rows import JobRow, PictureRow, StyleRow, UploadRow, new_key
from impasto.studio.texts import without_folders
from impasto.studio.views import job_view, picture_view

__all__ = ["Follower"]

_LOG = logging.getLogger("impasto.studio")

_EVERY = 0.4  # seconds between two looks while something waits or runs
_IDLE = 1.0  # and while nothing does
_OTHERS = 3.0  # seconds between two looks for jobs of command lines
_TIDY = 600.0  # seconds between two looks for pictures that were deleted long ago
_KEPT = 86_400.0  # seconds in which a deleted picture can be restored
_LOST = 15.0  # seconds after which a job that the queue does not know is lost
_LATEST = 200  # jobs among which those of command lines are looked for


@dataclass
class _Live:
    """What is known of a job that runs, beside its record."""

    shown: dict[str, Any] = field(default_factory=dict)
    began: float = 0.0
    done_then: float = 0.0
    lost: float = 0.0  # when the queue was first seen not to know the job
    is_noted: bool = False  # that what it has left cannot be read


class Follower:
    """A thread that looks at the queue.

    Args:
        sees_others: take up jobs that others than this studio have put into the queue; they belong
            to the user without a name.
    """

    def __init__(self, queue: JobQueue, records: Records, hub: Hub, *, sees_others: bool) -> None:
        self._queue, self._records, self._hub = queue, records, hub
        self._sees_others = sees_others
        self._live: dict[str, _Live] = {}
        self._is_over, self._is_woken = threading.Event(), threading.Event()
        self._looked_for_others = self._tidied = -1e9
        self._is_connected = threading.Event()
        self._problem: JobError | None = None
        self.is_queue_there = True
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._is_over.set()
        self._is_woken.set()
        self._thread.join(10)

    def wake(self) -> None:
        """Look at once, as something was changed."""
        self._is_woken.set()

    def wait_for_queue(self, seconds: float) -> None:
        """Wait until the queue is connected to.

        Raises:
            JobError: it cannot be.
        """
        if not self._is_connected.wait(0 if self._problem else seconds):
            problem = self._problem or JobError("The queue is not connected to yet: try again.")
            raise JobError(str(problem)) from (problem.__cause__ or ConnectionError())

    def view(self, row: JobRow) -> dict[str, Any]:
        """Return a job as the API shows it, with how far it is."""
        live = self._live.get(row.id)
        return job_view(row, live.shown if live else None)

    def _follow(self) -> None:
        while not self._is_over.is_set() and not self._is_connected.is_set():
            self._connect()
        while not self._is_over.is_set():
            is_busy = False
            try:
                is_busy = self._look()
                self.is_queue_there = True
            except JobError as error:
                if self.is_queue_there:
                    _LOG.warning("%s", error)
                self.is_queue_there = False
            except Exception:
                _LOG.exception("The studio could not look at its queue.")
            self._is_woken.wait(_EVERY if is_busy else _IDLE)
            self._is_woken.clear()

    def _connect(self) -> None:
        """Connect to the queue, or wait a moment."""
        try:
            self._queue.connect()
        except ImpastoError as error:
            if self._problem is None:
                _LOG.warning("%s It is tried again until it can be.", error)
            self._problem = error if isinstance(error, JobError) else JobError(str(error))
            self.is_queue_there = False
            self._is_woken.wait(_OTHERS)
            self._is_woken.clear()
            return
        self._problem, self.is_queue_there = None, True
        self._is_connected.set()
        _load()

    def _look(self) -> bool:
        """Look once; return whether something waits or runs.

        Raises:
            JobError: the queue cannot be reached.
        """
        now = time.monotonic()
        if now - self._looked_for_others >= _OTHERS:
            self._looked_for_others = now
            self._look_at_latest()
        if now - self._tidied >= _TIDY:
            self._tidied = now
            self._tidy()
        rows = self._records.unfinished()
        if not rows:
            self._live.clear()
            return False
        states = {state.id: state for state in self._queue.states([row.id for row in rows])}
        for row in rows:
            try:
                self._follow_job(row, states.get(row.id))
            except JobError:
                raise
            except Exception:  # a fault of one job must not hide those after it
                _LOG.exception("The job %s cannot be followed.", row.id)
        for id in self._live.keys() - {row.id for row in rows}:
            del self._live[id]
        return True

    def _follow_job(self, row: JobRow, state: JobState | None) -> None:
        live = self._live.setdefault(row.id, _Live())
        if state is None:
            self._miss(row, live)
            return
        live.lost = 0.0
        folder = JobFolder(self._queue.store, row.id)
        before = self.view(row)
        self._read_progress(live, folder, state)
        picture = self._taken_in(row, folder) if state.state == "done" else None
        changed = replace(
            row,
            state=state.state,
            message=without_folders(state.message, self._queue.store.path),
            worker=state.executor,
            priority=state.priority,
            done=1.0 if state.state == "done" else live.shown.get("done", row.done),
            picture=picture.id if picture else row.picture,
        )
        if _is_other(row, changed):
            values = ("state", "message", "worker", "priority", "done")
            self._records.change_job(row.id, **{name: getattr(changed, name) for name in values})
        if picture is not None:
            self._records.add_picture(picture)
            self._hub.publish(row.owner, "picture", picture.id, picture_view(picture))
        if (after := self.view(changed)) != before:
            self._hub.publish(row.owner, "job", row.id, after)

    def _miss(self, row: JobRow, live: _Live) -> None:
        """Say that the queue has lost a job, unless it is between two steps of `retry`."""
        now = time.monotonic()
        live.lost = live.lost or now
        if now - live.lost < _LOST:
            return
        lost = replace(row, state="failed", message="The queue does not know this job any more.")
        self._records.change_job(row.id, state=lost.state, message=lost.message)
        self._hub.publish(row.owner, "job", row.id, self.view(lost))

    def _read_progress(self, live: _Live, folder: JobFolder, state: JobState) -> None:
        event = last_event(folder.events) or {}
        now = time.monotonic()
        if event.get("event") == "step":
            done = float(event.get("done", 0.0))
            names = (
                "scale",
                "scales",
                "width",
                "height",
                "iteration",
                "iterations",
                "losses",
                "place",
            )
            live.shown.update({name: event.get(name) for name in names}, done=done)
            if not live.began or done < live.done_then:
                live.began, live.done_then = now, done
            gained = done - live.done_then
            if gained > 0.02:
                live.shown["seconds_left"] = round((now - live.began) * (1 - done) / gained, 1)
        elif event.get("event") == "begun":
            live.began = 0.0
        if state.state != "running":
            live.began = 0.0
            live.shown.pop("seconds_left", None)
        with contextlib.suppress(OSError):
            live.shown["preview"] = folder.preview.stat().st_mtime_ns // 1_000_000

    def _taken_in(self, row: JobRow, folder: JobFolder) -> PictureRow | None:
        """Return the picture that a job ended with; take up what a training has left.

        None where its folder cannot be read now: it is looked at again.
        """
        from impasto.image.long_side import size_in_header  # with it Pillow and NumPy

        try:
            result, job = folder.result(), folder.job()
            if result is None:
                return None
            path = folder.picture(result)
            if isinstance(job, Work) and not path.is_file():
                self._keep(row, job, path)
                self._records.change_job(row.id, is_taken_in=1)
                return None
            place, count = self._place(path), path.stat().st_size
            if isinstance(job, Work):
                size, seconds = _film_facts(folder)
                made = _picture_row(row, job, result, place, size, count)
                return replace(made, seconds=seconds)
            size = size_in_header(path) or (0, 0)
            return _picture_row(row, job, result, place, size, count)
        except (ImpastoError, OSError) as error:
            self._note_missing(row, folder, error)
            return None

    def _note_missing(self, row: JobRow, folder: JobFolder, error: Exception) -> None:
        """Say once that what a job has left cannot be read; look no more where it was removed."""
        live = self._live[row.id]
        if not live.is_noted:
            _LOG.warning("What the job %s has left cannot be read: %s", row.id, error)
        live.is_noted = True
        if not folder.is_away and not folder.path.exists():
            gone = "Its folder was removed."
            self._records.change_job(row.id, is_taken_in=1, message=gone)

    def _keep(self, row: JobRow, job: Work, made: Path) -> None:
        """Keep what a training has learnt, each as a style of the user's."""
        if job.kind != "train":
            return
        file = KINDS["train"].result_in(made)
        digest, name = self._queue.store.keep(file)
        now, count = time.time(), file.stat().st_size
        upload = UploadRow(
            new_key(), row.owner, name, digest, count, 0, 0, "trained", None, created=now
        )
        upload = self._records.add_upload(upload)
        kept = {(s.upload, s.part) for s in self._records.styles(row.owner)}
        for entry in read_metadata(file).entries:
            style = StyleRow(new_key(), row.owner, entry.name, upload.id, now, part=entry.name)
            if (upload.id, entry.name) not in kept:  # by a studio that was killed after it
                self._records.add_style(style)

    def _place(self, path: Path) -> str:
        return path.relative_to(self._queue.store.path).as_posix()

    def _look_at_latest(self) -> None:
        """Follow jobs again that others have put back; take up those that others have put in."""
        states = self._queue.jobs(_LATEST)
        known = self._records.known_jobs([state.id for state in states])
        for state in states:
            if state.id in known:
                self._records.reopen_job(state.id, state.state)
            if state.id in known or not self._sees_others:
                continue
            with contextlib.suppress(ImpastoError):
                job = JobFolder(self._queue.store, state.id).job()
                created = state.began / 1000
                method = job.method if isinstance(job, Job) else ""
                task = task_of(method) if method else job.kind
                row = JobRow(state.id, "", state.title, task, method, created)
                self._records.add_job(row)

    def _tidy(self) -> None:
        for row in self._records.forget_pictures(time.time() - _KEPT):
            folder = (self._queue.store.path / row.place).parents[2]
            if folder.parent == self._queue.store.jobs:
                shutil.rmtree(folder, ignore_errors=True)


def _load() -> None:
    """Load what the first request needs: serving begins without it."""
    import impasto.jobs.queue.packing
    import impasto.studio.requests  # noqa: F401


def _is_other(row: JobRow, changed: JobRow) -> bool:
    """Return whether a record is worth writing: not for each step."""
    steps = replace(changed, done=row.done, picture=row.picture)
    return steps != row or (changed.state != "running" and changed.done != row.done)


def _film_facts(folder: JobFolder) -> tuple[tuple[int, int], float]:
    """Return width and height, and seconds, of a job's film, as its process has told them."""
    width, height, seconds = 0, 0, 0.0
    for event in read_events(folder.events):
        if event["event"] == "film":
            width, height, seconds = event["width"], event["height"], event["seconds"]
    return (int(width), int(height)), float(seconds)


def _picture_row(
    row: JobRow, job: Job | Work, result: Result, place: str, size: tuple[int, int], count: int
) -> PictureRow:
    method = job.method if isinstance(job, Job) else str(job.options.get("method", ""))
    styles = tuple(
        Path(source.name).stem for source in job.sources if source.role in ("style", "region")
    )
    request = json.loads(row.request) if row.request else {}
    contents = request.get("contents") or [{}]
    title = row.title
    words = " ".join([title, result.name, method, *styles]).lower()
    return PictureRow(
        id=new_key(),
        owner=row.owner,
        job=row.id,
        title=title,
        name=result.name,
        place=place,
        digest=result.digest,
        width=size[0],
        height=size[1],
        bytes=count,
        method=method,
        styles=styles,
        photograph=contents[0].get("upload"),
        words=words,
        created=time.time(),
    )
