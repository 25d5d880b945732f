"""The pictures that were found for a drawing, as something to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from impasto.errors import OptionError
from impasto.files import atomic
from impasto.image.picture import Picture
from impasto.image.transparency import on_white
from impasto.image.writing import to_pil
from impasto.sheets.choice import choice_page, choice_sheet
from impasto.sheets.contact_sheet import Cell
from impasto.sheets.drawing import jpeg
from impasto.sketch.retrieval import Match
from impasto.sketch.signature import read_found
from impasto.styles.about import SUFFIX as CARD

__all__ = ["SUFFIXES", "check_choice", "name_of", "picked", "score_note", "write_choice"]

SUFFIXES = (".html", ".jpg")
"""The kinds of sheets: a page, and a picture."""

_SHORT = 480  # pixels of a picture's shorter side that are enough here


def check_choice(target: Path, *, force: bool = False) -> None:
    """Fail now if a sheet could not be written later.

    Raises:
        OptionError: the name is that of no page and no picture, or it cannot be written.
    """
    if target.suffix.lower() not in SUFFIXES:
        raise OptionError(
            f"{target} is no name for a sheet to choose from: it must end in "
            f"{' or '.join(SUFFIXES)}."
        )
    atomic.check_target(target, force=force, error=OptionError)


def write_choice(
    drawing: Path, matches: Sequence[Match], target: Path, command: str, *, force: bool = False
) -> None:
    """Write a numbered sheet of the pictures that were found, as a page or as a picture.

    Args:
        command: that takes one of them, without `--pick`.

    Raises:
        OptionError: it cannot be written.
        PictureError: the drawing, or one of the pictures, cannot be read.
    """
    check_choice(target, force=force)
    subject = Cell(_picture(drawing), drawing.name)
    cells = [Cell(_picture(match.path), name_of(match), score_note(match)) for match in matches]
    if target.suffix.lower() == ".html":
        page = choice_page(subject, cells, command).encode()
        atomic.replace(target, page, force=True, error=OptionError)
    else:
        jpeg(choice_sheet(subject, cells), target)


def picked(matches: Sequence[Match], number: int) -> Match:
    """Return the picture of a number, from 1.

    Raises:
        OptionError: there are fewer.
    """
    if not 1 <= number <= len(matches):
        raise OptionError(
            f"--pick {number} is not possible: {len(matches)} pictures were found. Give a number "
            f"from 1 to {len(matches)}."
        )
    return matches[number - 1]


def name_of(match: Match) -> str:
    """Return what a picture is called: its file's name, or that of a built-in style."""
    is_card = match.path.suffix.lower() == CARD
    return f"{match.path.stem} (a built-in style)" if is_card else match.path.name


def score_note(match: Match) -> str:
    """Return how well a picture fits, in words."""
    mirrored = ", mirrored" if match.mirrored else ""
    return f"{100 * match.score:.0f} % alike{mirrored}"


def _picture(path: Path) -> Image.Image:
    return to_pil(Picture(on_white(read_found(path, short=_SHORT))))
