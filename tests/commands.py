"""What the tests of the command share: a quick painting, and what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from impasto.cli.main import main
from impasto.config.recipe import Recipe
from impasto.image.opening import read_recipe

__all__ = ["QUICK", "ROOT", "paint", "pixels", "process", "recipe_of"]

ROOT = Path(__file__).resolve().parents[1]

QUICK = ["--size", "64", "--smallest", "32", "--iterations", "4"]


def paint(*args: str, out: str = "out.png") -> int:
    return main(["stylize", "photo.png", "--style", "painting.png", "-o", out, *QUICK, *args])


def process(*args: str, **options: Any) -> subprocess.CompletedProcess[Any]:
    """The command in a process of its own, where what it prints waits in a buffer as usual."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    env.pop("PYTHONUNBUFFERED", None)
    env |= options.pop("env", {})
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    command = [sys.executable, "-m", "impasto", *args]
    return subprocess.run(command, env=env, check=False, **{"text": True, **streams})


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def recipe_of(path: str) -> Recipe:
    text = read_recipe(Path(path))
    assert text is not None
    return Recipe.from_json(text)
