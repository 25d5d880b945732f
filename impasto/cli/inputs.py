"""What a recipe was made from: where that is now, and whether it still is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from impasto.cli.info import short
from impasto.digests import of_file
from impasto.errors import ImpastoError, PictureError, RecipeError
from impasto.recipe import Input, Recipe
from impasto.styles import gallery

__all__ = ["ROLES", "change", "depth", "find"]

ROLES = ("content", "style", "init")


def find(recipe: Recipe, role: str, moved: str | None, beside: Path) -> str:
    """Where an input is: as told, as it was given, beside the picture, or in the gallery.

    Of several candidates the one with the recorded digest is taken, else the first.

    Returns:
        Its name; empty if there was none to start from.

    Raises:
        RecipeError: it is at none of these places.
    """
    given = recipe.input(role)
    if moved is not None:
        return moved
    if given is None and role == "init":
        return ""
    if given is None:
        raise RecipeError(f"The recipe names no {role}. Say which it was with --{role} FILE.")
    places = _places(given, beside)
    if not places:
        where = (
            f"{given.name!r} is neither here nor beside the picture"
            if given.name
            else "it was no file"
        )
        raise RecipeError(
            f"The {role} of the recipe is missing: {where}. Say where it is now with --{role} FILE."
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
    if given.role == "style" and given.name in gallery.names():
        places.append(gallery.path(given.name))
    return places


def _digest(place: Path) -> str | None:
    try:
        return of_file(place, PictureError)
    except PictureError:
        return None  # whoever reads it will say why


def change(role: str, then: Input | None, now: Input | None) -> str | None:
    """How an input differs from the one in the recipe; None if it does not."""
    if then is None or now is None:
        return None if then is now else f"the recipe has no {role}"
    digest = now.digest if then.name else _digest_of_pixels(now)
    if then.digest == digest:
        return None
    return f"the {role} {now.name!r} has changed: {short(digest)} now, {short(then.digest)} then"


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
