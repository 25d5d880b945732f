"""Make the pictures that the README shows.

    python runs/pictures.py FOLDER

FOLDER holds the photographs named below. Each is painted with the defaults, in a built-in style; a
second sheet shows one of them at three sizes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageOps

import impasto

DOCS = Path(__file__).resolve().parents[1] / "docs"

PAIRS = [
    ("golden_gate.jpg", "starry-night"),
    ("goat.jpg", "great-wave"),
    ("tubingen.jpg", "the-scream"),
    ("chicago.jpg", "composition-vii"),
    ("hoovertowernight.jpg", "shipwreck"),
    ("park-4k.jpg", "wheat-field"),
    ("tubingen.jpg", "water-lilies"),
    ("golden_gate.jpg", "tahiti"),
    ("chicago.jpg", "composition"),
    ("hoovertowernight.jpg", "night-cafe"),
    ("goat.jpg", "houses"),
    ("park-4k.jpg", "olive-trees"),
]
SIZES = (256, 512, 1024)
CELL = (480, 320)


def sheet(pictures: list[Image.Image], columns: int, cell: tuple[int, int], path: Path) -> None:
    """Compose pictures side by side, each cut to the cell's shape a little above its middle."""
    gap, (width, height) = 6, cell
    rows = -(-len(pictures) // columns)
    size = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    composed = Image.new("RGB", size, "white")
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        cut = ImageOps.fit(picture, cell, Image.Resampling.LANCZOS, centering=(0.5, 0.3))
        composed.paste(cut, (column * (width + gap), row * (height + gap)))
    composed.save(path, quality=88, optimize=True)


def main(folder: Path) -> None:
    """Paint and compose."""
    painted = [impasto.stylize(folder / photo, style, size=640) for photo, style in PAIRS]
    sheet(painted, 4, CELL, DOCS / "contact-sheet.jpg")
    sizes = [impasto.stylize(folder / "tubingen.jpg", "starry-night", size=s) for s in SIZES]
    sheet(sizes, 3, (512, 384), DOCS / "sizes.jpg")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
