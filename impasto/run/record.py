"""The record of a run in its folder: `run.json`, a small file that anybody may have written.

It holds all that the run needs to continue, and nothing that is executed. Of the paths in it only
that of the picture is written to, where there is no file or one that the run may replace.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from impasto.config.output import OutputSettings
from impasto.config.recipe import ROLES, Recipe
from impasto.errors import OptionError, RecipeError, ResumeError
from impasto.files.digests import is_digest
from impasto.files.strict_json import Reader, Shape

__all__ = ["FORMAT", "Goal", "Record"]

FORMAT = 1  # the number of this shape; a later, different one gets the next
_MOST_REPLACED = 16


def _refuse(reason: str) -> NoReturn:
    raise ResumeError(f"This is not a run of Impasto: {reason}.")


_READER = Reader(_refuse)
_MARK = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Goal:
    """What a run is to write.

    Attributes:
        path: the picture's file, absolute.
        settings: how its file is written.
        preview_every: iterations between two previews, if any.
        replaces: digests of files that the picture may replace: what was at `path` when the run
            began, with `--force`, and the run's own pictures.

    Raises:
        ResumeError: a value that is not allowed.
    """

    path: str
    settings: OutputSettings = field(default_factory=OutputSettings)
    preview_every: int | None = None
    replaces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_path("the output", self.path)
        if self.preview_every is not None and not 1 <= self.preview_every <= 2**31:
            _refuse(f"preview_every is {self.preview_every!r:.80}; it counts from 1")
        if len(self.replaces) > _MOST_REPLACED:
            _refuse("it replaces too many files")
        for digest in self.replaces:
            if not is_digest(digest):
                _refuse(f"what it replaces is {digest!r:.80}, which is not a digest")

    def owning(self, digest: str) -> Goal:
        """Return the goal of a run that wrote a file with this digest, and may replace it."""
        earlier = tuple(value for value in self.replaces if value != digest)
        return replace(self, replaces=(*earlier, digest)[-_MOST_REPLACED:])

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, the settings beside the others."""
        data = asdict(self)
        settings: dict[str, Any] = data.pop("settings")
        return settings | data

    @classmethod
    def from_dict(cls, data: Any) -> Goal:
        """Read what `to_dict` wrote; a setting of a later Impasto has its default.

        Raises:
            ResumeError: anything else.
        """
        if isinstance(data, dict):
            data = {**asdict(OutputSettings()), **data}
        table = _READER.table("the goal", data, _GOAL)
        table["replaces"] = _strings("what it replaces", table["replaces"])
        try:
            settings = OutputSettings(**{name: table.pop(name) for name in _SETTINGS})
        except OptionError as error:
            raise ResumeError(f"The run's output cannot be used. {error}") from None
        return cls(**table, settings=settings)


@dataclass(frozen=True)
class Record:
    """A run, as its folder keeps it.

    Attributes:
        recipe: as it will be in the picture; one with `stopped_at` stops there.
        places: by role, the absolute paths of the recipe's inputs in their order, or the names of
            built-in styles.
        weights: the absolute path of a file of weights, if one was named.
        goal: what is written.
        keep: the folder stays when the picture is written.
        finished: the picture is written.
        began: when the run began, in ISO 8601 and UTC.
        mark: 32 hexadecimal digits that the run's states have, too.

    Raises:
        ResumeError: a value that is not allowed.
    """

    recipe: Recipe
    places: dict[str, tuple[str, ...]]
    goal: Goal
    weights: str | None = None
    keep: bool = False
    finished: bool = False
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    mark: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        for role in ROLES:
            places, count = self.places.get(role, ()), len(self.recipe.of(role))
            if len(places) != count:
                _refuse(f"it has {len(places)} places of {role}, and the recipe {count}")
            for place in places:
                if not place:
                    _refuse(f"the place of a {role} is empty")
                _READER.string(f"the place of a {role}", place)
        if self.weights is not None:
            _check_path("weights", self.weights)
        if not _MARK.fullmatch(self.mark):
            _refuse(f"its mark is {self.mark!r:.80}")
        _READER.string("its beginning", self.began)

    @staticmethod
    def places_of(recipe: Recipe) -> dict[str, tuple[str, ...]]:
        """Return where a recipe's inputs are: absolute paths of files, names of built-in styles."""
        return {
            role: tuple(
                str(path.absolute()) if (path := Path(entry.name)).is_file() else entry.name
                for entry in recipe.of(role)
            )
            for role in ROLES
        }

    def to_json(self) -> str:
        """Return the record as ASCII JSON."""
        nested = {"goal": self.goal.to_dict(), "recipe": self.recipe.to_dict()}
        data = {"format": FORMAT, **vars(self), **nested}
        return json.dumps(data, sort_keys=True, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read what `to_json` wrote, and nothing else.

        Raises:
            ResumeError: anything that is not exactly a record, or of another format.
        """
        parsed = _READER.parse(text)
        number = parsed.get("format") if isinstance(parsed, dict) else None
        if type(number) is int and number != FORMAT:
            raise ResumeError(
                f"The run has format {number!r:.80} and this Impasto reads format {FORMAT}. "
                "Continue it with the version of Impasto that began it."
            )
        data = _READER.table("a run", parsed, _SHAPE)
        del data["format"]
        places = _READER.table("places", data.pop("places"), _PLACES)
        return cls(
            **data | {"recipe": _recipe(data["recipe"]), "goal": Goal.from_dict(data["goal"])},
            places={role: _strings(f"the places of {role}", v) for role, v in places.items()},
        )


_SHAPE: Shape = {
    "format": (int,),
    "recipe": (dict,),
    "places": (dict,),
    "weights": (str, type(None)),
    "goal": (dict,),
    "keep": (bool,),
    "finished": (bool,),
    "began": (str,),
    "mark": (str,),
}
_SETTINGS: Shape = {spec.name: (type(spec.default),) for spec in fields(OutputSettings)}
_GOAL: Shape = {
    "path": (str,),
    **_SETTINGS,
    "preview_every": (int, type(None)),
    "replaces": (list,),
}
_PLACES: Shape = dict.fromkeys(ROLES, (list,))


def _recipe(data: Any) -> Recipe:
    try:
        return Recipe.from_dict(data)
    except RecipeError as error:
        raise ResumeError(f"The run's recipe cannot be used. {error}") from None


def _strings(what: str, values: list[Any]) -> tuple[str, ...]:
    for value in values:
        if not isinstance(value, str):
            _refuse(f"{what} has {value!r:.80}, which is not text")
    return tuple(values)


def _check_path(what: str, path: str) -> None:
    _READER.string(what, path)
    if not Path(path).is_absolute() or "\0" in path:
        _refuse(f"{what} is {path!r:.80}, which is not an absolute path")
