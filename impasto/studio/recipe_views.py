"""What the API says of the recipes of pictures, as JSON holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from impasto.config.bases import StyledConfig
from impasto.config.methods import METHODS, DoodleConfig, TextureConfig
from impasto.config.recipe import Input, Recipe
from impasto.studio.records import Records
from impasto.styles import gallery

__all__ = ["recipe_view", "task_of"]

Json = dict[str, Any]


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


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
