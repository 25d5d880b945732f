"""The recipe of a film as the API shows it: that of its frames, and what was chosen of the film."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, NoReturn

from impasto.config.fields import from_dict
from impasto.config.film import FilmSettings
from impasto.config.recipe import ROLES, Input, Recipe
from impasto.config.times import TIME, clock
from impasto.errors import ImpastoError, RecipeError
from impasto.files.strict_json import Reader, Shape
from impasto.jobs.queue.work import Work
from impasto.studio.recipe_views import recipe_view
from impasto.studio.records import Records

__all__ = ["film_recipe_view", "kept_film_recipe_view"]

Json = dict[str, Any]

_TIMES = {s.name for s in fields(FilmSettings) if s.metadata["spelling"] is TIME}


def _refuse(reason: str) -> NoReturn:
    raise RecipeError(f"This is not the recipe of a film: {reason}.")


_READER = Reader(_refuse)
_SHAPE: Shape = {
    "format": (int,),
    "kind": (str,),
    "clip": (dict,),
    "painting": (dict, type(None)),
    "settings": (dict,),
    "maps": (list,),
    "keys": (list,),
    "version": (str,),
}
_CLIP: Shape = dict.fromkeys(("role", "name", "digest", "use"), (str,))


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
        return _view(frames, options["film"], owner, records)
    except (KeyError, RecipeError):
        return None


def kept_film_recipe_view(text: str, owner: str, records: Records) -> Json | None:
    """Return the recipe that a film's file holds, which anybody may have written; None for none."""
    try:
        data = _READER.table("a film's recipe", _READER.parse(text), _SHAPE)
        clip = Input(**_READER.table("the film", data["clip"], _CLIP))
        frames = Recipe.from_dict(data["painting"] or {})
        frames.settings()
        settings = asdict(from_dict(FilmSettings, data["settings"]))
        with_clip = Recipe.from_dict(
            {**frames.to_dict(), "inputs": [asdict(clip), *map(asdict, frames.inputs)]}
        )
        return _view(with_clip, settings, owner, records)
    except ImpastoError:
        return None


def _view(frames: Recipe, settings: Json, owner: str, records: Records) -> Json:
    view = recipe_view(frames, owner, records)
    chosen = _chosen(settings)
    named = [["Film" if name == "Content" else name, value] for name, value in view["rows"]]
    rows = [*named[:-1], *_rows(chosen), *named[-1:]]  # the version stays last
    return {
        **view,
        "task": "film",
        "options": {**view["options"], **chosen},
        "all_options": {**view["all_options"], **settings},
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
