"""One description of each option, from which flags, forms and JSON Schema are made."""

from __future__ import annotations

import inspect
from dataclasses import Field, dataclass, fields
from typing import Any

from impasto.config.fields import flag_of
from impasto.config.methods import METHODS
from impasto.config.numbers import Spelling

__all__ = ["OptionSpec", "json_schema", "option_specs", "schema_of"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", tuple: "array"}


@dataclass(frozen=True)
class OptionSpec:
    """One option, as several configs have it.

    Attributes:
        name: of the field.
        flag: on a command line; `--no-NAME` of an option that can only be turned off there.
        kind: of the value: bool, int, float or str, or tuple, of texts.
        default: of the first config that has it.
        defaults: by method, those that differ from it.
        methods: that have it, by name; none for options of no method.
        choices: all values that are allowed, or none.
        low, high: the range, both ends allowed, or None.
        help, off: what it does; what its flag does if that turns it off.
        panel: the heading that it belongs under.
        metavar: what a list is made of.
        spelling: further ways to write a number.
        also: another flag with the same meaning, or none.
    """

    name: str
    flag: str
    kind: type
    default: Any
    defaults: dict[str, Any]
    methods: tuple[str, ...]
    choices: tuple[Any, ...]
    low: float | None
    high: float | None
    help: str
    off: str
    panel: str
    metavar: str
    spelling: Spelling | None
    also: str

    @property
    def has_commas(self) -> bool:
        """Whether the items of a list may be separated by commas."""
        return self.kind is tuple and "," in self.metavar

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its values, with its default."""
        is_list = self.kind is tuple
        schema: dict[str, Any] = {
            "type": _TYPES[self.kind],
            "title": self.name.replace("_", " ").capitalize(),
            "description": self.help,
            "default": list(self.default) if is_list else self.default,
        }
        if is_list:
            schema["items"] = {"type": "string"}
        if self.spelling:  # `pattern` says nothing of numbers, the range nothing of texts
            schema["type"] = [_TYPES[self.kind], "string"]
            schema["pattern"] = self.spelling.pattern
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.low is not None:
            schema["minimum"] = self.low
        if self.high is not None:
            schema["maximum"] = self.high
        return schema


def option_specs(*configs: type) -> list[OptionSpec]:
    """Describe each option that any of the configs has, in the order of their fields."""
    names = {method.config: method.name for method in METHODS.values()}
    owners: dict[str, dict[type, Field[Any]]] = {}
    for config in configs:
        for spec in fields(config):
            owners.setdefault(spec.name, {})[config] = spec
    return [
        _described(
            next(iter(specs.values())),
            {names[kind]: spec.default for kind, spec in specs.items() if kind in names},
        )
        for specs in owners.values()
    ]


def _described(spec: Field[Any], defaults: dict[str, Any]) -> OptionSpec:
    metadata = spec.metadata
    flag = flag_of(spec.name)
    return OptionSpec(
        name=spec.name,
        flag=f"--no-{flag[2:]}" if metadata["off"] else flag,
        kind=type(spec.default),
        default=spec.default,
        defaults={name: value for name, value in defaults.items() if value != spec.default},
        methods=tuple(defaults),
        choices=metadata["choices"] or (),
        low=metadata["low"],
        high=metadata["high"],
        help=metadata["help"],
        off=metadata["off"],
        panel=metadata["panel"],
        metavar=metadata["metavar"],
        spelling=metadata["spelling"],
        also=flag_of(metadata["also"]) if metadata["also"] else "",
    )


def json_schema(method: str) -> dict[str, Any]:
    """Return the JSON Schema (Draft 2020-12) of a method's options."""
    return schema_of(METHODS[method].config, method)


def schema_of(config: type, title: str) -> dict[str, Any]:
    """Return the JSON Schema (Draft 2020-12) of an object that has a config's options, or some.

    Rules between several options are not in it: the config itself checks those.
    """
    return {
        "$schema": _DIALECT,
        "title": title,
        "description": (inspect.getdoc(config) or "").partition("\n")[0],
        "type": "object",
        "properties": {spec.name: spec.schema() for spec in option_specs(config)},
        "additionalProperties": False,
    }
