"""The built-in style cards, by name. Does not need PyTorch."""

from __future__ import annotations

from pathlib import Path

from impasto.errors import StyleError, suggestion
from impasto.styles.about import SUFFIX, About, read_about

__all__ = ["FOLDER", "describe", "names", "path"]

FOLDER = Path(__file__).parent / "data"


def names() -> list[str]:
    """Return the names of the built-in styles, in alphabetical order."""
    return sorted(file.stem for file in FOLDER.glob(f"*{SUFFIX}"))


def path(name: str) -> Path:
    """Return the card of a built-in style.

    Raises:
        StyleError: the name is not in the gallery.
    """
    if name not in names():
        raise StyleError(
            f"There is no file and no built-in style {name!r}{suggestion(name, names())} "
            f"`impasto styles` shows them: {', '.join(names())}."
        )
    return FOLDER / f"{name}{SUFFIX}"


def describe() -> dict[str, About]:
    """Return the texts of each built-in card."""
    return {name: read_about(path(name)) for name in names()}
