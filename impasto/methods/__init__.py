"""The methods: functions that take pictures as tensors and a frozen config, and yield `Step`s.

Each lives in a private module, so that `impasto.methods.gatys` is the function itself. They are
imported when first asked for: the configs beside them need no PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from impasto.methods.configs import (
    DoodleConfig,
    FastConfig,
    GatysConfig,
    InstantConfig,
    LaplacianConfig,
    MrfConfig,
    NnstConfig,
    RefineConfig,
    TextureConfig,
)

if TYPE_CHECKING:
    from impasto.methods._doodle import doodle
    from impasto.methods._fast import fast
    from impasto.methods._gatys import gatys
    from impasto.methods._instant import instant
    from impasto.methods._laplacian import laplacian
    from impasto.methods._matching import mrf, nnst
    from impasto.methods._refine import refine
    from impasto.methods._texture import texture
    from impasto.methods.scene import Region
    from impasto.methods.solver import Step

__all__ = [
    "DoodleConfig",
    "FastConfig",
    "GatysConfig",
    "InstantConfig",
    "LaplacianConfig",
    "MrfConfig",
    "NnstConfig",
    "RefineConfig",
    "Region",
    "Step",
    "TextureConfig",
    "doodle",
    "fast",
    "gatys",
    "instant",
    "laplacian",
    "mrf",
    "nnst",
    "refine",
    "texture",
]

_HOMES = {
    "doodle": "_doodle",
    "fast": "_fast",
    "gatys": "_gatys",
    "instant": "_instant",
    "laplacian": "_laplacian",
    "mrf": "_matching",
    "nnst": "_matching",
    "refine": "_refine",
    "texture": "_texture",
    "Step": "solver",
    "Region": "scene",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
