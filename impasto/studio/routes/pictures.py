"""The gallery: what was painted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from impasto.errors import ImpastoError, OptionError
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.job_folder import JobFolder
from impasto.studio.core import Studio
from impasto.studio.failures import NotFoundError
from impasto.studio.film_files import MEDIA_TYPES
from impasto.studio.film_recipes import film_recipe_view
from impasto.studio.recipe_views import recipe_view
from impasto.studio.routes.common import FOR_EVER, Before, Limit, Owner, StudioOf, shown_file
from impasto.studio.rows import PictureRow
from impasto.studio.views import picture_view

__all__ = ["router"]

router = APIRouter(tags=["pictures"])

Words = Annotated[str, Query(max_length=200)]


@router.get("/pictures")
def _list(
    studio: StudioOf,
    owner: Owner,
    limit: Limit = 60,
    before: Before = None,
    q: Words = "",
    style: Words = "",
    method: Words = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, Any]:
    """List pictures, the newest first; search by words, style, method and time."""
    search: dict[str, Any] = {
        "words": q,
        "style": style,
        "method": method,
        "since": since and _seconds("since", since),
        "until": until and _seconds("until", until),
    }
    page = studio.records.pictures(owner, limit, before, **search)
    total = studio.records.count_pictures(owner, **search)
    return {"items": [picture_view(row) for row in page.rows], "next": page.next, "total": total}


@router.get("/pictures/{id}")
def _get(studio: StudioOf, owner: Owner, id: str) -> dict[str, Any]:
    """Return a picture, its recipe, and what was asked for."""
    row = _row(studio, owner, id)
    job = studio.records.job(owner, row.job) if row.job else None
    request = json.loads(job.request) if job and job.request else None
    return {**picture_view(row), "recipe": _recipe(studio, row), "request": request}


@router.get("/pictures/{id}/file", response_class=FileResponse)
def _file(studio: StudioOf, owner: Owner, id: str) -> FileResponse:
    """Download the file as it was painted; a part of it by `Range`, as players of films do."""
    row = _row(studio, owner, id)
    path = studio.store.path / row.place
    if not path.is_file():
        raise NotFoundError("The file of this picture is gone.")
    if row.seconds is None:
        return FileResponse(path, filename=row.name)
    # A player asks for parts again and again: it may keep them.
    kind = MEDIA_TYPES.get(path.suffix.lower())
    return FileResponse(path, filename=row.name, media_type=kind, headers=FOR_EVER)


@router.get("/pictures/{id}/view", response_class=FileResponse)
def _view(studio: StudioOf, owner: Owner, id: str) -> FileResponse:
    """Return the picture at no more than 2048 pixels."""
    row = _row(studio, owner, id)
    return shown_file(studio, studio.store.path / row.place, row.digest, "view")


@router.get("/pictures/{id}/thumbnail", response_class=FileResponse)
def _thumbnail(studio: StudioOf, owner: Owner, id: str) -> FileResponse:
    """Return the picture at no more than 320 pixels."""
    row = _row(studio, owner, id)
    return shown_file(studio, studio.store.path / row.place, row.digest, "thumbnail")


@router.delete("/pictures/{id}", status_code=204)
def _remove(studio: StudioOf, owner: Owner, id: str) -> None:
    """Delete a picture. It can be restored for a day."""
    _row(studio, owner, id)
    studio.records.remove_picture(owner, id)
    studio.hub.publish(owner, "gone", id, {"picture": id})


@router.post("/pictures/{id}/restore")
def _restore(studio: StudioOf, owner: Owner, id: str) -> dict[str, Any]:
    """Take a deleted picture back."""
    if not studio.records.remove_picture(owner, id, is_removed=False):
        raise NotFoundError(f"There is no picture {id!r:.80} any more.")
    view = picture_view(_row(studio, owner, id))
    studio.hub.publish(owner, "picture", id, view)
    return view


def _seconds(name: str, time: datetime) -> float:
    """Return a time in seconds since 1970; one without a zone is of UTC."""
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError, OSError):
        raise OptionError(f"{name} is {time}: no such time can be looked for.") from None


def _row(studio: Studio, owner: str, id: str) -> PictureRow:
    row = studio.records.picture(owner, id)
    if row is None or row.removed is not None:
        raise NotFoundError(f"There is no picture {id!r:.80}.")
    return row


def _recipe(studio: Studio, row: PictureRow) -> dict[str, Any] | None:
    """Return the recipe of a picture, from its job: its file need not be opened."""
    if row.job is None:
        return None
    try:
        job = JobFolder(studio.store, row.job).job()
    except ImpastoError:
        return None
    if isinstance(job, Job):
        return recipe_view(job.recipe(1), row.owner, studio.records)
    return film_recipe_view(job, row.owner, studio.records) if job.kind == "film" else None
