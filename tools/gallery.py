"""Make the built-in style cards from a folder of public-domain paintings.

    python -m tools.gallery --pictures DIR [DIR …]

The package contains no paintings, only their statistics and a swatch made from those. All of the
artists died more than seventy years ago.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from impasto.errors import ImpastoError, PictureError
from impasto.image.picture import Picture
from impasto.image.reading import read
from impasto.image.writing import to_pil
from impasto.painting.cards import make_card
from impasto.styles import card, gallery

__all__ = ["GALLERY", "Work", "find", "painting_of"]


@dataclass(frozen=True)
class Work:
    """One painting: its picture, title, artist and year.

    Attributes:
        crop: left, top, right, bottom as shares of the picture, which may show more than the work.
    """

    file: str
    title: str
    artist: str
    year: str
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


GALLERY = {
    "starry-night": Work("starry-night.jpg", "The Starry Night", "Vincent van Gogh", "1889"),
    "wheat-field": Work(
        "vg_wheat_field.jpg", "Wheat Field with Cypresses", "Vincent van Gogh", "1889"
    ),
    "olive-trees": Work(
        "vg_olive.jpg", "Olive Trees", "Vincent van Gogh", "1889", (0.0, 0.0, 1.0, 0.93)
    ),
    "night-cafe": Work(
        "vg_la_cafe.jpg", "The Night Café", "Vincent van Gogh", "1888", (0.0, 0.0, 1.0, 0.93)
    ),
    "houses": Work(
        "vg_houses.jpg", "Thatched Cottages in the Sunshine", "Vincent van Gogh", "1890"
    ),
    "great-wave": Work(
        "great-wave.jpg", "The Great Wave off Kanagawa", "Katsushika Hokusai", "1831"
    ),
    "the-scream": Work("the-scream.jpg", "The Scream", "Edvard Munch", "1893"),
    "shipwreck": Work("shipwreck.jpg", "The Shipwreck of the Minotaur", "J. M. W. Turner", "1810"),
    "composition-vii": Work("composition-vii.jpg", "Composition VII", "Wassily Kandinsky", "1913"),
    "water-lilies": Work("water-lilies-1919-2.jpg", "Water Lilies", "Claude Monet", "1919"),
    "tahiti": Work("tahiti_guaguin.jpg", "Three Tahitian Women", "Paul Gauguin", "1896"),
    "composition": Work("mondrian.jpg", "Composition", "Piet Mondrian", "1913"),
    "red-chalk": Work(
        "woman_in_peasant_dress.jpg",
        "Woman in Peasant Dress",
        "unknown",
        "17th century",
        (0.07, 0.06, 0.93, 0.94),
    ),
    "etching": Work("seaport.jpg", "Seaport, etching", "unknown", "17th century"),
    "reservoir": Work("the_resevoir_at_poitiers.jpg", "The Reservoir at Poitiers", "unknown", ""),
}


def find(work: Work, folders: list[Path]) -> Path:
    """Return the work's picture in the first folder that has it.

    Raises:
        PictureError: none has it.
    """
    for folder in folders:
        if (folder / work.file).is_file():
            return folder / work.file
    raise PictureError(
        f"{work.file} ({work.title}) is not in {', '.join(map(str, folders))}. Give the folder "
        "that holds it too, or choose other cards with --only."
    )


def painting_of(work: Work, file: Path) -> Image.Image:
    """Cut the work out of its picture.

    Raises:
        PictureError: the file cannot be read.
    """
    painting = to_pil(Picture(read(file).pixels))
    left, top, right, bottom = work.crop
    width, height = painting.size
    box = (left * width, top * height, right * width, bottom * height)
    return painting.crop(tuple(round(edge) for edge in box))  # type: ignore[arg-type]


def _build(work: Work, file: Path, target: Path) -> None:
    style = make_card(
        painting_of(work, file),
        title=work.title,
        artist=work.artist,
        year=work.year,
        licence="public domain",
    )
    card.save(style, target, force=True)


def main() -> None:
    """Read the command line and make the cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, nargs="+", required=True, help="folders")
    parser.add_argument(
        "--only", nargs="+", default=list(GALLERY), choices=GALLERY, metavar="CARD", help="names"
    )
    options = parser.parse_args()
    try:
        files = {name: find(GALLERY[name], options.pictures) for name in options.only}
        gallery.FOLDER.mkdir(exist_ok=True)
        for name, file in files.items():
            _build(GALLERY[name], file, gallery.FOLDER / f"{name}.style")
    except ImpastoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
