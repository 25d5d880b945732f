"""The library that comes with Impasto: the gallery's swatches, and scikit-image's photographs."""

from __future__ import annotations

import functools
from importlib.util import find_spec
from pathlib import Path

from impasto.sketch.index import Entry, Index, in_memory
from impasto.sketch.signature import sign_file
from impasto.styles import gallery

__all__ = ["builtin"]

# Of the pictures that every installation of scikit-image has: photographs in colour.
_PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")


@functools.cache
def builtin() -> Index:
    """Return the index of the built-in library; it is made once in a process, in half a second.

    Raises:
        OptionError: the libraries of sketches are not installed.
    """
    files = [*(gallery.path(name) for name in gallery.names()), *_photographs()]
    rows = [(Entry(str(file), 0, 0), sign_file(file)) for file in files]
    return in_memory(Path(), rows)


def _photographs() -> list[Path]:
    spec = find_spec("skimage")
    folders = [] if spec is None else [Path(p) for p in spec.submodule_search_locations or ()]
    files = [folder / "data" / name for folder in folders for name in _PHOTOGRAPHS]
    return [file for file in files if file.is_file()]
