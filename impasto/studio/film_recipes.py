"""The recipe of a film as the API shows it: that of its frames, and what was chosen of the film."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from impasto.config.film import FilmSettings
from impasto.config.recipe import ROLES, Input, Recipe
from impasto.config.times import TIME, clock
from impasto.errors import RecipeError
from impasto.jobs.queue.work import Work
from impasto.studio.records import Records
from impasto.studio.views import recipe_view

__all__ = ["film_recipe_view"]

Json = dict[str, Any]

_TIMES = {s.name for s in fields(FilmSettings) if s.metadata["spelling"] is TIME}


def film_recipe_view(work: Work, owner: str, records: Records) -> Json | None:
    """Return the recipe of a film's job; None where this Impasto has no such method or option."""
    options = work.options
    inputs = [Input(s.role, s.place, s.digest, s.use) for s in work.sources if s.role in ROLES]
    try:
        frames = Recipe(
            options["method"],
            options["config"],
            tuple(inputs),
            options["backbone_digest"],
            work.version,
        )
        view = recipe_view(frames, owner, records)
    except (KeyError, RecipeError):
        return None
    chosen = _chosen(options.get("film", {}))
    named = [["Film" if name == "Content" else name, value] for name, value in view["rows"]]
    rows = [*named[:-1], *_rows(chosen), *named[-1:]]  # the version stays last
    return {
        **view,
        "task": "film",
        "options": {**view["options"], **chosen},
        "all_options": {**view["all_options"], **options.get("film", {})},
        "rows": rows,
    }


def _chosen(settings: Json) -> Json:
    """Return those of a film's options that are not as by default."""
    defaults = {spec.name: spec.default for spec in fields(FilmSettings)}
    return {name: value for name, value in settings.items() if defaults.get(name) != value}


def _rows(chosen: Json) -> list[list[str]]:
    names = {"start": "From", "stop": "To"}
    return [
        [
            names.get(name, name.replace("_", " ").capitalize()),
            clock(value) if name in _TIMES else str(value),
        ]
        for name, value in chosen.items()
    ]
