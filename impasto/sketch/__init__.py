"""Sketches: read, matched with a picture, painted. Called, it colours one: `impasto.sketch(…)`.

The function that `import impasto` offers and this package have one name, and Python gives it to
the package once a module of it is loaded. So the package can be called, too.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__: list[str] = []


class _Callable(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return import_module("impasto.api").sketch(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
