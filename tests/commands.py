"""What the tests of the command share: a quick painting, and what came of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from impasto.cli.main import main
from impasto.image.files import read_recipe
from impasto.recipe import Recipe

__all__ = ["QUICK", "paint", "pixels", "recipe_of"]

QUICK = ["--size", "64", "--smallest", "32", "--iterations", "4"]


def paint(*args: str, out: str = "out.png") -> int:
    return main(["stylize", "photo.png", "--style", "painting.png", "-o", out, *QUICK, *args])


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def recipe_of(path: str) -> Recipe:
    text = read_recipe(Path(path))
    assert text is not None
    return Recipe.from_json(text)
