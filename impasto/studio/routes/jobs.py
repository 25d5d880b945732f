"""Jobs: put in, listed, and what becomes of them."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from impasto.errors import OptionError
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.job_folder import JobFolder
from impasto.jobs.queue.journal import read_events
from impasto.jobs.queue.work import Work
from impasto.studio.bodies import JobRequest
from impasto.studio.continuing import continued
from impasto.studio.core import Studio
from impasto.studio.failures import NotFoundError
from impasto.studio.requests import paintings, single
from impasto.studio.routes.common import Before, Limit, Owner, StudioOf, check_quota
from impasto.studio.rows import JobRow, new_key
from impasto.studio.views import API
from impasto.studio.works import WORKS, packed_work

__all__ = ["More", "router"]

router = APIRouter(tags=["jobs"])

_MOST_LOSSES = 2000
_SHOWN = (".png", ".jpg", ".webp", ".gif")

Json = dict[str, Any]


class More(BaseModel):
    """How much longer a picture is to be painted."""

    model_config = ConfigDict(extra="forbid")
    iterations: int = Field(50, ge=1, le=10_000)


@router.post("/jobs", status_code=201)
def _add(studio: StudioOf, owner: Owner, request: JobRequest) -> Json:
    """Put pictures into the queue: one for each photograph."""
    return _submitted(studio, owner, request)


@router.get("/jobs")
def _list(
    studio: StudioOf,
    owner: Owner,
    limit: Limit = 50,
    before: Before = None,
    state: Annotated[str, Query(max_length=20)] = "",
    group: Annotated[str, Query(max_length=20)] = "",
) -> Json:
    """List jobs, the newest first; of a group those that were asked for together."""
    page = studio.records.jobs(owner, limit, before, state, group)
    return {"items": [studio.follower.view(row) for row in page.rows], "next": page.next}


@router.get("/jobs/{id}")
def _get(studio: StudioOf, owner: Owner, id: str) -> Json:
    """Return where a job is."""
    return studio.follower.view(_row(studio, owner, id))


@router.get("/jobs/{id}/preview")
def _preview(studio: StudioOf, owner: Owner, id: str) -> Response:
    """Return the picture so far, at most 512 pixels."""
    path = JobFolder(studio.store, _row(studio, owner, id).id).preview
    if not path.is_file():
        raise NotFoundError(f"There is no preview of the job {id} yet.")
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get("/jobs/{id}/losses")
def _losses(studio: StudioOf, owner: Owner, id: str) -> Json:
    """Return the losses of a job's steps, the latest 2,000."""
    folder = JobFolder(studio.store, _row(studio, owner, id).id)
    steps = deque(
        (event for event in read_events(folder.events) if event["event"] == "step"),
        maxlen=_MOST_LOSSES,
    )
    return {"items": [_loss(step) for step in steps]}


@router.get("/jobs/{id}/files")
def _files(studio: StudioOf, owner: Owner, id: str) -> Json:
    """List the files that a training or a study has left."""
    made = _made(studio, owner, id)
    items = [
        {"name": name, "bytes": path.stat().st_size, "file": f"{API}/jobs/{id}/files/{name}"}
        for name, path in made.items()
    ]
    return {"items": items}


@router.get("/jobs/{id}/files/{name:path}", response_class=FileResponse)
def _file(studio: StudioOf, owner: Owner, id: str, name: str) -> FileResponse:
    """Return one of these files; pictures may be shown, all others are downloaded."""
    path = _made(studio, owner, id).get(name)
    if path is None:
        raise NotFoundError(f"The job {id} has left no file {name!r:.80}.")
    if path.suffix in _SHOWN:
        return FileResponse(path)
    return FileResponse(path, filename=path.name, media_type="application/octet-stream")


@router.post("/jobs/{id}/extend", status_code=201)
def _extend(studio: StudioOf, owner: Owner, id: str, more: More) -> Json:
    """Paint a finished picture further, as a job of its own."""
    row = _row(studio, owner, id)
    picture = row.picture and studio.records.picture(owner, row.picture)
    if row.state != "done" or not row.request or not picture:
        raise OptionError(f"The job {id} is {row.state}, and has no picture to go on from.")
    request = JobRequest.model_validate_json(row.request)
    return _submitted(studio, owner, continued(request, picture, more.iterations))


@router.post("/jobs/{id}/{action}")
def _act(
    studio: StudioOf, owner: Owner, id: str, action: Literal["cancel", "pause", "retry", "next"]
) -> Json:
    """Cancel, pause or retry a job, or let it run next."""
    row = _row(studio, owner, id)
    state = getattr(studio.queue, action)(row.id)
    studio.records.change_job(row.id, state=state.state, priority=state.priority)
    studio.follower.wake()
    changed = _row(studio, owner, id)
    view = studio.follower.view(changed)
    studio.hub.publish(owner, "job", row.id, view)
    return view


def _made(studio: Studio, owner: str, id: str) -> dict[str, Path]:
    """Return the files that a job has left, by their names below its folder."""
    folder = JobFolder(studio.store, _row(studio, owner, id).id)
    result = folder.result()
    made = None if result is None else folder.picture(result)
    if made is None or not made.is_dir():
        raise NotFoundError(f"The job {id} has left no folder of files.")
    files = sorted(path for path in made.rglob("*") if path.is_file())
    return {path.relative_to(made).as_posix(): path for path in files}


def _row(studio: Studio, owner: str, id: str) -> JobRow:
    row = studio.records.job(owner, id)
    if row is None:
        raise NotFoundError(f"There is no job {id!r:.80}.")
    return row


def _submitted(studio: Studio, owner: str, request: JobRequest) -> Json:
    asked = single(request)
    check_quota(studio, owner, len(asked))
    jobs = _packed(studio, owner, request)
    cluster = new_key() if len(jobs) > 1 else None
    rows = [_put_in(studio, owner, job, one, cluster) for job, one in zip(jobs, asked, strict=True)]
    studio.follower.wake()
    views = [studio.follower.view(row) for row in rows]
    for row, view in zip(rows, views, strict=True):
        studio.hub.publish(owner, "job", row.id, view)
    return {"jobs": views}


def _packed(studio: Studio, owner: str, request: JobRequest) -> list[Job | Work]:
    """Return the jobs of a request, whose files are in the store."""
    from impasto.jobs.queue.packing import packed  # with it Pillow and NumPy

    places = studio.places(owner)
    if request.task in WORKS:
        folder = studio.settings.folder / "incoming"
        return [packed_work(request, places, studio.desks, studio.store, folder)]
    return [
        packed(one.sources, one.config, studio.store, one.name, settings=one.output)
        for one in paintings(request, places)
    ]


def _put_in(
    studio: Studio, owner: str, job: Job | Work, request: JobRequest, cluster: str | None
) -> JobRow:
    rows: list[JobRow] = []

    def note(id: str) -> None:
        # Before it is in the queue: a job that nobody owns would be painted, and never seen.
        row = JobRow(
            id=id,
            owner=owner,
            title=request.title or _title(job, request),
            task=request.task,
            method=_method(job, request),
            created=time.time(),
            cluster=cluster,
            request=request.model_dump_json(),
        )
        studio.records.add_job(row)
        rows.append(row)

    studio.queue.submit(job, note)
    return rows[0]


def _title(job: Job | Work, request: JobRequest) -> str:
    return Path(job.title).stem if request.task == "film" else job.title


def _method(job: Job | Work, request: JobRequest) -> str:
    if isinstance(job, Job):
        return job.method
    return request.study or str(job.options.get("method", "")) if request.task != "train" else ""


def _loss(step: Json) -> Json:
    names = ("scale", "iteration", "iterations", "done")
    losses = step.get("losses") or {}
    return {**{name: step.get(name) for name in names}, **losses}
