"""Impasto gives a photograph the look of a painting.

    import impasto

    picture = impasto.stylize("photo.jpg", style="starry-night", size=1024)
    picture.save("painting.png")

Importing it is light: a name's module, and PyTorch with it, is loaded when the name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "DivergedError",
    "GatysConfig",
    "ImpastoError",
    "OptionError",
    "Picture",
    "PictureError",
    "Recipe",
    "RecipeError",
    "Step",
    "StyleCard",
    "StyleError",
    "WeightsError",
    "__version__",
    "doodle",
    "fast",
    "instant",
    "make_card",
    "methods",
    "read",
    "stylize",
    "texture",
    "write",
]

__version__ = "0.1.0"

if TYPE_CHECKING:
    from impasto import methods
    from impasto.errors import (
        DivergedError,
        ImpastoError,
        OptionError,
        PictureError,
        RecipeError,
        StyleError,
        WeightsError,
    )
    from impasto.image.files import Picture, read, write
    from impasto.methods.configs import GatysConfig
    from impasto.methods.solver import Step
    from impasto.painting import make_card, stylize
    from impasto.painting.doodle import doodle
    from impasto.painting.painter import fast, instant
    from impasto.painting.texture import texture
    from impasto.recipe import Recipe
    from impasto.styles.card import StyleCard
else:  # unseen by type checkers, so that to them a wrong name stays an error
    _HOMES = {
        "DivergedError": "errors",
        "GatysConfig": "methods.configs",
        "ImpastoError": "errors",
        "OptionError": "errors",
        "Picture": "image.files",
        "PictureError": "errors",
        "Recipe": "recipe",
        "RecipeError": "errors",
        "Step": "methods.solver",
        "StyleCard": "styles.card",
        "StyleError": "errors",
        "WeightsError": "errors",
        "doodle": "painting.doodle",
        "fast": "painting.painter",
        "instant": "painting.painter",
        "make_card": "painting",
        "read": "image.files",
        "stylize": "painting",
        "texture": "painting.texture",
        "write": "image.files",
    }

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name == "methods":
            return import_module("impasto.methods")
        if name not in _HOMES:
            raise AttributeError(f"module 'impasto' has no attribute {name!r}")
        value = getattr(import_module(f"impasto.{_HOMES[name]}"), name)
        globals()[name] = value  # the next use finds it without coming here
        return value

    def __dir__() -> list[str]:
        return sorted(__all__)
