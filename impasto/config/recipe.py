"""The recipe of a picture: enough to make it again, small enough to travel inside its file.

A recipe is plain JSON. It comes back from files that anybody may have written, so reading it
accepts one shape only, bounds everything, and executes nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from impasto.config.bases import PictureConfig
from impasto.config.fields import from_dict
from impasto.config.memory import DTYPES, MemoryPlan
from impasto.config.methods import METHODS
from impasto.errors import OptionError, RecipeError
from impasto.files.digests import is_digest
from impasto.files.strict_json import MAX_NUMBER, MAX_STRING, MAX_TEXT, Json, Reader, Shape
from impasto.networks.trained_metadata import NAME

__all__ = [
    "BEFORE",
    "FORMAT",
    "MAX_EXTENDED",
    "MAX_NUMBER",
    "MAX_STRING",
    "MAX_TEXT",
    "MAX_THREADS",
    "ROLES",
    "Input",
    "Recipe",
    "Stop",
    "short",
]

FORMAT = 3  # the number of this shape; a later, different one gets the next
MAX_ITEMS = 64
MAX_THREADS = 4096
MAX_EXTENDED = 1_000_000

# The keys that an earlier format did not have, with the values that it implied.
_EARLIER: dict[int, dict[str, Any]] = {2: {"plan": None, "extended": 0, "replanned": False}}

BEFORE: dict[str, Any] = {
    "preconditioner": "none",
    "scales": "half-octaves",
    "network": "first",
    "subject": "paint",
    "detail_weight": 0.0,
    "region_color": 0.0,
    "pyramid_weight": 1.0,
    "pyramid_base": 1.0,
}
"""Options that changed what is painted, with what was done before there were any."""

ROLES = ("content", "style", "content-map", "style-map", "init", "region")
_ONCE = ("content", "content-map", "init")
_USES = {
    "style": rf"(#{NAME.pattern})?(:[0-9.e+-]{{1,32}})?(:fine|:coarse)?",
    "region": r"#[0-9a-f]{6}",
}


def _refuse(reason: str) -> NoReturn:
    raise RecipeError(f"This is not a recipe of Impasto: {reason}.")


_READER = Reader(_refuse)


@dataclass(frozen=True)
class Input:
    """A file or card that went in.

    Attributes:
        role: `content`, `style`, `content-map`, `style-map`, `init`, or `region` for the style of
            one colour of the map.
        name: the path or the gallery's name, as it was given; empty for a picture from memory.
        digest: `sha256:` and 64 hexadecimal digits, of the file's bytes.
        use: of a style its weight and layers, as they are typed after its name, and of a trained
            one before them which of its file's it is; of a region's style the region's colour.

    Raises:
        RecipeError: a role, name, digest or use that is not valid.
    """

    role: str
    name: str
    digest: str
    use: str = ""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            _refuse(f"an input's role is {self.role!r:.80}; it may be {', '.join(ROLES)}")
        _READER.string("an input's name", self.name)
        _check_use(self)
        _check_digest(f"the digest of the {self.role}", self.digest)


@dataclass(frozen=True)
class Stop:
    """The step after which a run was interrupted, counted from 1.

    Raises:
        RecipeError: a number below 1, or too large.
    """

    scale: int
    iteration: int

    def __post_init__(self) -> None:
        for name, value in (("scale", self.scale), ("iteration", self.iteration)):
            if not 1 <= value <= MAX_NUMBER:
                _refuse(f"stopped_at has {name} {value!r:.80}; it counts from 1")


@dataclass(frozen=True)
class Recipe:
    """How a picture was made.

    Attributes:
        method: the name of the method.
        config: all its options; the seed is one of them. Tuples are kept as lists, as in JSON.
        inputs: the files that went in; several styles in their order, so also their maps.
        backbone_digest: of the network's weights.
        version: of Impasto.
        threads: that the processor computed with; sums, and so the last bits, depend on them.
        stopped_at: the last step, if the run was interrupted.
        plan: how the run fitted into memory, which also changes the last bits.
        extended: iterations at the last scale beyond those of the config.
        replanned: the plan was changed on the way, as memory was short: the last bits cannot be
            repeated.

    Raises:
        RecipeError: a value that a recipe cannot hold.
    """

    method: str
    config: dict[str, Any]
    inputs: tuple[Input, ...]
    backbone_digest: str
    version: str
    threads: int = 1
    stopped_at: Stop | None = None
    plan: MemoryPlan = field(default_factory=MemoryPlan)
    extended: int = 0
    replanned: bool = False

    def __post_init__(self) -> None:
        _READER.string("the method", self.method)
        _READER.string("the version", self.version)
        _check_digest("the backbone's digest", self.backbone_digest)
        roles = [entry.role for entry in self.inputs]
        if any(roles.count(role) > 1 for role in _ONCE):
            _refuse("two inputs have the same role")
        if not 1 <= self.threads <= MAX_THREADS:
            _refuse(f"threads is {self.threads!r:.80}; it counts from 1")
        if len(self.inputs) > MAX_ITEMS or len(self.config) > MAX_ITEMS:
            _refuse("it has too many inputs or options")
        if not 0 <= self.extended <= MAX_EXTENDED:
            _refuse(f"extended is {self.extended!r:.80}; it may be 0 to {MAX_EXTENDED}")
        for name in self.config:
            _READER.string("an option's name", name)
        config = {name: _option(name, value) for name, value in self.config.items()}
        object.__setattr__(self, "config", config)

    def input(self, role: str) -> Input | None:
        """Return the first input of that role, or None."""
        return next(iter(self.of(role)), None)

    def of(self, role: str) -> tuple[Input, ...]:
        """Return the inputs of that role, in their order."""
        return tuple(entry for entry in self.inputs if entry.role == role)

    def settings(self) -> PictureConfig:
        """Return the method's own configuration, checked option by option.

        Raises:
            RecipeError: a method or an option that this version of Impasto does not have.
        """
        if self.method not in METHODS:
            names = ", ".join(METHODS)
            raise RecipeError(
                f"There is no method {self.method!r:.80} here; this Impasto has {names}."
            )
        try:
            # An option that an earlier Impasto did not have is as by default, or as it was then.
            kind = METHODS[self.method].config
            earlier = {n: v for n, v in BEFORE.items() if n in kind.__dataclass_fields__}
            return from_dict(kind, earlier | self.config)
        except OptionError as error:
            raise RecipeError(f"This Impasto cannot follow the recipe: {error}") from error

    def to_dict(self) -> dict[str, Json]:
        """Return what JSON holds of it."""
        return {"format": FORMAT, **asdict(self), "plan": _plan_to_json(self.plan)}

    def to_json(self) -> str:
        """Return ASCII JSON with sorted keys: the same recipe gives the same text."""
        return json.dumps(self.to_dict(), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read what `to_json` wrote, and nothing else.

        Raises:
            RecipeError: anything that is not exactly a recipe: another shape, an unknown or
                repeated key, a wrong type, an endless number, too much of anything.
        """
        return cls.from_dict(_READER.parse(text))

    @classmethod
    def from_dict(cls, data: Json) -> Recipe:
        """Read what `to_dict` returned, from JSON that is parsed already.

        Raises:
            RecipeError: as `from_json`.
        """
        data = _READER.table("a recipe", _completed(data), _SHAPE)
        del data["format"]
        inputs, stop, plan = data.pop("inputs"), data.pop("stopped_at"), data.pop("plan")
        return cls(
            **data,
            plan=MemoryPlan() if plan is None else _plan_from_json(plan),
            inputs=tuple(Input(**_READER.table("an input", entry, _INPUT)) for entry in inputs),
            stopped_at=None if stop is None else Stop(**_READER.table("stopped_at", stop, _STOP)),
        )


# Each object's keys and the types of their values, as JSON has them.
_SHAPE: Shape = {
    "format": (int,),
    "method": (str,),
    "config": (dict,),
    "inputs": (list,),
    "backbone_digest": (str,),
    "version": (str,),
    "threads": (int,),
    "stopped_at": (dict, type(None)),
    "plan": (dict, type(None)),
    "extended": (int,),
    "replanned": (bool,),
}
_INPUT: Shape = {
    "role": (str,),
    "name": (str,),
    "digest": (str,),
    "use": (str,),
}
_STOP: Shape = {"scale": (int,), "iteration": (int,)}
_PLAN: Shape = {"tile": (int,), "history": (int,), "held": (str,)}


def short(digest: str) -> str:
    """Return the beginning of a digest, enough to tell two apart by eye."""
    return digest[: len("sha256:") + 12] + "…"


def _completed(data: Json) -> Json:
    """Return a recipe of an earlier format in the current one; refuse other formats."""
    number = data.get("format") if isinstance(data, dict) else None
    if type(number) is not int or number == FORMAT:
        return data
    if number not in _EARLIER:
        raise RecipeError(
            f"The recipe has format {number!r:.80} and this Impasto reads format {FORMAT}; "
            f"{'a newer' if number > FORMAT else 'an older'} Impasto may read it."
        )
    if unknown := sorted(set(data) & set(_EARLIER[number])):
        _refuse(f"a recipe of format {number} has an unknown key {unknown[0]!r}")
    return {**data, **_EARLIER[number], "format": FORMAT}


def _plan_to_json(plan: MemoryPlan) -> Json:
    """Return a plan's fields by their names in a recipe; None for the plan that spares nothing."""
    return None if plan == MemoryPlan() else plan.to_dict()


def _plan_from_json(data: Json) -> MemoryPlan:
    """Read what `_plan_to_json` wrote, and nothing else."""
    _READER.table("the plan", data, _PLAN)
    for name in ("tile", "history"):
        if not 0 <= data[name] <= MAX_NUMBER:
            _refuse(f"the plan has {name} {data[name]!r:.80}; it counts from 0")
    if data["held"] not in DTYPES:
        _refuse(f"the plan has held {data['held']!r:.80}; it may be {', '.join(DTYPES)}")
    return MemoryPlan(data["tile"], data["history"], data["held"])


def _check_use(entry: Input) -> None:
    """Check an input's use, as `StyleSpec.use` and `RegionSpec.colour` write it."""
    pattern = _USES.get(entry.role, "")
    if len(entry.use) > MAX_STRING or not re.fullmatch(pattern, entry.use):
        _refuse(f"the use of the {entry.role} is {entry.use!r:.80}")


def _check_digest(what: str, value: str) -> None:
    if not is_digest(value):
        _refuse(f"{what} must be sha256: and 64 hexadecimal digits, not {value!r:.80}")


def _option(name: str, value: Json) -> Json:
    """Check an option's value: true or false, a finite number, a string, or a list of strings."""
    what = f"option {name!r:.80}"
    if isinstance(value, (list, tuple)) and len(value) <= MAX_ITEMS:
        return [_text(what, item) for item in value]
    if isinstance(value, (bool, str)):
        return value if isinstance(value, bool) else _text(what, value)
    if not isinstance(value, (int, float)) or not abs(value) <= MAX_NUMBER:
        _refuse(f"{what} cannot be {value!r:.80}")
    return value


def _text(what: str, value: Json) -> str:
    if not isinstance(value, str):
        _refuse(f"{what} holds {value!r:.80}, which is not text")
    _READER.string(what, value)
    return value
