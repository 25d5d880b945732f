"""The recipe that a picture carries. Needs no PyTorch."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from impasto.config.recipe import Recipe
from impasto.errors import OptionError, RecipeError
from impasto.image.opening import recipe_in

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["recipe_of"]


def recipe_of(picture: str | os.PathLike[str] | Image.Image) -> Recipe:
    """Return the recipe that a picture carries.

    Args:
        picture: a file, or a Pillow image: what `impasto.stylize` has returned, or `Image.open`.

    Raises:
        PictureError: there is no such picture.
        RecipeError: it carries none, or not one of Impasto.
        OptionError: it is neither a file nor a Pillow image.
    """
    is_file = isinstance(picture, (str, os.PathLike))
    if not is_file and not hasattr(picture, "info"):
        raise OptionError(
            f"A picture with a recipe is given as {type(picture).__name__}. It may be a file's "
            "name or path, or a Pillow image."
        )
    text = recipe_in(picture)
    if text is None:
        raise RecipeError(
            f"There is no recipe in {picture if is_file else 'the picture'}: Impasto did not make "
            "it, or --no-recipe or another program left it out."
        )
    return Recipe.from_json(text)
