"""The methods' rows, and what is derived of their options: descriptions and JSON Schema."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from typing import Any

import pytest

from impasto.config.bases import PhotoConfig, StyledConfig
from impasto.config.fields import check, from_dict, from_text, option
from impasto.config.methods import (
    METHODS,
    EntryPoint,
    GatysConfig,
    Method,
    configs_with,
    method_of,
)
from impasto.config.output import OutputSettings
from impasto.config.recipe import Recipe
from impasto.config.schema import json_schema, option_specs, schema_of
from impasto.errors import OptionError

TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
}


def accepts(schema: dict[str, Any], value: Any) -> bool:
    """What the part of Draft 2020-12 that is used here says of a value."""
    kind = schema["type"]
    if isinstance(kind, list):
        return any(accepts({**schema, "type": one}, value) for one in kind)
    if kind == "string" and "pattern" in schema:
        return isinstance(value, str) and re.search(schema["pattern"], value) is not None
    if not isinstance(value, TYPES[kind]) or (kind != "boolean" and isinstance(value, bool)):
        return False
    if kind == "array":
        return all(accepts(schema["items"], item) for item in value)
    is_listed = value in schema.get("enum", [value])
    number = value if isinstance(value, (int, float)) else 0
    low, high = schema.get("minimum", number), schema.get("maximum", number)
    return bool(is_listed and low <= number <= high)


def values_near(schema: dict[str, Any]) -> list[Any]:
    """Values of an option at the ends of what is allowed and beyond, and of other types."""
    low, high = schema.get("minimum"), schema.get("maximum")
    step = 1 if "integer" in schema["type"] else 1e-3
    ends = [x + d for x in (low, high) if x is not None for d in (-step, 0, step)]
    texts = ["64", "64px", "4k", "50%", "12.5%", "photo", "0.5", "0,5", "1,024", "5k", ""]
    texts = texts if "pattern" in schema else []
    return [*ends, *texts, *schema.get("enum", ()), "wrong", True, None, ["relu1_1"], [1]]


def is_sound(config: type, name: str, value: Any) -> bool:
    """Whether a config accepts a value of one option; of a text in its own spelling, its form."""
    try:
        number = from_text(config, {name: value})[name]
    except OptionError:
        return False
    if isinstance(value, str) and not isinstance(number, str):
        return True
    sample: Any = object.__new__(config)
    for spec in fields(config):
        object.__setattr__(sample, spec.name, spec.default)
    object.__setattr__(sample, name, tuple(value) if isinstance(value, list) else value)
    try:
        check(sample)
    except OptionError:
        return False
    return True


@pytest.mark.parametrize("method", METHODS)
def test_a_schema_accepts_what_the_config_accepts(method: str) -> None:
    schema, config = json_schema(method), METHODS[method].config
    json.dumps(schema, allow_nan=False)
    properties = schema["properties"]
    assert list(properties) == [spec.name for spec in fields(config)]
    defaults = json.loads(json.dumps(asdict(config())))
    assert all(accepts(properties[name], value) for name, value in defaults.items())
    assert from_dict(config, {n: p["default"] for n, p in properties.items()}) == config()
    for name, part in properties.items():
        assert part["title"]
        assert part["description"]
        for value in values_near(part):
            assert accepts(part, value) == is_sound(config, name, value), (name, value)


def test_output_settings_have_a_schema() -> None:
    parts = schema_of(OutputSettings, "output")["properties"]
    assert parts["bits"]["enum"] == [8, 16]
    assert {name: part["default"] for name, part in parts.items()} == asdict(OutputSettings())


def test_an_option_of_several_methods_is_described_once() -> None:
    specs = {spec.name: spec for spec in option_specs(*configs_with(StyledConfig).values())}
    smallest, loss = specs["smallest"], specs["style_loss"]
    assert smallest.default == 128
    assert smallest.defaults == {
        "nnst": 64, "mrf": 64, "laplacian": 180, "instant+refine": 16384
    }  # fmt: skip
    assert smallest.flag == "--smallest"
    assert loss.methods == ("gatys", "instant+refine", "quick", "laplacian")
    guess = specs["preconditioner"]
    assert guess.default == "spectral"
    assert guess.defaults == {}


# Rows


@pytest.mark.parametrize("row", METHODS.values(), ids=METHODS)
def test_every_entry_point_of_a_row_is_there(row: Method) -> None:
    for spec in fields(row):
        entry = getattr(row, spec.name)
        if isinstance(entry, EntryPoint):
            module, _, name = entry.target.partition(":")
            assert name in import_module(module).__all__
    assert method_of(row.config()) is row


@dataclass(frozen=True)
class DabConfig(GatysConfig):
    """Options of a method that is made for a test."""

    dabs: int = option(3, "How many.", low=1, high=9)


def test_a_row_is_all_that_a_method_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    gatys = METHODS["gatys"]
    row = Method("dab", DabConfig, gatys.task, gatys.paint)
    monkeypatch.setitem(METHODS, "dab", row)
    assert configs_with(PhotoConfig)["dab"] is DabConfig
    assert method_of(DabConfig()) is row
    assert row.optimises
    assert json_schema("dab")["properties"]["dabs"]["maximum"] == 9
    recipe = Recipe("dab", asdict(DabConfig(dabs=4)), (), "sha256:" + "0" * 64, "0")
    assert recipe.settings() == DabConfig(dabs=4)
