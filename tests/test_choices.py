"""What a person writes of styles, regions and layers: every spelling, and what contradicts."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto.config.bases import PhotoConfig, PixelConfig
from impasto.config.methods import (
    METHODS,
    GatysConfig,
    LaplacianConfig,
    TextureConfig,
    configs_with,
)
from impasto.config.output import OutputSettings
from impasto.config.specs import (
    COLOUR_MODES,
    DEPTHS,
    STARTS,
    RegionSpec,
    StyleSpec,
    layer_weights,
    start_of,
)
from impasto.config.validation import checked_config
from impasto.errors import OptionError
from impasto.painting.sources import Sources

# Styles


@pytest.mark.parametrize(
    ("text", "source", "weight", "layers"),
    [
        ("b.jpg", "b.jpg", 1.0, "all"),
        ("b.jpg:0.3", "b.jpg", 0.3, "all"),
        ("b.jpg:fine", "b.jpg", 1.0, "fine"),
        ("b.jpg:coarse", "b.jpg", 1.0, "coarse"),
        ("b.jpg:0.3:fine", "b.jpg", 0.3, "fine"),
        ("b.jpg:fine:0.3", "b.jpg", 0.3, "fine"),
        ("b.jpg:0", "b.jpg", 0.0, "all"),
        ("b.jpg:2", "b.jpg", 2.0, "all"),
        ("b.jpg:.5", "b.jpg", 0.5, "all"),
        ("b.jpg:1e-3", "b.jpg", 0.001, "all"),
        ("starry-night:0.5", "starry-night", 0.5, "all"),
        (r"C:\a.jpg", r"C:\a.jpg", 1.0, "all"),
        (r"C:\a.jpg:0.3:coarse", r"C:\a.jpg", 0.3, "coarse"),
        ("https://host/b.jpg:0.5", "https://host/b.jpg", 0.5, "all"),
        ("a:b:c.jpg:2", "a:b:c.jpg", 2.0, "all"),
    ],
)
def test_every_spelling_of_a_style(text: str, source: str, weight: float, layers: str) -> None:
    assert StyleSpec.parse(text) == StyleSpec(source, weight, layers)


@pytest.mark.parametrize("name", ["a:0.3", "a:fine", "0.5", "a:0.3:coarse"])
def test_a_file_with_such_a_name_is_that_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    assert StyleSpec.parse(name) == StyleSpec(name)
    assert StyleSpec.parse(f"{name}:0.7:fine") == StyleSpec(name, 0.7, "fine")


@pytest.mark.parametrize("weight", ["-1", "-0.5", "nan", "NaN", "inf", "-inf", "1e400"])
def test_a_weight_that_is_none_is_refused(weight: str) -> None:
    with pytest.raises(OptionError, match=r"b\.jpg has the weight .*at least 0"):
        StyleSpec.parse(f"b.jpg:{weight}")
    with pytest.raises(OptionError, match="at least 0"):
        StyleSpec("b.jpg", float(weight))


@pytest.mark.parametrize("text", ["", ":0.3", ":fine", "0.3", "fine"])
def test_a_style_has_a_name(text: str) -> None:
    with pytest.raises(OptionError, match="names no style"):
        StyleSpec.parse(text)


def test_other_words_for_the_layers_are_refused_from_python() -> None:
    with pytest.raises(OptionError, match=r"'fien'; did you mean 'fine'\?|'fien'.*all, fine, coar"):
        StyleSpec("b.jpg", 1.0, "fien")


# Names as people have them; a part of one that looks like a number or a depth belongs to `use`.
NAMES = st.text(st.characters(exclude_characters=":\0", exclude_categories=["Cs"]), min_size=1)
STYLES = st.builds(
    StyleSpec,
    NAMES.map(lambda name: f"{name}.jpg"),
    st.floats(0, 1e300),
    st.sampled_from(DEPTHS),
)


@given(choice=STYLES)
def test_what_is_written_of_a_style_is_read_again(choice: StyleSpec) -> None:
    assert StyleSpec.parse(choice.source + choice.use) == choice


def test_what_was_said_of_a_style_asks_for_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a:0.3", ":0.3", "x:0.3", "a:0.3:fine"):
        Path(name).touch()
    assert StyleSpec.used("a", ":0.3") == StyleSpec("a", 0.3)
    assert StyleSpec.used("a:0.3", ":0.3:fine") == StyleSpec("a:0.3", 0.3, "fine")
    assert StyleSpec.used("a:0.3", "") == StyleSpec("a:0.3")


@given(choice=STYLES)
def test_what_is_written_of_a_style_is_used_again(choice: StyleSpec) -> None:
    assert StyleSpec.used(choice.source, choice.use) == choice


@given(text=st.text(max_size=40))
def test_a_text_is_a_style_or_an_error_of_ours(text: str) -> None:
    try:
        choice = StyleSpec.parse(text)
    except OptionError:
        return
    assert text.startswith(choice.source)
    assert 0 <= choice.weight < math.inf


def test_sources_read_texts_and_take_everything_else_as_it_is() -> None:
    chosen = StyleSpec("a:0.5", 2.0)
    sources = Sources.of("photo.jpg", chosen, "b.jpg:0.5", Path("c.jpg:0.5"))
    assert sources.styles == (chosen, StyleSpec("b.jpg", 0.5), StyleSpec(Path("c.jpg:0.5")))


# Regions


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("#ff0000=starry-night", RegionSpec("#ff0000", "starry-night")),
        ("#ff0000=starry-night:0.9", RegionSpec("#ff0000", "starry-night", 0.9)),
        ("ff0000=b.jpg", RegionSpec("#ff0000", "b.jpg")),
        ("#F00=b.jpg", RegionSpec("#ff0000", "b.jpg")),
        (" #f00 =b.jpg", RegionSpec("#ff0000", "b.jpg")),
        ("#00f=keep", RegionSpec("#0000ff", keep=True)),
        ("#00f=0.4", RegionSpec("#0000ff", strength=0.4)),
        ("#00f=0", RegionSpec("#0000ff", strength=0.0)),
        ("#00f=color=keep", RegionSpec("#0000ff", color="keep")),
        ("#00f=0.4:color=match", RegionSpec("#0000ff", strength=0.4, color="match")),
        ("#00f=color=style:0.4", RegionSpec("#0000ff", strength=0.4, color="style")),
        (r"#0f0=C:\a=b.jpg:1", RegionSpec("#00ff00", r"C:\a=b.jpg", 1.0)),
    ],
)
def test_every_spelling_of_a_region(text: str, choice: RegionSpec) -> None:
    assert RegionSpec.parse(text) == choice


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#ff0000", "takes a colour of the map and what to do there"),
        ("#ff0000=", "takes a colour of the map and what to do there"),
        ("", "takes a colour of the map"),
        ("=keep", "has the colour ''"),
        ("#ff00=keep", "has the colour '#ff00'"),
        ("#ggg=keep", "has the colour '#ggg'"),
        ("red=keep", "has the colour 'red'"),
        ("#f00=1.5", "has the strength 1.5. It takes a number from 0 to 1"),
        ("#f00=-0.1", "has the strength -0.1"),
        ("#f00=nan", "has the strength nan"),
        ("#f00=b.jpg:inf", "has the strength inf"),
        ("#f00=b.jpg:1e400", "has the strength 1e400"),
        ("#f00=color=keap", "color=keap"),
        ("#f00=keep:0.5", "keeps the pixels and says how to paint them"),
        ("#f00=keep:color=keep", "keeps the pixels and says how to paint them"),
    ],
)
def test_a_region_that_cannot_be_read_is_one_message(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        RegionSpec.parse(text)
    with pytest.raises(OptionError, match=re.escape(message)):
        GatysConfig(region=(text,))


@pytest.mark.parametrize("words", ["0.1:0.9", "color=keep:color=match", "0.1:color=keep:0.9"])
def test_a_region_says_a_thing_once(words: str) -> None:
    with pytest.raises(OptionError, match="says one thing twice"):
        RegionSpec.parse(f"#f00=b.jpg:{words}")


@pytest.mark.parametrize("words", ["0.1:0.9", "fine:coarse", "0.1:fine:0.9"])
def test_a_style_says_a_thing_once(words: str) -> None:
    with pytest.raises(OptionError, match="says one thing twice"):
        StyleSpec.parse(f"b.jpg:{words}")


COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
REGIONS = st.one_of(
    st.builds(RegionSpec, COLOURS, keep=st.just(True)),
    st.builds(
        RegionSpec,
        COLOURS,
        st.just("") | NAMES.map(lambda name: f"{name}.jpg"),
        st.floats(0, 1),
        color=st.none() | st.sampled_from(COLOUR_MODES),
    ),
    st.builds(RegionSpec, COLOURS, NAMES.map(lambda name: f"{name}.jpg")),
    st.builds(RegionSpec, COLOURS, color=st.sampled_from(COLOUR_MODES)),
)


@given(choice=REGIONS)
def test_what_is_written_of_a_region_is_read_again(choice: RegionSpec) -> None:
    assert RegionSpec.parse(str(choice)) == choice


@given(text=st.text(max_size=40) | st.text("#f0=:.5keponalr", max_size=30).map("#f00={}".format))
def test_a_text_is_a_region_or_an_error_of_ours(text: str) -> None:
    try:
        choice = RegionSpec.parse(text)
    except OptionError:
        return
    assert RegionSpec.parse(str(choice)) == choice


def test_one_colour_is_named_once_however_it_is_written() -> None:
    with pytest.raises(OptionError, match="names #ff0000 twice"):
        PhotoConfig(region=("#f00=keep", "#FF0000=0.5"))
    assert len(PhotoConfig(region=("#f00=keep", "#0f0=0.5")).region) == 2


# Layers


def test_layers_have_weights() -> None:
    named = layer_weights(("relu1_1:2", "relu2_1", "relu3_1:.5", "relu4_1:1e-2"))
    assert named == {"relu1_1": 2.0, "relu2_1": 1.0, "relu3_1": 0.5, "relu4_1": 0.01}
    assert list(named) == ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
    assert layer_weights(()) == {}


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "1e400", "x", "1:2", " "])
def test_a_layer_with_another_weight_is_refused(weight: str) -> None:
    message = re.escape(f"'relu1_1' has the weight {weight!r}")
    with pytest.raises(OptionError, match=message):
        layer_weights((f"relu1_1:{weight}",))
    for option in ("style_layers", "content_layers"):
        with pytest.raises(OptionError, match=message):
            GatysConfig(**{option: (f"relu1_1:{weight}",)})  # type: ignore[arg-type]


@pytest.mark.parametrize("twice", [("relu1_1", "relu1_1"), ("relu1_1:2", "relu1_1:2")])
def test_a_layer_is_named_once(twice: tuple[str, ...]) -> None:
    with pytest.raises(OptionError, match="'relu1_1' is named twice"):
        layer_weights(twice)


# How long


@pytest.mark.parametrize(
    ("options", "length"),
    [
        ({}, GatysConfig.iterations),
        ({"iterations": 7}, 7),
        ({"epochs": 10, "steps": 30}, 300),
        ({"epochs": 10, "steps": 30, "iterations": 300}, 300),
    ],
)
def test_epochs_times_steps_are_iterations(options: dict[str, Any], length: int) -> None:
    assert GatysConfig(**options).length == length


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 3}, "give both, or neither"),
        ({"steps": 3}, "give both, or neither"),
        ({"epochs": 3, "steps": 3, "iterations": 10}, "iterations=10 contradicts epochs=3"),
    ],
)
def test_lengths_that_contradict_each_other_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        GatysConfig(**options)


@pytest.mark.parametrize("iterations", [GatysConfig.iterations, 10])
def test_a_length_that_was_given_contradicts_even_if_it_is_the_default(iterations: int) -> None:
    options = {"iterations": iterations, "epochs": 3, "steps": 2}
    with pytest.raises(OptionError, match=f"iterations={iterations} contradicts epochs=3"):
        checked_config(GatysConfig, options)
    assert checked_config(GatysConfig, {**options, "iterations": 6}).length == 6
    assert checked_config(GatysConfig, {"epochs": 3, "steps": 2}).length == 6


@pytest.mark.parametrize("optimizer", ["adam", "gd"])
def test_optimisers_that_know_no_curvature_get_more_iterations_unless_told(optimizer: str) -> None:
    usual = {"optimizer": optimizer}
    assert checked_config(GatysConfig, usual).length == 200 > GatysConfig.iterations
    assert checked_config(LaplacianConfig, usual).length == LaplacianConfig.iterations
    assert checked_config(GatysConfig, {**usual, "iterations": 7}).length == 7
    assert checked_config(GatysConfig, {**usual, "epochs": 2, "steps": 3}).length == 6
    assert checked_config(GatysConfig, {"optimizer": "lbfgs"}).length == GatysConfig.iterations


# What to start from


@pytest.mark.parametrize("word", STARTS)
def test_one_of_the_starts_is_no_file(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(word).touch()
    assert start_of({"init": word, "size": 64}) == ({"init": word, "size": 64}, None)
    assert start_of({}) == ({}, None)
    _, file = start_of({"init": f"./{word}"})
    assert file is not None
    assert file.is_file()


@pytest.mark.parametrize(
    ("init", "is_file"),
    [("missing.png", True), ("folder/start", True), ("here", True), ("nosie", False), ("", False)],
)
def test_a_name_with_a_suffix_or_a_folder_is_a_file(
    init: str, is_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").touch()
    options, file = start_of({"init": init})
    assert (options, file) == (
        ({"init": "content"}, Path(init)) if is_file else ({"init": init}, None)
    )


# Options without any effect

NEEDS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("gatys", {"match": "pca"}, 'match has no effect without color="match"', {"color": "match"}),
    ("gatys", {"match": "pca"}, "match", {"region": ("#f00=color=match",)}),
    ("nnst", {"laplacian_pool": 2}, "laplacian_pool .* a laplacian_w", {"laplacian_weight": 1.0}),
    ("mrf", {"history": 5, "optimizer": "adam"}, "history .*lbfgs", {"optimizer": "lbfgs"}),
    ("texture", {"tv": "l2", "tv_weight": 0.0}, "tv .* a tv_weight", {"tv_weight": 1.0}),
    ("doodle", {"map_weight": 1.0, "engine": "statistics"}, "map_w", {"engine": "patches"}),
    ("doodle", {"style_loss": "gram"}, "style_loss .*statist", {"engine": "statistics"}),
    ("laplacian", {"content_layers": ("relu1_1",), "stage": 1}, "content_layers", {"stage": 2}),
]


@pytest.mark.parametrize(("method", "options", "message", "more"), NEEDS)
def test_an_option_without_effect_is_refused(
    method: str, options: dict[str, Any], message: str, more: dict[str, Any]
) -> None:
    with pytest.raises(OptionError, match=message):
        checked_config(METHODS[method].config, options)
    checked_config(METHODS[method].config, options | more)
    METHODS[method].config(**options)  # a recipe holds every option


def test_feather_needs_a_map() -> None:
    with pytest.raises(OptionError, match="feather has no effect without content_map"):
        checked_config(GatysConfig, {"feather": 0.1})
    assert checked_config(GatysConfig, {"feather": 0.1}, has_map=True).feather == 0.1


# Weights and sides


def test_something_is_left_to_minimise() -> None:
    none: dict[str, Any] = {"content_weight": 0.0, "style_weight": 0.0, "tv_weight": 0.0}
    pixels = configs_with(PixelConfig)
    assert len(pixels) == len(METHODS) - 2  # two paint at once, and minimise nothing
    for method, kind in pixels.items():
        own = {n: v for n, v in none.items() if n in kind.__dataclass_fields__}
        with pytest.raises(OptionError, match=r"Nothing is left .*style_weight=0, tv_weight=0"):
            kind(**own)
        for name in own:
            assert kind(**own | {name: 1.0}), method
    assert GatysConfig(**none, l2_weight=1.0)
    assert GatysConfig(**none, laplacian_weight=1.0)


def test_what_counts_depends_on_the_strength() -> None:
    unpainted: dict[str, Any] = {"content_weight": 0.0, "strength": 0.0}
    unheld: dict[str, Any] = {"style_weight": 0.0, "tv_weight": 0.0, "strength": 1.0}
    for options in (unpainted, unheld):
        with pytest.raises(OptionError, match=f"strength={options['strength']:g}, "):
            GatysConfig(**options)
        GatysConfig(**options, region=("#f00=0.5",))


@pytest.mark.parametrize(
    "name", ["content_weight", "style_weight", "tv_weight", "l2_weight", "laplacian_weight"]
)
def test_a_weight_has_an_upper_end(name: str) -> None:
    GatysConfig(**{name: 1e6})  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=rf"{name} is 1e\+300. It takes .* from 0 to 1000000\."):
        GatysConfig(**{name: 1e300})  # type: ignore[arg-type]


@pytest.mark.parametrize("sides", [(1, 64), (64, 31), (20, 0)])
def test_a_texture_is_not_too_thin(sides: tuple[int, int]) -> None:
    width, height = sides
    with pytest.raises(OptionError, match=r"too thin .* from 32 to 16384"):
        TextureConfig(size=max(64, height), width=width, height=height or 64)
    TextureConfig(size=64, width=64, height=32)


@pytest.mark.parametrize("values", [{"bits": 12}, {"bits": 0}, {"quality": 0}, {"quality": 101}])
def test_output_settings_have_bounds(values: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=f"{next(iter(values))} is "):
        OutputSettings(**values)
