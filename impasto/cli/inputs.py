"""What a recipe was made from: where that is now."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath
from typing import Literal

from impasto.config.recipe import ROLES, Input, Recipe
from impasto.config.specs import RegionSpec
from impasto.errors import PictureError, RecipeError
from impasto.files.digests import of_file
from impasto.styles import gallery

__all__ = ["Moved", "depth", "find", "found_in"]

# By role, where its inputs are now, in their order; a region's by its colour and `=`.
Moved = dict[str, list[str]]

_SLASHES = ("/", "\\")  # two of them begin Windows' name of another computer


def found_in(recipe: Recipe, moved: Moved, beside: Path) -> dict[str, list[str]]:
    """Where every input of a recipe is now, by role, in the recipe's order.

    Raises:
        RecipeError: one is nowhere, or more were named than the recipe has.
    """
    for role, named in moved.items():
        if role != "region" and len(named) > len(recipe.of(role)):
            raise RecipeError(
                f"The recipe has {len(recipe.of(role))} of --{role}, and {len(named)} were given."
            )
    colours = {given.use for given in recipe.of("region")}
    for colour in _by_colour(moved.get("region", [])):
        if colour not in colours:
            raise RecipeError(f"The recipe has no region {colour} with a style of its own.")
    return {
        role: [
            find(given, _named(given, i, moved.get(role, [])), beside)
            for i, given in enumerate(recipe.of(role))
        ]
        for role in ROLES
    }


def _named(given: Input, index: int, moved: list[str]) -> str | None:
    if given.role != "region":
        return moved[index] if index < len(moved) else None
    return _by_colour(moved).get(given.use)


def _by_colour(moved: list[str]) -> dict[str, str]:
    return {choice.colour: choice.style for choice in map(RegionSpec.parse, moved)}


def find(given: Input, moved: str | None, beside: Path) -> str:
    """Where an input is: as told, as it was given, beside the picture, or in the gallery.

    Of several candidates the one with the recorded digest is taken, else the first.

    Raises:
        RecipeError: it is at none of these places.
    """
    if moved is not None:
        return moved
    places = _places(given, beside)
    flag = f"--region '{given.use}=FILE'" if given.role == "region" else f"--{given.role} FILE"
    if not places:
        where = (
            f"{given.name!r} is neither here nor beside the picture"
            if given.name
            else "it was no file"
        )
        raise RecipeError(
            f"The {given.role} of the recipe is missing: {where}. Say where it is now with {flag}."
        )
    found = next((place for place in places if _digest(place) == given.digest), places[0])
    # A built-in style keeps its name, unless a file here has the same.
    is_built_in = found.parent == gallery.FOLDER and not _is_file(Path(given.name))
    return given.name if is_built_in else str(found)


def _places(given: Input, beside: Path) -> list[Path]:
    if not given.name:
        return []
    # A recipe may be a stranger's: to look at its network path would sign in at its computer.
    if all(letter in _SLASHES for letter in f"{given.name:-<2}"[:2]):
        candidates = [beside / PureWindowsPath(given.name).name]
    else:
        file = Path(given.name)
        candidates = [file, beside / file, beside / file.name]
    places = [place for place in candidates if _is_file(place)]
    if given.role in ("style", "region") and given.name in gallery.names():
        places.append(gallery.path(given.name))
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


def depth(picture: Path) -> Literal[8, 16]:
    """The bits of each channel in a file: 16 in a deep PNG or TIFF, 8 in everything else."""
    with picture.open("rb") as file:
        head = file.read(25)
    if head.startswith(b"\x89PNG"):
        return 16 if head[24] == 16 else 8
    if head[:4] not in (b"II*\0", b"MM\0*"):
        return 8
    from PIL.TiffImagePlugin import TiffImageFile

    from impasto.image.reading import opened

    with opened(picture) as image:
        bits = image.tag_v2.get(258, (8,)) if isinstance(image, TiffImageFile) else (8,)
    return 16 if max(bits) == 16 else 8
