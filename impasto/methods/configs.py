"""Every method's options, each declared once: flags, checks and recipes derive from these fields.

Apart from the methods themselves, so that `impasto --help` need not import PyTorch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from impasto.errors import OptionError, suggestion

__all__ = ["GatysConfig", "check", "from_dict", "option"]

Config = TypeVar("Config")


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """A field with its help, its range (both ends allowed) or its choices."""
    return field(
        default=default, metadata={"help": help, "low": low, "high": high, "choices": choices}
    )


@dataclass(frozen=True)
class GatysConfig:
    """Options of the optimiser that paints pixels (Gatys, Ecker and Bethge 2016).

    Raises:
        OptionError: a value out of its range, or not among its choices.
    """

    size: int = option(512, "Long side of the result, in pixels.", low=32, high=16384)
    strength: float = option(
        0.5, "How far to go from the photograph (0) to the painting (1).", low=0.0, high=1.0
    )
    seed: int = option(0, "Seed of everything random.", low=0, high=2**63 - 1)
    init: str = option(
        "content", "What the first scale starts from.", choices=("content", "noise", "grey")
    )
    backbone: str = option(
        "compact",
        "The network that sees the pictures.",
        choices=("compact", "vgg19", "vgg16", "alexnet"),
    )
    pooling: str = option("max", "Pooling inside the network.", choices=("max", "average"))
    content_layers: tuple[str, ...] = option(
        (), "Layers that hold the photograph; the backbone's own if none."
    )
    style_layers: tuple[str, ...] = option(
        (), "Layers that hold the painting; the backbone's own if none."
    )
    style_loss: str = option(
        "gaussian",
        "How two styles are compared: as Gaussians by optimal transport, or by Gram matrices.",
        choices=("gaussian", "gram"),
    )
    content_weight: float = option(1.0, "Weight of the content loss.", low=0.0)
    style_weight: float = option(1.0, "Weight of the style loss, at strength 0.5.", low=0.0)
    tv_weight: float = option(
        1.0, "Weight of the total variation: less grain, softer strokes.", low=0.0
    )
    tv: str = option(
        "l2", "Total variation: nine-point squares, or absolute differences.", choices=("l2", "l1")
    )
    l2_weight: float = option(
        0.0, "Weight of the squared distance to the photograph's pixels.", low=0.0
    )
    optimizer: str = option("lbfgs", "The optimiser.", choices=("lbfgs", "adam"))
    iterations: int = option(
        200, "Iterations in all, shared out among the scales.", low=1, high=100_000
    )
    history: int = option(10, "Pairs that L-BFGS remembers.", low=1, high=100)
    learning_rate: float = option(0.02, "Adam's step.", low=1e-6, high=1.0)
    smallest: int = option(
        180, "Long side of the first, coarsest scale, at most.", low=32, high=16384
    )
    precision: str = option(
        "auto",
        "Number type inside the network; auto takes bfloat16 where it is native.",
        choices=("auto", "float32", "bfloat16"),
    )
    device: str = option("auto", "Where to compute.", choices=("auto", "cpu", "cuda", "xpu"))

    def __post_init__(self) -> None:
        check(self)


def check(config: Any) -> None:
    """Hold every field of a config to its type, range and choices.

    Raises:
        OptionError: naming the option, the value that arrived and what is allowed.
    """
    for spec in fields(config):
        value, meta = getattr(config, spec.name), spec.metadata
        flag = spec.name.replace("_", "-")
        if choices := meta.get("choices"):
            if value not in choices:
                near = suggestion(str(value), choices)
                raise OptionError(f"--{flag} is {value!r}{near} It may be {', '.join(choices)}.")
        elif isinstance(spec.default, tuple):
            if not isinstance(value, tuple) or not all(isinstance(v, str) for v in value):
                raise OptionError(f"--{flag} is {value!r}. It takes layer names, such as relu4_1.")
        elif isinstance(spec.default, (int, float)):
            _check_number(flag, value, spec.default, meta)


def _check_number(flag: str, value: Any, default: float, meta: Any) -> None:
    kinds = (int,) if isinstance(default, int) else (int, float)
    low, high = meta["low"], meta["high"]
    span = f"from {low:g} to {high:g}" if high is not None else f"of at least {low:g}"
    kind = "a whole number" if isinstance(default, int) else "a number"
    sound = isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)
    if not sound or value < low or (high is not None and value > high):
        raise OptionError(f"--{flag} is {value!r}. It takes {kind} {span}.")


def from_dict(kind: type[Config], values: dict[str, Any]) -> Config:
    """A config from a recipe's JSON, where tuples have become lists.

    Raises:
        OptionError: an option that `kind` does not have, or a value that it refuses.
    """
    names = [spec.name for spec in fields(kind)]  # type: ignore[arg-type]
    for name in values:
        if name not in names:
            raise OptionError(f"There is no option {name!r}{suggestion(name, names)}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
