"""Files that users send: photographs, paintings, maps, cards, trained styles, films."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response, UploadFile
from fastapi.responses import FileResponse

from impasto.errors import JobError, PictureError
from impasto.files.digests import of_file
from impasto.files.names import safe_name
from impasto.studio.core import Studio
from impasto.studio.failures import NotFoundError, QuotaError
from impasto.studio.film_files import MEDIA_TYPES
from impasto.studio.routes.common import (
    FOR_EVER,
    Before,
    Limit,
    Owner,
    StudioOf,
    check_size,
    shown_file,
)
from impasto.studio.rows import UploadRow, new_key
from impasto.studio.texts import plain
from impasto.studio.views import upload_view

__all__ = ["router"]

router = APIRouter(tags=["uploads"])


@router.post("/uploads", status_code=201)
def _add(studio: StudioOf, owner: Owner, file: UploadFile) -> dict[str, Any]:
    """Send a file. It is read under the limits on strangers' files before it is kept."""
    size = file.size or 0
    name = safe_name(plain(Path(file.filename or "picture").name))
    check_size(studio.settings, name, size)
    if studio.records.bytes_of(owner) + size > studio.settings.most_bytes:
        raise QuotaError(
            f"Your files take more than {studio.settings.most_bytes / 2**30:g} GB: delete some."
        )
    if size == 0:
        raise PictureError(f"{name} is empty: choose another file.")
    folder = studio.settings.folder / "incoming" / new_key()
    try:
        folder.mkdir()
        with (folder / name).open("xb") as copy:
            shutil.copyfileobj(file.file, copy, 2**20)
        return _kept(studio, owner, folder / name)
    except OSError as problem:
        raise JobError(f"The file cannot be kept: {problem.strerror or problem}.") from problem
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@router.get("/uploads")
def _list(
    studio: StudioOf, owner: Owner, limit: Limit = 60, before: Before = None
) -> dict[str, Any]:
    """List uploads, the newest first."""
    page = studio.records.uploads(owner, limit, before)
    items = [upload_view(row, studio.records) for row in page.rows]
    return {"items": items, "next": page.next}


@router.delete("/uploads/{id}", status_code=204)
def _remove(studio: StudioOf, owner: Owner, id: str) -> None:
    """Remove an upload. What was painted from it stays, and so does the file in the folder of jobs.

    Any job may need the file, such as one that is tried again.
    """
    row = _row(studio, owner, id)
    if studio.records.remove_upload(owner, id):
        shutil.rmtree(studio.store.path / _views(row), ignore_errors=True)


@router.get("/uploads/{id}")
def _get(studio: StudioOf, owner: Owner, id: str) -> dict[str, Any]:
    """Return what is known of an upload."""
    return upload_view(_row(studio, owner, id), studio.records)


@router.get("/uploads/{id}/file", response_class=FileResponse)
def _file(studio: StudioOf, owner: Owner, id: str) -> FileResponse:
    """Return a film as it was sent; a part of it by `Range`, as players do."""
    row = _row(studio, owner, id)
    path = studio.store.path / studio.store.place(row.digest, row.name)
    kind = MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
    if row.film is None or not path.is_file():
        raise NotFoundError(f"There is no film {id!r:.80}.")
    return FileResponse(path, media_type=kind, headers=FOR_EVER)


@router.get("/uploads/{id}/view", response_class=FileResponse)
def _view(studio: StudioOf, owner: Owner, id: str) -> FileResponse:
    """Return a picture of at most 2048 pixels."""
    return _shown(studio, owner, id, "view")


@router.get("/uploads/{id}/thumbnail", response_class=FileResponse)
def _thumbnail(studio: StudioOf, owner: Owner, id: str) -> FileResponse:
    """Return a picture of at most 320 pixels."""
    return _shown(studio, owner, id, "thumbnail")


@router.get(
    "/uploads/{id}/frame", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}}
)
def _frame(
    studio: StudioOf,
    owner: Owner,
    id: str,
    seconds: Annotated[float, Query(ge=0, le=1e6)] = 0.0,
    size: Annotated[int, Query(ge=64, le=2048)] = 960,
) -> Response:
    """Return what a film shows at a time, as JPEG."""
    row = _row(studio, owner, id)
    if row.film is None:
        raise PictureError(f"{row.name} is no film, and has no frames.")
    path = studio.store.path / studio.store.place(row.digest, row.name)
    jpeg = studio.desks.frame(path, seconds, size)
    headers = {"Cache-Control": "private, max-age=86400"}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


def _shown(studio: Studio, owner: str, id: str, size: str) -> FileResponse:
    row = _row(studio, owner, id)
    path = studio.store.path / studio.store.place(row.digest, row.name)
    return shown_file(studio, path, row.digest, size)


def _views(row: UploadRow) -> Path:
    return Path("studio", "views", row.digest.removeprefix("sha256:"))


def _row(studio: Studio, owner: str, id: str) -> UploadRow:
    row = studio.records.upload(owner, id)
    if row is None:
        raise NotFoundError(f"There is no upload {id!r:.80}.")
    return row


def _kept(studio: Studio, owner: str, file: Path) -> dict[str, Any]:
    digest = of_file(file, JobError)
    views = studio.settings.folder / "views" / digest.removeprefix("sha256:")
    inspected = studio.desks.inspect(file, file.name, views)
    digest, name = studio.store.keep(file)
    row = UploadRow(
        id=new_key(),
        owner=owner,
        name=name,
        digest=digest,
        bytes=file.stat().st_size,
        width=inspected["width"],
        height=inspected["height"],
        kind=inspected["kind"],
        recipe=inspected["recipe"],
        film=json.dumps(film) if (film := inspected.get("film")) else None,
        created=time.time(),
    )
    return upload_view(studio.records.add_upload(row), studio.records)
