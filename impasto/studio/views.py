"""What the API says of jobs, pictures, uploads and styles, as JSON holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from impasto.config.recipe import Recipe
from impasto.errors import ImpastoError
from impasto.studio.film_recipes import kept_film_recipe_view
from impasto.studio.recipe_views import recipe_view
from impasto.studio.records import Records
from impasto.studio.rows import JobRow, PictureRow, StyleRow, UploadRow

__all__ = [
    "API",
    "can_do",
    "job_view",
    "picture_view",
    "style_view",
    "upload_view",
]

API = "/api/v1"

Json = dict[str, Any]
_STEP = ("scale", "scales", "width", "height", "iteration", "iterations", "losses", "place")
_FOLDERS = ("train", "study", "batch")  # tasks that leave a folder


def job_view(row: JobRow, live: Mapping[str, Any] | None = None) -> Json:
    """Return a job.

    Args:
        live: its last step, `seconds_left` and the number of its `preview`, as far as known.
    """
    live = live or {}
    preview = live.get("preview")
    has_files = row.state == "done" and row.task in _FOLDERS
    return {
        "id": row.id,
        "title": row.title,
        "task": row.task,
        "method": row.method,
        "state": row.state,
        "created": _time(row.created),
        "done": 1.0 if row.state == "done" else live.get("done", row.done),
        "priority": row.priority,
        **{name: live.get(name) for name in _STEP},
        "seconds_left": live.get("seconds_left"),
        "worker": row.worker,
        "message": row.message,
        "preview": f"{API}/jobs/{row.id}/preview?v={preview}" if preview else None,
        "picture": row.picture,
        "group": row.cluster,
        "files": f"{API}/jobs/{row.id}/files" if has_files else None,
        "request": json.loads(row.request) if row.request else None,
        "can": can_do(row),
    }


def can_do(row: JobRow) -> list[str]:
    """Return what may be done with a job now."""
    if row.state == "done":
        is_known = bool(row.picture and row.request)
        return ["extend"] if is_known and row.task == "stylize" and row.method != "fast" else []
    if row.state in ("failed", "cancelled"):
        return ["retry"]
    if row.state == "paused":
        return ["retry", "cancel"]
    return ["cancel", "pause", *(["next"] if row.state == "waiting" else [])]


def picture_view(row: PictureRow) -> Json:
    """Return a picture, or a film."""
    place = f"{API}/pictures/{row.id}"
    return {
        "id": row.id,
        "title": row.title,
        "name": row.name,
        "created": _time(row.created),
        "width": row.width,
        "height": row.height,
        "bytes": row.bytes,
        "method": row.method,
        "styles": list(row.styles),
        "job": row.job,
        "photograph": row.photograph,
        "thumbnail": f"{place}/thumbnail",
        "view": f"{place}/view",
        "file": f"{place}/file",
        "kind": "picture" if row.seconds is None else "film",
        "seconds": row.seconds,
    }


def upload_view(row: UploadRow, records: Records) -> Json:
    """Return an upload."""
    place = f"{API}/uploads/{row.id}"
    return {
        "id": row.id,
        "name": row.name,
        "bytes": row.bytes,
        "width": row.width,
        "height": row.height,
        "kind": row.kind,
        "view": f"{place}/view",
        "thumbnail": f"{place}/thumbnail",
        "recipe": _recipe_in(row, records),
        "film": json.loads(row.film) if row.film else None,
    }


def style_view(row: StyleRow) -> Json:
    """Return a user's own style."""
    return {
        "id": row.id,
        "title": row.title,
        "artist": "",
        "about": "",
        "kind": "own",
        "upload": row.upload,
        "part": row.part,
        "picture": None if row.part else f"{API}/uploads/{row.upload}/thumbnail",
    }


def _recipe_in(row: UploadRow, records: Records) -> Json | None:
    """Return the recipe that an upload has brought along; None for none that can be used."""
    if row.recipe is None:
        return None
    try:
        return recipe_view(Recipe.from_json(row.recipe), row.owner, records)
    except ImpastoError:
        return kept_film_recipe_view(row.recipe, row.owner, records)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
