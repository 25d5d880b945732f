"""The studies by name: what each varies, and the runs its values stand for. Needs no PyTorch.

They show what papers of this field show: the layers (Gatys, Ecker and Bethge 2016, figures 4 and
5), the balance of content and style (figure 3), the start (figure 6); also the smoothness,
the number of iterations and the strength.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from impasto.config.bases import PhotoConfig
from impasto.config.specs import STARTS, layer_weights, means_file
from impasto.errors import OptionError, suggestion
from impasto.features.backbones import BACKBONES
from impasto.features.plan import layer_names

__all__ = ["STUDIES", "Study", "Variant", "study_named", "variants_of"]


@dataclass(frozen=True)
class Variant:
    """One picture of a study.

    Attributes:
        label: its caption, unlike any other of the study.
        value: the value that it stands for, as it could be typed.
        config: everything that it is painted with.
        init: a picture to start from, if not what `config.init` says.
        after: iterations after which the picture is taken; None for the end.
        row, column: its place in a study of two dimensions; empty in the others.
    """

    label: str
    value: str
    config: PhotoConfig
    init: Path | None = None
    after: int | None = None
    row: str = ""
    column: str = ""


Maker = Callable[[PhotoConfig, tuple[str, ...], "Path | None"], list[Variant]]


@dataclass(frozen=True)
class Study:
    """A kind of study.

    Attributes:
        title: its heading.
        about: what to look for, in a sentence or two.
        takes: what `--values` may hold, for messages.
        values: the default ones; empty where they depend on the network.
        make: base configuration, values, picture to start from → the variants.
        ordered: whether the values have an order, which colours then follow.
        film: `sweep` goes from picture to picture, `steps` shows one being painted.
    """

    title: str
    about: str
    takes: str
    values: tuple[str, ...]
    make: Maker
    ordered: bool = True
    film: str = "sweep"


def study_named(kind: str) -> Study:
    """Return the study of that name.

    Raises:
        OptionError: an unknown study.
    """
    if kind not in STUDIES:
        near = suggestion(kind, STUDIES)
        raise OptionError(f"There is no study {kind!r}{near} There are {', '.join(STUDIES)}.")
    return STUDIES[kind]


def variants_of(
    kind: str, base: PhotoConfig, values: Sequence[str] = (), init: Path | None = None
) -> list[Variant]:
    """Return the pictures of a study, in their order.

    Args:
        base: the configuration of which each changes something.
        values: to try in place of the study's own.
        init: a picture to start from; in a study of starts, one more start.

    Raises:
        OptionError: an unknown study, or a value that it cannot take.
    """
    study = study_named(kind)
    chosen = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
    if values and not chosen:
        raise OptionError(f"--values is empty. A study of {kind} takes {study.takes}.")
    return study.make(base, chosen or study.values, init)


def _number(kind: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise OptionError(
            f"--values has {text!r}. A study of {kind} takes {STUDIES[kind].takes}, separated by "
            "commas."
        )
    return number


def _numbers(kind: str, values: Sequence[str]) -> list[float]:
    return list(dict.fromkeys(_number(kind, text) for text in values))


def _strengths(base: PhotoConfig, values: tuple[str, ...], init: Path | None) -> list[Variant]:
    return [
        Variant(f"strength {number:g}", f"{number:g}", replace(base, strength=number), init)
        for number in _numbers("strength", values)
    ]


def _variations(base: PhotoConfig, values: tuple[str, ...], init: Path | None) -> list[Variant]:
    return [
        Variant(f"TV weight {number:g}", f"{number:g}", replace(base, tv_weight=number), init)
        for number in _numbers("tv", values)
    ]


def _ratios(base: PhotoConfig, values: tuple[str, ...], init: Path | None) -> list[Variant]:
    """Vary the content's weight; the style's stays as it is."""
    if base.style_weight == 0:
        raise OptionError("--style-weight is 0: α/β has no value then. Give a weight above 0.")
    variants = []
    for ratio in _numbers("weights", values):
        if ratio < 0:
            raise OptionError(f"--values has {ratio:g}. α/β is 0 or more.")
        config = replace(base, content_weight=ratio * base.style_weight)
        variants.append(Variant(f"α/β = {ratio:g}", f"{ratio:g}", config, init))
    return variants


def _iterations(base: PhotoConfig, values: tuple[str, ...], init: Path | None) -> list[Variant]:
    """Take several pictures of one run: the recipe of each says where it was stopped."""
    numbers = sorted(_numbers("iterations", values))
    for number in numbers:
        if number < 1 or number != int(number):
            raise OptionError(f"--values has {number:g}. Iterations are whole, and 1 or more.")
    counts = [int(number) for number in numbers]
    config = replace(base, iterations=counts[-1], epochs=0, steps=0)
    names = {n: f"after {n} iteration{'s' if n > 1 else ''}" for n in counts}
    return [Variant(names[n], str(n), config, init, after=n) for n in counts]


def _starts(base: PhotoConfig, values: tuple[str, ...], init: Path | None) -> list[Variant]:
    """Start from `content`, `grey`, `noise`, `noise:SEED` or a picture; by default three noises."""
    defaults = ("content", *(f"noise:{base.seed + i}" for i in range(3)), "grey")
    variants = [_start(base, value) for value in values or defaults]
    if init is not None and init not in [variant.init for variant in variants]:
        variants.append(_from_picture(base, init))
    return variants


def _start(base: PhotoConfig, value: str) -> Variant:
    name, _, seed = value.partition(":")
    if name == "noise" and seed:
        if not seed.isdecimal():
            raise OptionError(f"--values has {value!r}. A noise's seed is a whole number: noise:7.")
        config = replace(base, init="noise", seed=int(seed))
        return Variant(f"from noise, seed {seed}", value, config)
    if value in STARTS:
        start = {"content": "the photograph", "grey": "grey", "noise": "noise"}[value]
        return Variant(f"from {start}", value, replace(base, init=value))
    if not means_file(value, STARTS):
        raise OptionError(f"--values has {value!r}. A study of init takes {STUDIES['init'].takes}.")
    return _from_picture(base, Path(value))


def _from_picture(base: PhotoConfig, file: Path) -> Variant:
    return Variant(f"from {file.name}", str(file), replace(base, init="content"), init=file)


def _layers(base: PhotoConfig, values: tuple[str, ...], init: Path | None) -> list[Variant]:
    """Combine each content layer with each set of style layers: the first, the first two, …"""
    backbone = BACKBONES[base.backbone]
    names = layer_names(backbone.plan)
    chosen = base.style_layers or backbone.style
    for name in layer_weights((*chosen,)) | layer_weights(values):
        if name not in names:
            raise OptionError(f"{base.backbone} has no layer {name!r}{suggestion(name, names)}")
    return [
        _layered(replace(base, content_layers=(layer,), style_layers=chosen[:count]), layer, init)
        for layer in values or base.content_layers or backbone.style
        for count in range(1, len(chosen) + 1)
    ]


def _layered(config: PhotoConfig, layer: str, init: Path | None) -> Variant:
    first, last = config.style_layers[0], config.style_layers[-1]
    styles = first if first == last else f"{first} … {last}"
    return Variant(
        f"content {layer}, style {styles}",
        layer,
        config,
        init,
        row=f"content {layer}",
        column=f"style {styles}",
    )


def _statistics(base: PhotoConfig, values: tuple[str, ...], init: Path | None) -> list[Variant]:
    if values:
        raise OptionError("A study of statistics varies nothing: leave --values out.")
    return [Variant("the result", "", base, init)]


STUDIES: dict[str, Study] = {
    "layers": Study(
        "Layers",
        "Each row compares the photograph at another layer, each column the painting at one layer "
        "more. Deep content layers fix what is shown and leave open how it is painted; more style "
        "layers give larger strokes.",
        "layers to compare the photograph at, such as relu2_1,relu4_1",
        (),
        _layers,
    ),
    "weights": Study(
        "Content against style",
        "α weighs the photograph and β the painting: the larger α/β, the more of the photograph "
        "is kept.",
        "numbers of 0 or more, such as 0.1,1,10",
        ("0.01", "0.03", "0.1", "0.3", "1", "3", "10", "30"),
        _ratios,
    ),
    "tv": Study(
        "Total variation",
        "The weight of the total variation: more of it leaves less grain and softer strokes.",
        "numbers of 0 or more, such as 0,1,10",
        ("0", "10", "100", "300", "1000", "3000"),
        _variations,
    ),
    "iterations": Study(
        "Iterations",
        "One run at several iterations. It is painted from coarse to fine, so the first pictures "
        "are smaller; where the curves jump, a finer scale begins.",
        "whole numbers of 1 or more, such as 1,10,100",
        ("1", "10", "25", "50", "100", "200"),
        _iterations,
        film="steps",
    ),
    "init": Study(
        "What the painting starts from",
        "The same two pictures from different starts. What differs between two seeds of noise is "
        "chance.",
        "content, grey, noise, noise:SEED and names of pictures",
        (),
        _starts,
        ordered=False,
    ),
    "strength": Study(
        "Strength",
        "From the photograph (0) to the painting (1).",
        "numbers from 0 to 1, such as 0.1,0.5,0.9",
        tuple(f"0.{tenth}" for tenth in range(1, 10)),
        _strengths,
    ),
    "statistics": Study(
        "Statistics",
        "The Gram matrices of the photograph, the painting and the result: painting brings the "
        "photograph's to the painting's.",
        "nothing",
        (),
        _statistics,
        film="steps",
    ),
}
