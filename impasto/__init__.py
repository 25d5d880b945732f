"""Impasto gives a photograph the look of a painting.

    import impasto

    picture = impasto.stylize("photo.jpg", style="starry-night", size=1024)
    picture.save("painting.png")

Importing it is light: a name's module, and PyTorch with it, is loaded when the name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.version import __version__

__all__ = [
    "Client",
    "DivergedError",
    "GatysConfig",
    "ImpastoError",
    "JobError",
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
    "film",
    "instant",
    "make_card",
    "methods",
    "quick",
    "read",
    "recipe_of",
    "rerun",
    "resume",
    "sketch",
    "stylize",
    "texture",
    "write",
]

if TYPE_CHECKING:
    import impasto.methods as methods
    from impasto.api import doodle, film, rerun, resume, sketch, stylize, texture
    from impasto.client.client import Client
    from impasto.config.methods import GatysConfig
    from impasto.config.recipe import Recipe
    from impasto.engine.step import Step
    from impasto.errors import (
        DivergedError,
        ImpastoError,
        JobError,
        OptionError,
        PictureError,
        RecipeError,
        StyleError,
        WeightsError,
    )
    from impasto.image.exchange import read, write
    from impasto.image.picture import Picture
    from impasto.painting.cards import make_card
    from impasto.painting.recipes import recipe_of
    from impasto.painting.stylizer import fast, instant, quick
    from impasto.styles.card import StyleCard
else:  # unseen by type checkers, so that to them a wrong name stays an error
    _HOMES = {
        "Client": "client.client",
        "DivergedError": "errors",
        "GatysConfig": "config.methods",
        "ImpastoError": "errors",
        "JobError": "errors",
        "OptionError": "errors",
        "Picture": "image.picture",
        "PictureError": "errors",
        "Recipe": "config.recipe",
        "RecipeError": "errors",
        "Step": "engine.step",
        "StyleCard": "styles.card",
        "StyleError": "errors",
        "WeightsError": "errors",
        "doodle": "api",
        "fast": "painting.stylizer",
        "film": "api",
        "instant": "painting.stylizer",
        "make_card": "painting.cards",
        "quick": "painting.stylizer",
        "read": "image.exchange",
        "recipe_of": "painting.recipes",
        "rerun": "api",
        "resume": "api",
        "sketch": "api",
        "stylize": "api",
        "texture": "api",
        "write": "image.exchange",
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
