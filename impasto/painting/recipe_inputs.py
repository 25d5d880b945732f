"""Where the files are now that a recipe was made from. Needs no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

from impasto.config.recipe import ROLES, Input, Recipe, short
from impasto.config.specs import RegionSpec
from impasto.errors import PictureError, RecipeError
from impasto.files.digests import of_file
from impasto.files.names import is_on_network
from impasto.networks.trained_metadata import split_source
from impasto.painting.sources import STANDARD_INPUT
from impasto.styles import gallery

__all__ = ["Moved", "Places", "change", "changed_files", "find", "locate"]

# By role, where its inputs are now, in their order; a region's by its colour and `=`.
Moved = Mapping[str, Sequence[Any]]

# By role, where each of a recipe's inputs is, in the recipe's order.
Places = Mapping[str, Sequence[Any]]


def locate(recipe: Recipe, moved: Moved, folder: Path) -> dict[str, list[Any]]:
    """Return where every input of a recipe is now, by role, in the recipe's order.

    Args:
        moved: what was named, or is in memory; the rest is searched for.
        folder: of the picture, which may have its inputs beside it.

    Raises:
        RecipeError: one is nowhere, or more were named than the recipe has.
    """
    for role, names in moved.items():
        if role != "region" and len(names) > len(recipe.of(role)):
            raise RecipeError(
                f"The recipe has {len(recipe.of(role))} of --{role}, and {len(names)} were given."
            )
    colours = {entry.use for entry in recipe.of("region")}
    for colour in _by_colour(moved.get("region", [])):
        if colour not in colours:
            raise RecipeError(f"The recipe has no region {colour} with a style of its own.")
    return {
        role: [
            find(entry, _named(entry, i, moved.get(role, [])), folder)
            for i, entry in enumerate(recipe.of(role))
        ]
        for role in ROLES
    }


def _named(entry: Input, index: int, moved: Sequence[Any]) -> Any:
    if entry.role != "region":
        return moved[index] if index < len(moved) else None
    return _by_colour(moved).get(entry.use)


def _by_colour(moved: Sequence[str]) -> dict[str, str]:
    return {choice.colour: choice.style for choice in map(RegionSpec.parse, moved)}


def find(entry: Input, moved: Any, folder: Path) -> Any:
    """Return where an input is: as named now, as recorded, in a folder, or in the gallery.

    Of several candidates the one with the recorded digest is taken, else the first.

    Raises:
        RecipeError: it is at none of these places.
    """
    if moved is not None:
        return moved
    places = _places(entry, folder)
    flag = f"--region '{entry.use}=FILE'" if entry.role == "region" else f"--{entry.role} FILE"
    if not places:
        where = f"{entry.name!r} is neither here nor beside the picture"
        if not entry.name:
            where = "it was no file"
        elif entry.name == STANDARD_INPUT:
            where = f"it came from {STANDARD_INPUT}"
        raise RecipeError(
            f"The {entry.role} of the recipe is missing: {where}. Say where it is now with {flag}."
        )
    path = next((place for place in places if _digest(place) == entry.digest), places[0])
    # A built-in style keeps its name, unless a file here has the same.
    is_built_in = path.parent == gallery.FOLDER and not _is_file(Path(entry.name))
    return entry.name if is_built_in else str(path)


def changed_files(recipe: Recipe, places: Places) -> list[str]:
    """Describe the files that are no longer as they were; pictures from memory are left out."""
    descriptions = []
    for role in ROLES:
        for entry, place in zip(recipe.of(role), places[role], strict=True):
            if entry.name:
                is_built_in = place == entry.name and not _is_file(Path(place))
                file = gallery.path(place) if is_built_in else Path(split_source(place)[0])
                descriptions.append(change(entry, place, of_file(file, PictureError)))
    return [description for description in descriptions if description]


def change(then: Input, name: str, digest: str) -> str:
    """Describe how an input differs from the recipe's; empty if it does not.

    Args:
        name, digest: as they are now.
    """
    if then.digest == digest:
        return ""
    return f"the {then.role} {name!r} has changed: {short(digest)} now, {short(then.digest)} then"


def _places(entry: Input, folder: Path) -> list[Path]:
    if not entry.name:
        return []
    if is_on_network(entry.name):
        candidates = [folder / PureWindowsPath(entry.name).name]
    else:
        file = Path(entry.name)
        candidates = [file, folder / file, folder / file.name]
    places = [place for place in candidates if _is_file(place)]
    if entry.role in ("style", "region") and entry.name in gallery.names():
        places.append(gallery.path(entry.name))
    return places


def _is_file(place: Path) -> bool:
    try:
        return place.is_file()
    except OSError:  # a name that is too long for any file, or where one may not look
        return False


def _digest(place: Path) -> str | None:
    try:
        return of_file(place, PictureError)
    except PictureError:
        return None  # whoever reads it will say why
