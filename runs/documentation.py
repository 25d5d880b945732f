"""Make the pictures of docs/controls by running the commands that its pages show.

    python runs/documentation.py [--force] [PAGE…]

Every line of a page's shell blocks that starts with `impasto` is run as it is, in a folder with the
files of docs/, unless the same line has already made its picture; `--force` runs it in any case.
Then the page's strips are composed. A page declares a strip by a comment before the picture: its
height in pixels, its columns, and a line for each cell, with its caption:

    <!-- strip 240 3
    pictures/coffee.jpg | photograph
    strength-0.1.jpg | 0.1 | 0.2 0.2 0.6 0.6
    tile.jpg | 2×2 | repeat 2
    -->
    ![Coffee at several strengths](../pictures/strength.jpg)

The four numbers cut out a part: left, top, right, bottom, as shares of the picture's sides.
`repeat` shows it several times side by side.
"""

from __future__ import annotations

import argparse
import math
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from tools.drawings import draw  # noqa: E402

DOCS = ROOT / "docs"
PICTURES = DOCS / "pictures"
WORK = ROOT / "build" / "documentation"

PAGES = ("gallery", "strength", "stroke", "styles", "regions", "colour", "starts", "losses",
         "length", "methods", "texture", "doodle", "sketch", "laplacian", "study",
         "posters", "batch", "instant", "quick", "refine", "fast")  # fmt: skip

GAP, CAPTION = 6, 26
_BLOCK = re.compile(r"```sh\n(.*?)```", re.S)
_STRIP = re.compile(r"<!-- strip (\d+) (\d+)\n(.*?)-->\s*!\[[^\]]*\]\(([^)]+)\)", re.S)

Point = tuple[float, float]
Shape = tuple[str, list[Point]]


def page(name: str) -> Path:
    """Return the file of a page."""
    return DOCS / "gallery.md" if name == "gallery" else DOCS / "controls" / f"{name}.md"


def commands(text: str) -> list[str]:
    """Return the commands in a page's shell blocks, each as one line."""
    lines = [
        line
        for block in _BLOCK.findall(text)
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("impasto ")
    ]
    return [re.sub(r"\s+", " ", line) for line in lines]


def prepare_folder() -> None:
    """Make a folder with the files of docs/, for what the commands write."""
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "made").mkdir(exist_ok=True)
    for name in ("demo.jpg", "pictures"):
        if not (WORK / name).is_symlink():
            (WORK / name).symlink_to(DOCS / name)
    (WORK / "photos").mkdir(exist_ok=True)
    for name in ("cat.jpg", "coffee.jpg"):
        if not (WORK / "photos" / name).is_symlink():
            (WORK / "photos" / name).symlink_to(PICTURES / name)


def run(line: str, *, force: bool) -> None:
    """Run a command, unless the result of the same one is there."""
    words = shlex.split(line)[1:]
    out = words[words.index("-o") + 1] if "-o" in words else ""
    made = WORK / "made" / (re.sub(r"\W+", "-", out) + ".txt")
    same = not made.exists() or made.read_text("utf-8") == line
    if out and (WORK / out).exists() and same and not force:
        return
    print(line, flush=True)
    subprocess.run(
        [sys.executable, "-m", "impasto", *words, "--quiet", "--force"], cwd=WORK, check=True
    )
    if out:
        made.write_text(line, "utf-8")


def strips(text: str) -> None:
    """Compose a page's strips, and write them where the page refers to them."""
    for height, columns, body, target in _STRIP.findall(text):
        cells = [_cell(line, int(height)) for line in body.splitlines() if line.strip()]
        rows = [cells[i : i + int(columns)] for i in range(0, len(cells), int(columns))]
        width = max(sum(cell.width + GAP for cell in row) - GAP for row in rows)
        strip = Image.new("RGB", (width, len(rows) * (int(height) + CAPTION)), "white")
        for i, row in enumerate(rows):
            x = 0
            for cell in row:
                strip.paste(cell, (x, i * (int(height) + CAPTION)))
                x += cell.width + GAP
        _save(strip, PICTURES / Path(target).name)


def _save(picture: Image.Image, path: Path) -> None:
    """Write paintings as JPEG; drawings, which have few colours, as PNG."""
    if path.suffix == ".png":
        picture.quantize(32).save(path, optimize=True)
    else:
        picture.save(path, quality=70, optimize=True, progressive=True)


def _cell(line: str, height: int) -> Image.Image:
    """Draw one picture of a strip with its caption."""
    name, caption, *more = (part.strip() for part in line.split("|"))
    picture = Image.open(WORK / name).convert("RGB")
    for change in more:
        picture = _changed(picture, change.split())
    picture = picture.resize(
        (round(picture.width * height / picture.height), height), Image.Resampling.LANCZOS
    )
    cell = Image.new("RGB", (picture.width, height + CAPTION), "white")
    cell.paste(picture)
    font = ImageFont.load_default(15)
    middle = (picture.width / 2, height + CAPTION / 2 - 2)
    ImageDraw.Draw(cell).text(middle, caption, fill="black", font=font, anchor="mm")
    return cell


def _changed(picture: Image.Image, words: Sequence[str]) -> Image.Image:
    """Repeat a picture side by side, or cut out a part of it."""
    if words[0] == "repeat":
        times = int(words[1])
        repeated = Image.new("RGB", (picture.width * times, picture.height * times))
        for i in range(times * times):
            repeated.paste(picture, (i % times * picture.width, i // times * picture.height))
        return repeated
    left, top, right, bottom = map(float, words)
    box = (left * picture.width, top * picture.height,
           right * picture.width, bottom * picture.height)  # fmt: skip
    return picture.crop((round(box[0]), round(box[1]), round(box[2]), round(box[3])))


# --- The commands' inputs -------------------------------------------------------------------------

BLUE, RED, WHITE, YELLOW = "#0000ff", "#ff0000", "#ffffff", "#ffcc00"


def sources() -> None:
    """Write photographs from scikit-image's collection, and the maps."""
    PICTURES.mkdir(exist_ok=True)
    for name, source in {"cat": "chelsea", "coffee": "coffee", "gravel": "gravel"}.items():
        if not (PICTURES / f"{name}.jpg").exists():
            _photograph(source).save(PICTURES / f"{name}.jpg", quality=88, optimize=True)
    if not (PICTURES / "cat-grey.jpg").exists():
        grey = ImageOps.grayscale(_photograph("chelsea"))
        grey.save(PICTURES / "cat-grey.jpg", quality=88, optimize=True)
    for name in ("cat", "mug"):
        draw(name, 480).quantize(6).save(PICTURES / f"{name}-drawing.png", optimize=True)
    for name, (size, shapes) in _maps().items():
        _drawn(size, shapes).save(PICTURES / f"{name}-map.png", optimize=True)


def _photograph(name: str) -> Image.Image:
    from skimage import data

    picture = Image.fromarray(getattr(data, name)()).convert("RGB")
    side = 384 if name == "gravel" else 512
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def _drawn(size: tuple[int, int], shapes: Sequence[Shape]) -> Image.Image:
    """Draw a map: shapes on blue, without soft edges."""
    picture = Image.new("RGB", size, BLUE)
    for colour, points in shapes:
        ImageDraw.Draw(picture).polygon(points, fill=colour)
    return picture


def _oval(x: float, y: float, rx: float, ry: float, degrees: float = 0) -> list[Point]:
    """Return an ellipse around a point, turned clockwise."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    around = [(math.cos(t * math.pi / 40), math.sin(t * math.pi / 40)) for t in range(80)]
    return [(x + rx * u * cos - ry * v * sin, y + rx * u * sin + ry * v * cos) for u, v in around]


def _maps() -> dict[str, tuple[tuple[int, int], list[Shape]]]:
    """Return the maps by name: their size, and their shapes on blue."""
    saucer, rim = _oval(237, 194, 174, 135, 8), _oval(248, 99, 102, 83, 6)
    coffee = _oval(248, 128, 71, 38, 10)
    body: list[Point] = [
        (148, 94), (349, 107), (343, 141), (336, 171), (327, 196), (307, 212), (273, 220),
        (239, 224), (213, 218), (188, 205), (171, 183), (158, 158), (150, 119),
    ]  # fmt: skip
    spoon: list[Point] = [
        (340, 61), (346, 56), (362, 58), (363, 68), (356, 94), (346, 137), (335, 175), (328, 201),
        (340, 210), (346, 230), (341, 256), (324, 271), (307, 278), (292, 271), (281, 255),
        (278, 235), (286, 213), (303, 203), (317, 198), (329, 162), (340, 111), (343, 87),
    ]  # fmt: skip
    cat: list[Point] = [
        (0, 132), (14, 118), (30, 106), (33, 60), (38, 20), (44, 0), (395, 0), (388, 20),
        (382, 36), (372, 54), (362, 68), (357, 78), (360, 96), (366, 112), (364, 135), (356, 152),
        (346, 165), (336, 184), (332, 205), (331, 222), (322, 240), (312, 256), (300, 272),
        (290, 285), (288, 300), (0, 300),
    ]  # fmt: skip
    cup: list[Shape] = [(RED, part) for part in (saucer, spoon, body, rim)]
    two: list[Shape] = [
        (RED, _oval(150, 205, 135, 92)), (WHITE, _oval(150, 150, 78, 60)),
        (YELLOW, _oval(150, 162, 56, 34)),
        (RED, _oval(385, 130, 110, 78)), (WHITE, _oval(385, 85, 62, 48)),
        (YELLOW, _oval(385, 95, 45, 27)),
    ]  # fmt: skip
    return {
        "cat": ((451, 300), [(RED, cat)]),
        "cup": ((512, 341), cup),
        "saucer": ((512, 341), [*cup, (BLUE, spoon), (RED, body), (BLUE, rim)]),
        "cup-parts": ((512, 341), [*cup, (WHITE, rim), (YELLOW, coffee)]),
        "two-cups": ((512, 341), two),
    }


def main(words: Sequence[str] | None = None) -> None:
    """Run the pages' commands and make their pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"of {', '.join(PAGES)}")
    parser.add_argument("--force", action="store_true", help="run every command again")
    options = parser.parse_args(words)
    if unknown := set(options.pages) - set(PAGES):
        parser.error(f"there is no page {', '.join(sorted(unknown))}")
    sources()
    prepare_folder()
    for name in options.pages or PAGES:
        text = page(name).read_text("utf-8")
        for line in commands(text):
            run(line, force=options.force)
        strips(text)


if __name__ == "__main__":
    main()
