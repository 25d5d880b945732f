"""What the API says of jobs, pictures, uploads and recipes, as JSON holds it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from impasto.config.bases import StyledConfig
from impasto.config.methods import METHODS, DoodleConfig, TextureConfig
from impasto.config.recipe import Input, Recipe
from impasto.errors import ImpastoError
from impasto.studio.records import Records
from impasto.studio.rows import JobRow, PictureRow, StyleRow, UploadRow
from impasto.styles import gallery

__all__ = [
    "API",
    "can_do",
    "job_view",
    "picture_view",
    "recipe_view",
    "style_view",
    "task_of",
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
    recipe = None if row.recipe is None else _read(row.recipe)
    return {
        "id": row.id,
        "name": row.name,
        "bytes": row.bytes,
        "width": row.width,
        "height": row.height,
        "kind": row.kind,
        "view": f"{place}/view",
        "thumbnail": f"{place}/thumbnail",
        "recipe": recipe and recipe_view(recipe, row.owner, records),
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


def recipe_view(recipe: Recipe, owner: str, records: Records) -> Json:
    """Return a recipe: what was chosen, all options, and which inputs the user has here."""
    method = METHODS.get(recipe.method)
    defaults = {} if method is None else {s.name: s.default for s in fields(method.config)}
    chosen = {n: v for n, v in recipe.config.items() if _plain(defaults.get(n)) != v}
    return {
        "task": task_of(recipe.method),
        "method": recipe.method,
        "options": chosen,
        "all_options": recipe.config,
        "version": recipe.version,
        "inputs": [_input_view(entry, owner, records) for entry in recipe.inputs],
        "rows": [list(row) for row in _rows(recipe, chosen)],
    }


def task_of(method: str) -> str:
    """Return the command that a method belongs to."""
    config = METHODS[method].config if method in METHODS else StyledConfig
    if issubclass(config, TextureConfig):
        return "texture"
    return "doodle" if issubclass(config, DoodleConfig) else "stylize"


def _input_view(entry: Input, owner: str, records: Records) -> Json:
    upload = records.upload_of(owner, entry.digest)
    return {
        "role": entry.role,
        "name": entry.name.rpartition("/")[2],
        "use": entry.use,
        "digest": entry.digest,
        "style": entry.name if entry.name in gallery.names() else None,
        "upload": upload and upload.id,
    }


def _rows(recipe: Recipe, chosen: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "Method", recipe.method
    for entry in recipe.inputs:
        name = entry.name.rpartition("/")[2] or "no file"
        yield entry.role.capitalize(), f"{name}{entry.use}"
    for name, value in chosen.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        yield name.replace("_", " ").capitalize(), text
    if recipe.stopped_at is not None:
        stop = recipe.stopped_at
        yield "Stopped", f"in scale {stop.scale}, after iteration {stop.iteration}"
    yield "Impasto", recipe.version


def _read(text: str) -> Recipe | None:
    try:
        return Recipe.from_json(text)
    except ImpastoError:
        return None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
