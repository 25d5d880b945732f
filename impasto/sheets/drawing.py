"""What every sheet is drawn with: its colours, its fonts, and text that fits a width."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import cast

from PIL import Image, ImageFont

from impasto.files import atomic
from impasto.sheets.plots import matplotlib

__all__ = ["INK", "PAPER", "QUIET", "Font", "blank", "dejavu", "fit_into", "font", "jpeg", "wrap"]

PAPER, INK, QUIET = "#faf8f4", "#221f1a", "#6d665b"
_QUALITY = 90

Font = ImageFont.FreeTypeFont


@functools.cache
def font(size: int) -> Font:
    """Return the font that comes with Pillow, in Latin script only."""
    return cast(Font, ImageFont.load_default(size))


@functools.cache
def dejavu(size: int, *, bold: bool = False) -> Font:
    """Return DejaVu Sans, which has α and β, as it comes with matplotlib.

    Raises:
        OptionError: matplotlib is not installed.
    """
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    data = Path(matplotlib().get_data_path())
    return ImageFont.truetype(str(data / "fonts" / "ttf" / name), size)


def blank(width: int, height: int, colour: str = PAPER) -> Image.Image:
    """Return an empty sheet."""
    return Image.new("RGB", (width, height), colour)


def fit_into(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Return the picture as large as a box allows, in its own proportions."""
    factor = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    if size == picture.size:
        return picture.convert("RGB")
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def wrap(text: str, face: Font, width: int, most: int = 2) -> list[str]:
    """Break text into at most `most` lines of a width in pixels; a cut line ends in an ellipsis.

    A character that cannot be printed becomes �.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and face.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [_cut(line, face, width) for line in lines]


def _cut(line: str, face: Font, width: int) -> str:
    line = "".join(letter if letter.isprintable() else "�" for letter in line)
    if face.getlength(line) <= width:
        return line
    while line and face.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"


def jpeg(sheet: Image.Image, target: Path) -> None:
    """Write a sheet as a JPEG; a file of that name is replaced.

    Raises:
        PictureError: it cannot be written.
    """
    data = io.BytesIO()
    sheet.save(data, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    atomic.replace(target, data.getvalue(), force=True)
