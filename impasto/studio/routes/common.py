"""What several routes take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Depends, Query
from fastapi.requests import HTTPConnection
from fastapi.responses import FileResponse

from impasto.errors import ImpastoError
from impasto.studio.accounts import user_of
from impasto.studio.core import Studio
from impasto.studio.failures import NotFoundError, QuotaError
from impasto.studio.settings import StudioSettings

__all__ = [
    "FOR_EVER",
    "Before",
    "Limit",
    "Owner",
    "StudioOf",
    "check_quota",
    "check_size",
    "shown_file",
]

FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Headers of what never changes under its address."""
_PNG = b"\x89PNG"


def _studio(request: HTTPConnection) -> Studio:
    studio: Studio = request.app.state.studio
    return studio


StudioOf = Annotated[Studio, Depends(_studio)]
Owner = Annotated[str, Depends(user_of)]
Limit = Annotated[int, Query(ge=1, le=200)]
Before = Annotated[int | None, Query(ge=1, le=2**53)]


def check_quota(studio: Studio, owner: str, count: int) -> None:
    """Check that a user may put so many jobs into the queue.

    Raises:
        QuotaError: too many wait already.
    """
    most = studio.settings.most_jobs
    if studio.records.count_open(owner) + count > most:
        raise QuotaError(f"{most} jobs may wait at once: let some end, or cancel them.", 429)


def check_size(settings: StudioSettings, name: str, size: int) -> None:
    """Check that a file of that name may be so large, in bytes.

    Raises:
        QuotaError: it may not.
    """
    most = settings.most_bytes_of(name)
    if size > most:
        raise QuotaError(f"{name} is larger than {most / 2**20:.0f} MiB, the most allowed.")


def shown_file(studio: Studio, path: Path, digest: str, size: str) -> FileResponse:
    """Return a picture as a page shows it; it is made when it is first asked for.

    Args:
        path: of the picture itself.
        digest: of that file.
        size: `view` or `thumbnail`.

    Raises:
        NotFoundError: the file is gone, or no picture.
    """
    folder = studio.settings.folder / "views" / digest.removeprefix("sha256:")
    if not (folder / size).is_file():
        if not path.is_file():
            raise NotFoundError("The file of this picture is gone.")
        try:
            studio.desks.show(path, folder)
        except ImpastoError as error:
            raise NotFoundError(str(error)) from error
    with (folder / size).open("rb") as file:
        kind = "image/png" if file.read(4) == _PNG else "image/jpeg"
    return FileResponse(folder / size, media_type=kind, headers=FOR_EVER)
