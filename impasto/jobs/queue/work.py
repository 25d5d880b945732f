"""A job that is no single picture: a batch, a training, a study. Read as strictly as `job`."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from impasto.config.bases import PictureConfig
from impasto.config.recipe import ROLES, Input, Recipe
from impasto.errors import JobError, RecipeError
from impasto.files.names import safe_name
from impasto.files.strict_json import MAX_TEXT, Reader, Shape
from impasto.jobs.queue.job import FORMAT, Job, Source, parsed_job, source_of
from impasto.jobs.queue.kinds import KINDS
from impasto.version import __version__

__all__ = ["Work", "read_job", "refuse"]

_MOST_SOURCES = 4096


def refuse(reason: str) -> NoReturn:
    """Refuse a job.

    Raises:
        JobError: always.
    """
    raise JobError(f"This is not a job of Impasto: {reason}.")


_READER = Reader(refuse)


@dataclass(frozen=True)
class Work:
    """What a worker is to do.

    Attributes:
        kind: a row of `KINDS`, but `paint`, which is a `Job`.
        title: a name for people.
        options: of its kind; what carries it out checks them.
        sources: what it is made from.
        name: of the folder that it leaves.
        device: that it is to be done on, or `auto`.
        version: of the Impasto that made the job.

    Raises:
        JobError: a value that is not allowed.
    """

    kind: str
    title: str
    options: dict[str, Any]
    sources: tuple[Source, ...]
    name: str
    device: str = "auto"
    version: str = __version__

    def __post_init__(self) -> None:
        if self.kind == "paint" or self.kind not in KINDS:
            refuse("its kind is none that this Impasto has")
        for what in ("title", "version", "device"):
            _READER.string(f"its {what}", getattr(self, what))
        if len(self.sources) > _MOST_SOURCES:
            raise JobError(
                f"A job has at most {_MOST_SOURCES} files, and this one has {len(self.sources)}: "
                "take a part of them."
            )
        for source in self.sources:
            _check_use(source)
        if safe_name(self.name) != self.name:
            refuse(f"it would leave {self.name!r:.80}, which is not the name of a folder")

    def all_of(self, role: str) -> list[Source]:
        """Return the sources of a role, in their order."""
        return [source for source in self.sources if source.role == role]

    def place_of(self, role: str) -> str | None:
        """Return where the only source of a role is, relative to the store, if there is one.

        Raises:
            JobError: there are several.
        """
        sources = self.all_of(role)
        if len(sources) > 1:
            refuse(f"it has {len(sources)} sources that are its {role}")
        return sources[0].place if sources else None

    def table(self, shape: Shape) -> dict[str, Any]:
        """Return its options, which are exactly these.

        Raises:
            JobError: they are others.
        """
        return _READER.table("its options", self.options, shape)

    def config(self, backbone_digest: str) -> PictureConfig:
        """Return the options of its method, where its options have `method` and `config`.

        Args:
            backbone_digest: of the weights that the method looks through.

        Raises:
            JobError: a method or an option that this Impasto does not have.
        """
        method, config = self.options.get("method"), self.options.get("config")
        if not isinstance(method, str) or not isinstance(config, dict):
            refuse("its options name no method")
        try:
            return Recipe(method, config, (), backbone_digest, self.version).settings()
        except RecipeError as error:
            raise JobError(f"This job cannot be carried out. {error}") from None

    def to_json(self) -> str:
        """Return the job as ASCII JSON.

        Raises:
            JobError: it is too long for one file.
        """
        data = {"format": FORMAT, **asdict(self)}
        text = json.dumps(data, sort_keys=True, indent=1, allow_nan=False) + "\n"
        if len(text) > MAX_TEXT:
            raise JobError(
                f"The job would name {len(self.sources)} files in {len(text)} characters, and "
                f"{MAX_TEXT} are the most: take a part of them."
            )
        return text


def _check_use(source: Source) -> None:
    """Check how a source is used: what stands there is added to its name, and is no path.

    Raises:
        JobError: in another way than recipes have.
    """
    is_plain = source.use == ""
    if source.role in ROLES:
        with contextlib.suppress(RecipeError):
            Input(source.role, source.place, source.digest, source.use)
            is_plain = True
    if not is_plain:
        refuse(f"the use of the {source.role} is {source.use!r:.80}")


def read_job(text: str) -> Job | Work:
    """Read what `to_json` of a job of any kind wrote, and nothing else.

    Raises:
        JobError: anything else, or a job of a later format.
    """
    parsed = parsed_job(text)
    if not isinstance(parsed, dict) or parsed.get("kind") in ("paint", None):
        return Job.from_json(text)
    data = _READER.table("a job", parsed, _SHAPE)
    del data["format"]
    return Work(**data | {"sources": tuple(source_of(source) for source in data["sources"])})


_SHAPE: Shape = {
    "format": (int,),
    "kind": (str,),
    "title": (str,),
    "options": (dict,),
    "sources": (list,),
    "name": (str,),
    "device": (str,),
    "version": (str,),
}
