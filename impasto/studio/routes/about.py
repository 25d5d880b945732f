"""What a studio is, and all options that it has."""

from __future__ import annotations

import functools
from typing import Any

from fastapi import APIRouter, Request

from impasto.config.bases import PhotoConfig, StyledConfig
from impasto.config.film import FilmSettings
from impasto.config.live import LiveSettings
from impasto.config.methods import METHODS, MatchingConfig, configs_with
from impasto.config.output import OutputSettings
from impasto.config.presets import PRESETS, USUAL
from impasto.config.schema import OptionSpec, option_specs
from impasto.config.training import TrainingSettings
from impasto.evaluation.studies.registry import STUDIES
from impasto.film.libraries import has_film_libraries
from impasto.image.size_limits import MAX_PIXELS
from impasto.studio.accounts import COOKIE
from impasto.studio.film_files import MEDIA_TYPES
from impasto.studio.live_desks import is_possible
from impasto.studio.routes.common import Owner, StudioOf
from impasto.version import __version__

__all__ = ["router"]

router = APIRouter(tags=["studio"])

Json = dict[str, Any]


@router.get("/about")
def _about(studio: StudioOf, request: Request) -> Json:
    """Return the version, whether it asks for a password, and to whoever is in its limits."""
    is_closed = studio.sessions is not None
    user = studio.sessions.user(request.cookies.get(COOKIE, "")) if studio.sessions else None
    data: Json = {"version": __version__, "is_closed": is_closed, "user": user}
    if is_closed and user is None:
        return data
    studio.desks.prepare()  # somebody is at the page: what it asks for next is loaded meanwhile
    limits = {
        "upload_bytes": studio.settings.upload_bytes,
        "upload_pixels": MAX_PIXELS,
        "film_bytes": studio.settings.film_bytes,
    }
    return {
        **data,
        "workers": studio.worker_count(),
        "limits": limits,
        "is_queue_there": studio.follower.is_queue_there,
    }


@router.get("/schema")
def _schema(_: Owner) -> Json:
    """Return presets, methods and their options, in the words of the commands' flags."""
    return _described()


@functools.cache
def _described() -> Json:
    presets = {n: {"method": p.method, "help": p.help} for n, p in PRESETS.items()}
    tasks = {
        "stylize": list(configs_with(StyledConfig)),
        "texture": ["texture"],
        "doodle": ["doodle"],
        "train": [],
        "study": list(configs_with(PhotoConfig)),
    }
    if has_film_libraries():
        tasks["film"] = list(configs_with(StyledConfig))
    if is_possible():
        tasks["live"] = ["instant", "fast"]
    return {
        "presets": presets,
        "usual": USUAL,
        "tasks": tasks,
        "methods": {name: _method(name) for name in METHODS},
        "film": [_option(spec) for spec in option_specs(FilmSettings)],
        "film_suffixes": list(MEDIA_TYPES),
        "training": [_option(spec) for spec in option_specs(TrainingSettings)],
        "studies": {
            name: {"title": study.title, "help": study.about, "takes": study.takes}
            for name, study in STUDIES.items()
        },
        "output": [_option(spec) for spec in option_specs(OutputSettings)],
        "live": [_option(spec) for spec in option_specs(LiveSettings)],
    }


def _method(name: str) -> Json:
    row = METHODS[name]
    is_matching = issubclass(row.config, MatchingConfig)
    return {
        "help": (row.config.__doc__ or "").strip().partition("\n")[0],
        "optimises": row.optimises,
        "takes_cards": not is_matching and not row.takes_trained and name != "doodle",
        "takes_trained": row.takes_trained,
        "options": [_option(spec) for spec in option_specs(row.config)],
    }


def _option(spec: OptionSpec) -> Json:
    schema = spec.schema()
    kind = schema["type"]
    return {
        "name": spec.name,
        "flag": spec.flag,
        "title": schema["title"],
        "help": spec.help,
        "panel": spec.panel,
        "type": kind[0] if isinstance(kind, list) else kind,
        "default": schema["default"],
        "low": spec.low,
        "high": spec.high,
        "choices": list(spec.choices),
        "pattern": schema.get("pattern"),
        "metavar": spec.metavar if spec.kind is tuple else "",
    }
