"""What a recipe was made from: where that is now, and whether it still is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from impasto.cli.info import short
from impasto.digests import of_file
from impasto.errors import ImpastoError, PictureError, RecipeError
from impasto.methods.choices import RegionChoice
from impasto.recipe import Input, Recipe
from impasto.styles import gallery

__all__ = ["ROLES", "Moved", "change", "depth", "find", "found_in"]

ROLES = ("content", "style", "content-map", "style-map", "init", "region")

# By role, where its inputs are now, in their order; a region's by its colour and `=`.
Moved = dict[str, list[str]]


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
    return {choice.colour: choice.style for choice in map(RegionChoice.parse, moved)}


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
    is_built_in = found.parent == gallery.FOLDER and not Path(given.name).exists()
    return given.name if is_built_in else str(found)


def _places(given: Input, beside: Path) -> list[Path]:
    if not given.name:
        return []
    file = Path(given.name)
    places = [place for place in (file, beside / file, beside / file.name) if place.is_file()]
    if given.role in ("style", "region") and given.name in gallery.names():
        places.append(gallery.path(given.name))
    return places


def _digest(place: Path) -> str | None:
    try:
        return of_file(place, PictureError)
    except PictureError:
        return None  # whoever reads it will say why


def change(then: Input, now: Input) -> str | None:
    """How an input differs from the one in the recipe; None if it does not."""
    digest = now.digest if then.name else _digest_of_pixels(now)
    if then.digest == digest:
        return None
    told = f"{short(digest)} now, {short(then.digest)} then"
    return f"the {now.role} {now.name!r} has changed: {told}"


def _digest_of_pixels(now: Input) -> str:
    """What would be recorded of the picture in a file, had it come from memory."""
    from impasto.image.files import read
    from impasto.painting import digest_of

    try:
        return digest_of(read(now.name))
    except ImpastoError:  # a style card, or the name of one: no picture, so not that picture
        return now.digest


def depth(picture: Path) -> Literal[8, 16]:
    """The bits of each channel in a file: 16 in a deep PNG or TIFF, 8 in everything else."""
    with picture.open("rb") as file:
        head = file.read(25)
    if head.startswith(b"\x89PNG"):
        return 16 if head[24] == 16 else 8
    if head[:4] not in (b"II*\0", b"MM\0*"):
        return 8
    from PIL.TiffImagePlugin import TiffImageFile

    # Not Image.open, which refuses what is large before anything asks for its pixels.
    with TiffImageFile(picture) as image:
        return 16 if max(image.tag_v2.get(258, (8,))) == 16 else 8
