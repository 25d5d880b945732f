"""A recipe comes back as it went in, and nothing else comes in."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto.config.memory import MemoryPlan
from impasto.config.methods import GatysConfig
from impasto.config.recipe import FORMAT, MAX_THREADS, Input, Recipe, Stop
from impasto.errors import RecipeError
from impasto.files.strict_json import MAX_STRING, MAX_TEXT

DIGEST = "sha256:" + "0123456789abcdef" * 4
CONFIG = GatysConfig(size=640, strength=0.7, style_layers=("relu1_1", "relu2_1"))
RECIPE = Recipe(
    method="gatys",
    config=asdict(CONFIG),
    inputs=(
        Input("content", "photo.jpg", DIGEST),
        Input("style", "starry-night", DIGEST, ":0.5:fine"),
        Input("style", "wave", DIGEST),
    ),
    backbone_digest=DIGEST,
    version="1.2.3",
    threads=2,
)


def changed(**values: Any) -> str:
    """The recipe's JSON with some keys set."""
    return json.dumps(json.loads(RECIPE.to_json()) | values)


def test_it_comes_back_as_it_went_in() -> None:
    assert Recipe.from_json(RECIPE.to_json()) == RECIPE
    assert Recipe.from_json(RECIPE.to_json()).settings() == CONFIG


def test_an_interrupted_run_says_where_it_stopped() -> None:
    stopped = replace(RECIPE, stopped_at=Stop(2, 17))
    again = Recipe.from_json(stopped.to_json())
    assert again.stopped_at == Stop(scale=2, iteration=17)
    assert replace(again, stopped_at=None) == RECIPE


def test_a_plan_and_an_extension_travel() -> None:
    recipe = replace(RECIPE, plan=MemoryPlan(2**30, 5, "float16"), extended=50)
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_a_recipe_of_the_format_before_is_read() -> None:
    data = json.loads(RECIPE.to_json()) | {"format": 2}
    del data["plan"], data["extended"], data["replanned"]
    assert Recipe.from_json(json.dumps(data)) == RECIPE


@given(
    name=st.text(max_size=MAX_STRING),
    use=st.from_regex(r"#[0-9a-f]{6}", fullmatch=True),
    seed=st.integers(0, 2**63 - 1),
    threads=st.integers(1, MAX_THREADS),
)
def test_any_name_use_seed_and_number_of_threads_survive(
    name: str, use: str, seed: int, threads: int
) -> None:
    recipe = replace(
        RECIPE,
        config={**RECIPE.config, "seed": seed},
        inputs=(Input("region", name, DIGEST, use),),
        threads=threads,
    )
    text = recipe.to_json()
    assert text.isascii()
    assert Recipe.from_json(text) == recipe


def test_a_name_that_is_no_unicode_survives() -> None:
    odd = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    recipe = replace(RECIPE, inputs=(Input("content", odd, DIGEST),))
    back = Recipe.from_json(recipe.to_json()).input("content")
    assert back is not None
    assert back.name == odd


def test_equal_recipes_give_equal_text_with_sorted_keys() -> None:
    backwards = replace(RECIPE, config=dict(reversed(RECIPE.config.items())))
    assert backwards.to_json() == RECIPE.to_json()
    keys = list(json.loads(RECIPE.to_json()))
    assert keys == sorted(keys)


def test_the_whole_configuration_travels() -> None:
    assert set(json.loads(RECIPE.to_json())["config"]) == set(asdict(CONFIG))


def test_inputs_are_found_by_role() -> None:
    style = RECIPE.input("style")
    assert style is not None
    assert style.name == "starry-night"
    assert [(s.name, s.use) for s in RECIPE.of("style")] == [
        ("starry-night", ":0.5:fine"),
        ("wave", ""),
    ]
    assert RECIPE.input("init") is None
    assert RECIPE.of("region") == ()


PLAN = {"tile": 2**30, "history": 5, "held": "float16"}
INPUT = {"role": "content", "name": "a", "digest": DIGEST, "use": ""}
WRONG = {
    "empty": "",
    "not JSON": "{",
    "a list": "[]",
    "a string": '"gatys"',
    "null": "null",
    "nested too deeply": "[" * 200_000,
    "too long": " " * (MAX_TEXT + 1),
    "too many digits": changed(config={"seed": 1}).replace('"seed": 1', '"seed": ' + "9" * 5000),
    "a key too many": changed(exec="rm"),
    "a key too few": json.dumps({"method": "gatys"}),
    "a repeated key": RECIPE.to_json()[:-1] + ', "method": "gatys"}',
    "a method that is no string": changed(method=["gatys"]),
    "a version that is no string": changed(version=1),
    "a config that is a list": changed(config=[]),
    "an option that is an object": changed(config={"size": {"a": 1}}),
    "an option that is null": changed(config={"size": None}),
    "a list of numbers": changed(config={"style_layers": [1]}),
    "too long a list": changed(config={"style_layers": ["a"] * 1000}),
    "too many options": changed(config={str(i): i for i in range(1000)}),
    "a string too long": changed(config={"init": "x" * (MAX_STRING + 1)}),
    "NaN": changed(config={"strength": float("nan")}),
    "infinity": changed(config={"strength": float("inf")}),
    "a number too big": changed(config={"seed": 2**70}),
    "overflow": changed(config={"a": 1}).replace('"a": 1', '"a": 1e999'),
    "inputs that are an object": changed(inputs={}),
    "an input that is a string": changed(inputs=["photo.jpg"]),
    "an input with a key too many": changed(inputs=[INPUT | {"url": "x"}]),
    "an input without a digest": changed(inputs=[{"role": "content", "name": "a", "use": ""}]),
    "an input without a use": changed(inputs=[{"role": "content", "name": "a", "digest": DIGEST}]),
    "a use that is a list": changed(inputs=[INPUT | {"use": ["a"]}]),
    "a use that is none": changed(inputs=[INPUT | {"use": ":0.5"}]),
    "a style's use that is none": changed(inputs=[INPUT | {"role": "style", "use": ":0.5:medium"}]),
    "a use too long": changed(inputs=[INPUT | {"use": "x" * (MAX_STRING + 1)}]),
    "too many inputs": changed(inputs=[INPUT | {"role": "style"}] * 1000),
    "two maps of the content": changed(inputs=[INPUT | {"role": "content-map"}] * 2),
    "two pictures to start from": changed(inputs=[INPUT | {"role": "init"}] * 2),
    "no threads": changed(threads=0),
    "too many threads": changed(threads=MAX_THREADS + 1),
    "threads that are no whole number": changed(threads=1.5),
    "threads that are true": changed(threads=True),
    "threads that are null": changed(threads=None),
    "an unknown role": changed(inputs=[INPUT | {"role": "mask"}]),
    "the same role twice": changed(inputs=[INPUT, INPUT]),
    "a name that is a number": changed(inputs=[INPUT | {"name": 3}]),
    "a digest of another kind": changed(backbone_digest="md5:" + "0" * 32),
    "a digest with a line's end": changed(backbone_digest=DIGEST + "\n"),
    "a stop that is a number": changed(stopped_at=3),
    "a stop before the first step": changed(stopped_at={"scale": 0, "iteration": 1}),
    "a stop that is true": changed(stopped_at={"scale": True, "iteration": 1}),
    "a format of long ago": changed(format=1),
    "a later format": changed(format=4),
    "the format before with a key of this one": changed(format=2),
    "a plan that is a number": changed(plan=3),
    "a plan with a key too many": changed(plan=PLAN | {"exec": 1}),
    "a plan with a key too few": changed(plan={"tile": 1, "history": 1}),
    "a plan of less than nothing": changed(plan=PLAN | {"tile": -1}),
    "a plan of true": changed(plan=PLAN | {"history": True}),
    "a plan that holds another type": changed(plan=PLAN | {"held": "float8"}),
    "an extension of less than nothing": changed(extended=-1),
    "an extension without end": changed(extended=2**40),
    "an extension that is true": changed(extended=True),
    "no format": changed(format="1"),
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_whatever_else_is_refused_in_a_short_sentence(text: str) -> None:
    with pytest.raises(RecipeError) as refusal:
        Recipe.from_json(text)
    assert len(str(refusal.value)) < 400


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
def test_no_text_raises_anything_else(text: str) -> None:
    with pytest.raises(RecipeError):
        Recipe.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(key=st.sampled_from(sorted(INPUT)), value=JSON)
def test_an_input_of_any_value_is_read_or_refused(key: str, value: Any) -> None:
    text = changed(inputs=[INPUT | {key: value}])
    try:
        (given,) = Recipe.from_json(text).inputs
    except RecipeError:
        return
    assert asdict(given) == INPUT | {key: value}


@given(key=st.sampled_from(sorted(json.loads(RECIPE.to_json()))), value=JSON)
def test_a_recipe_of_any_value_is_read_or_refused(key: str, value: Any) -> None:
    try:
        recipe = Recipe.from_json(changed(**{key: value}))
    except RecipeError:
        return
    assert json.loads(recipe.to_json())[key] == value


@given(st.data())
def test_no_damaged_recipe_raises_anything_else(data: st.DataObject) -> None:
    whole = RECIPE.to_json()
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.sampled_from([whole[:at], whole[:at] + whole[at + 1 :], whole[:at] + "0"]))
    try:
        Recipe.from_json(cut)
    except RecipeError:
        return
    assert cut != whole


def test_a_refusal_names_the_key() -> None:
    with pytest.raises(RecipeError, match="unknown key 'exec'"):
        Recipe.from_json(changed(exec="rm"))
    with pytest.raises(RecipeError, match="a newer Impasto"):
        Recipe.from_json(changed(format=FORMAT + 1))
    with pytest.raises(RecipeError, match=r"format 1 .* an older Impasto may read it"):
        Recipe.from_json(changed(format=1))


def test_settings_refuse_what_this_version_cannot_do() -> None:
    with pytest.raises(RecipeError, match="There is no method 'fresco'"):
        Recipe.from_json(changed(method="fresco")).settings()
    with pytest.raises(RecipeError, match="no option 'thickness'"):
        Recipe.from_json(changed(config={**RECIPE.config, "thickness": 3})).settings()
    with pytest.raises(RecipeError, match=re.escape("size is 3.")):
        Recipe.from_json(changed(config={**RECIPE.config, "size": 3})).settings()
    rest = {name: value for name, value in RECIPE.config.items() if name != "size"}
    later = Recipe.from_json(changed(config=rest)).settings()
    assert later.size == type(later).size, "an option that an earlier version did not have"
