"""A job: what a worker is to paint, as strict JSON. Needs no PyTorch.

Anybody who may write to the folder of jobs may have written it. It is read as recipes are: one
shape, everything bounded, nothing executed; what it names is in the folder, under a plain name.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NoReturn

from impasto.config.bases import PictureConfig
from impasto.config.fields import from_dict
from impasto.config.output import OutputSettings
from impasto.config.recipe import MAX_THREADS, ROLES, Input, Recipe
from impasto.errors import JobError, OptionError, RecipeError
from impasto.files.digests import is_digest
from impasto.files.names import safe_name
from impasto.files.strict_json import MAX_NUMBER, Json, Reader, Shape
from impasto.image.formats import WRITTEN
from impasto.jobs.queue.store import Store
from impasto.styles import gallery
from impasto.version import __version__

__all__ = ["FORMAT", "Job", "Source", "parsed_job", "source_of"]

FORMAT = 1  # the number of this shape; a later, different one gets the next

_ROLES = (*ROLES, "weights", "start", "extended", "map", "key")
_MOST_SOURCES = 256


def _refuse(reason: str) -> NoReturn:
    raise JobError(f"This is not a job of Impasto: {reason}.")


_READER = Reader(_refuse)


@dataclass(frozen=True)
class Source:
    """A file of the store, or a built-in style, that a job is painted from.

    Attributes:
        role: one of `recipe.ROLES`; or `weights`, `start` of a study, `extended` by a training,
            `map` or `key` of a frame of a film.
        name: of the file, or of the style.
        digest: of its bytes.
        use: as in a recipe's `Input`.
        is_kept: it is a file of the store.

    Raises:
        JobError: a value that is not allowed.
    """

    role: str
    name: str
    digest: str
    use: str = ""
    is_kept: bool = True

    def __post_init__(self) -> None:
        if self.role not in _ROLES:
            _refuse(f"a source's role is {self.role!r:.80}")
        if not is_digest(self.digest):
            _refuse(f"the digest of the {self.role} is {self.digest!r:.80}")
        if self.is_kept and safe_name(self.name) != self.name:
            _refuse(f"the {self.role} is {self.name!r:.80}, which is not a plain name of a file")
        if not self.is_kept and self.name not in gallery.names():
            _refuse(f"there is no built-in style {self.name!r:.80} here")

    @property
    def place(self) -> str:
        """Where it is: relative to the store, or the name of a built-in style."""
        return Store.place(self.digest, self.name) if self.is_kept else self.name


@dataclass(frozen=True)
class Job:
    """A picture to paint.

    Attributes:
        title: a name for people.
        method: one of `METHODS`.
        config: all its options.
        sources: what it is painted from.
        backbone_digest: of the backbone's weights where the job was made.
        name: of the picture's file.
        settings: how that is written.
        memory: bytes that the process may hold; by default four fifths of what is free.
        version: of the Impasto that made the job.

    Raises:
        JobError: a value that is not allowed.
    """

    title: str
    method: str
    config: dict[str, Any]
    sources: tuple[Source, ...]
    backbone_digest: str
    name: str
    settings: OutputSettings = field(default_factory=OutputSettings)
    memory: int | None = None
    version: str = __version__

    def __post_init__(self) -> None:
        for what in ("title", "version"):
            _READER.string(f"its {what}", getattr(self, what))
        if len(self.sources) > _MOST_SOURCES:
            _refuse(f"it has {len(self.sources)} sources, and {_MOST_SOURCES} are allowed")
        if safe_name(self.name) != self.name or f".{self.name.rpartition('.')[2]}" not in WRITTEN:
            _refuse(f"its picture would be {self.name!r:.80}, which is not the name of one")
        if self.memory is not None and not 0 < self.memory <= MAX_NUMBER:
            _refuse(f"its memory is {self.memory!r:.80}")
        self.recipe(1)

    def recipe(self, threads: int) -> Recipe:
        """Return the job as a recipe, whose inputs are where the store has them.

        Raises:
            JobError: a method or option that this Impasto does not have.
        """
        inputs = tuple(
            Input(source.role, source.place, source.digest, source.use)
            for source in self.sources
            if source.role != "weights"
        )
        threads = min(threads, MAX_THREADS)
        try:
            recipe = Recipe(
                self.method, self.config, inputs, self.backbone_digest, self.version, threads
            )
            recipe.settings()
        except RecipeError as error:
            raise JobError(f"This job cannot be painted. {error}") from None
        return recipe

    @property
    def kind(self) -> str:
        """Its row in `kinds.KINDS`."""
        return "paint"

    @property
    def weights(self) -> str | None:
        """Where the file of weights is, relative to the store, if one was named."""
        return next((source.place for source in self.sources if source.role == "weights"), None)

    @property
    def device(self) -> str:
        """The device that it is to be painted on, or `auto`."""
        settings: PictureConfig = self.recipe(1).settings()
        return settings.device

    def to_json(self) -> str:
        """Return the job as ASCII JSON."""
        data = {"format": FORMAT, "kind": "paint", **asdict(self)}
        return json.dumps(data, sort_keys=True, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read what `to_json` wrote, and nothing else.

        Raises:
            JobError: anything else, or a job of a later format.
        """
        data = _READER.table("a job", parsed_job(text), _SHAPE)
        if data.pop("kind") != "paint":
            _refuse("its kind is none that this Impasto has")
        del data["format"]
        sources = tuple(source_of(source) for source in data["sources"])
        return cls(**data | {"sources": sources, "settings": _settings(data["settings"])})


def parsed_job(text: str) -> Json:
    """Return the JSON of a job of this format.

    Raises:
        JobError: it is no JSON, or of a later format.
    """
    parsed = _READER.parse(text)
    number = parsed.get("format") if isinstance(parsed, dict) else None
    if type(number) is int and number != FORMAT:
        raise JobError(
            f"The job has format {number!r:.80} and this Impasto reads format {FORMAT}: it needs a "
            "worker of the version that made it."
        )
    return parsed


def source_of(data: Json) -> Source:
    """Read a source.

    Raises:
        JobError: it is none.
    """
    return Source(**_READER.table("a source", data, _SOURCE))


_SHAPE: Shape = {
    "format": (int,),
    "kind": (str,),
    "title": (str,),
    "method": (str,),
    "config": (dict,),
    "sources": (list,),
    "backbone_digest": (str,),
    "name": (str,),
    "settings": (dict,),
    "memory": (int, type(None)),
    "version": (str,),
}
_SOURCE: Shape = {
    "role": (str,),
    "name": (str,),
    "digest": (str,),
    "use": (str,),
    "is_kept": (bool,),
}
_SETTINGS: Shape = {spec.name: (type(spec.default),) for spec in fields(OutputSettings)}


def _settings(data: Json) -> OutputSettings:
    try:
        return from_dict(OutputSettings, _READER.table("its settings", data, _SETTINGS))
    except OptionError as error:
        raise JobError(f"This job's picture cannot be written. {error}") from None
