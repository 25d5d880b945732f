"""What a picture was made with: enough to make it again, small enough to travel inside the file.

A recipe is plain JSON. It comes back from files that anybody may have written, so reading it
accepts one shape only, bounds everything, and executes nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NoReturn

from impasto.errors import OptionError, RecipeError
from impasto.methods.configs import METHODS, PixelConfig
from impasto.methods.options import from_dict

__all__ = ["FORMAT", "Input", "Recipe", "Stop"]

FORMAT = 2  # the number of this shape; a later, different one gets the next
MAX_TEXT = 1_000_000  # characters of JSON
MAX_STRING = 4096  # the longest path that Linux takes
MAX_ITEMS = 64
MAX_THREADS = 4096
MAX_NUMBER = 2**63  # beyond it JSON readers disagree about whole numbers

_ROLES = ("content", "style", "content-map", "style-map", "init", "region")
_ONCE = ("content", "content-map", "init")
_USES = {
    "style": r"(:[0-9.e+-]{1,32})?(:fine|:coarse)?",
    "region": r"#[0-9a-f]{6}",
}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

Json = Any  # what `json.loads` returns: checked here, value by value


@dataclass(frozen=True)
class Input:
    """A file or card that went in.

    Attributes:
        role: `content`, `style`, `content-map`, `style-map`, `init`, or `region` for the style of
            one colour of the map.
        name: the path or the gallery's name, as it was given; empty for a picture that was no file.
        digest: `sha256:` and 64 hexadecimal digits, of the file's bytes.
        use: of a style its weight and layers, as they are typed after its name; of a region's style
            the region's colour.

    Raises:
        RecipeError: a role, name or digest that is none.
    """

    role: str
    name: str
    digest: str
    use: str = ""

    def __post_init__(self) -> None:
        if self.role not in _ROLES:
            _refuse(f"an input's role is {self.role!r:.80}; it may be {', '.join(_ROLES)}")
        _check_string("an input's name", self.name)
        _check_use(self)
        _check_digest(f"the digest of the {self.role}", self.digest)


@dataclass(frozen=True)
class Stop:
    """The step after which the painter was interrupted, counted from 1.

    Raises:
        RecipeError: a number that is no such count.
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

    def __post_init__(self) -> None:
        _check_string("the method", self.method)
        _check_string("the version", self.version)
        _check_digest("the backbone's digest", self.backbone_digest)
        roles = [given.role for given in self.inputs]
        if any(roles.count(role) > 1 for role in _ONCE):
            _refuse("two inputs have the same role")
        if not 1 <= self.threads <= MAX_THREADS:
            _refuse(f"threads is {self.threads!r:.80}; it counts from 1")
        if len(self.inputs) > MAX_ITEMS or len(self.config) > MAX_ITEMS:
            _refuse("it has too many inputs or options")
        for name in self.config:
            _check_string("an option's name", name)
        config = {name: _option(name, value) for name, value in self.config.items()}
        object.__setattr__(self, "config", config)

    def input(self, role: str) -> Input | None:
        """The first input of that role, or None."""
        return next(iter(self.of(role)), None)

    def of(self, role: str) -> tuple[Input, ...]:
        """The inputs of that role, in their order."""
        return tuple(given for given in self.inputs if given.role == role)

    def settings(self) -> PixelConfig:
        """The method's own configuration, checked option by option.

        Raises:
            RecipeError: a method or an option that this version of Impasto does not have.
        """
        if self.method not in METHODS:
            known = ", ".join(METHODS)
            raise RecipeError(
                f"There is no method {self.method!r:.80} here; this Impasto has {known}."
            )
        kind = METHODS[self.method]
        missing = {spec.name for spec in fields(kind)} - set(self.config)
        if missing:
            _refuse(f"config lacks {', '.join(sorted(missing))}")
        try:
            return from_dict(kind, self.config)
        except OptionError as error:
            raise RecipeError(f"This Impasto cannot follow the recipe: {error}") from error

    def stopped(self, scale: int, iteration: int) -> Recipe:
        """The same recipe, of a run that was interrupted after that step."""
        return replace(self, stopped_at=Stop(scale, iteration))

    def to_json(self) -> str:
        """ASCII JSON with sorted keys: the same recipe gives the same text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read what `to_json` wrote, and nothing else.

        Raises:
            RecipeError: anything that is not exactly a recipe: another shape, an unknown or
                repeated key, a wrong type, an endless number, too much of anything.
        """
        data = _table("a recipe", _parse(text), _SHAPE)
        if (number := data.pop("format")) != FORMAT:
            raise RecipeError(
                f"The recipe has format {number} and this Impasto reads format {FORMAT}; "
                f"{'a newer' if number > FORMAT else 'an older'} Impasto may read it."
            )
        inputs, stop = data.pop("inputs"), data.pop("stopped_at")
        return cls(
            **data,
            inputs=tuple(Input(**_table("an input", given, _INPUT)) for given in inputs),
            stopped_at=None if stop is None else Stop(**_table("stopped_at", stop, _STOP)),
        )


# Each object's keys and the types of their values, as JSON has them.
_SHAPE: dict[str, tuple[type, ...]] = {
    "format": (int,),
    "method": (str,),
    "config": (dict,),
    "inputs": (list,),
    "backbone_digest": (str,),
    "version": (str,),
    "threads": (int,),
    "stopped_at": (dict, type(None)),
}
_INPUT: dict[str, tuple[type, ...]] = {
    "role": (str,),
    "name": (str,),
    "digest": (str,),
    "use": (str,),
}
_STOP: dict[str, tuple[type, ...]] = {"scale": (int,), "iteration": (int,)}


def _refuse(reason: str) -> NoReturn:
    raise RecipeError(f"This is not a recipe of Impasto: {reason}.")


def _parse(text: str) -> Json:
    if len(text) > MAX_TEXT:
        _refuse(f"it has {len(text)} characters, and {MAX_TEXT} are allowed")
    try:
        return json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        _refuse(f"its JSON cannot be read ({error!s:.120})")


def _no_repeats(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    table = dict(pairs)
    if len(table) != len(pairs):
        _refuse("a key is repeated")
    return table


def _no_constant(name: str) -> NoReturn:
    _refuse(f"{name} is not a finite number")


def _table(what: str, value: Json, shape: dict[str, tuple[type, ...]]) -> dict[str, Json]:
    """A copy of `value` if it is an object with exactly these keys, and values of these types."""
    if not isinstance(value, dict):
        _refuse(f"{what} must be an object, not {type(value).__name__}")
    if unknown := sorted(set(value) - set(shape)):
        _refuse(f"{what} has an unknown key {unknown[0]!r:.80}")
    if missing := sorted(set(shape) - set(value)):
        _refuse(f"{what} lacks {', '.join(missing)}")
    for key, kinds in shape.items():
        if type(value[key]) not in kinds:  # not isinstance: true is no number here
            _refuse(f"{what} has {key} {value[key]!r:.80}, which is no {kinds[0].__name__}")
    return dict(value)


def _check_string(what: str, value: str) -> None:
    if len(value) > MAX_STRING:
        _refuse(f"{what} has {len(value)} characters, and {MAX_STRING} are allowed")


def _check_use(given: Input) -> None:
    """What an input is used for, as `StyleChoice.use` and `RegionChoice.colour` write it."""
    known = _USES.get(given.role, "")
    if len(given.use) > MAX_STRING or not re.fullmatch(known, given.use):
        _refuse(f"the use of the {given.role} is {given.use!r:.80}")


def _check_digest(what: str, value: str) -> None:
    if not _DIGEST.fullmatch(value):
        _refuse(f"{what} must be sha256: and 64 hexadecimal digits, not {value!r:.80}")


def _option(name: str, value: Json) -> Json:
    """An option's value: true or false, a finite number, a string, or a list of strings."""
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
        _refuse(f"{what} holds {value!r:.80}, which is no text")
    _check_string(what, value)
    return value
