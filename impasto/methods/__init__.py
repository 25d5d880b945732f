"""The methods: functions that take pictures as tensors and a frozen config, and yield `Step`s.

Each lives in a private module, so that `impasto.methods.gatys` is the function itself. They are
imported when first asked for: the configs beside them need no PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from impasto.methods.configs import GatysConfig

if TYPE_CHECKING:
    from impasto.methods._gatys import gatys
    from impasto.methods._texture import texture
    from impasto.methods.solver import Step

__all__ = ["GatysConfig", "Step", "gatys", "texture"]

_HOMES = {"gatys": "_gatys", "texture": "_texture", "Step": "solver"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
