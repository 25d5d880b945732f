"""Copy folders of pictures at a size that a training needs, to take them to another machine.

    python -m tools.pack --short 288 --out DIR FOLDER…

Each folder is packed to one of its name in DIR, as WebP; the total is printed. Pictures that are
smaller keep their size.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image

from impasto.errors import ImpastoError
from impasto.training.photographs import find_pictures
from impasto.training.pictures import load_bytes

__all__ = ["pack"]


def pack(folder: Path, target: Path, short: int, quality: int) -> int:
    """Pack a folder's pictures; return their bytes. Those that are there already stay.

    Args:
        short: most pixels of the shorter side.
        quality: of WebP, to 100.

    Raises:
        PictureError: a folder without pictures, or a picture that cannot be read.
    """
    target.mkdir(parents=True, exist_ok=True)
    total = 0
    for path in find_pictures(folder):
        packed = target / f"{path.stem}.webp"
        if not packed.exists():
            pixels = load_bytes(path, short).permute(1, 2, 0).contiguous().numpy()
            Image.fromarray(pixels).save(packed, quality=quality)
        total += packed.stat().st_size
    return total


def main() -> None:
    """Read the command line and pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--short", type=int, default=288, help="most pixels of the shorter side")
    parser.add_argument("--quality", type=int, default=85, help="of WebP, to 100")
    options = parser.parse_args()
    total = 0
    try:
        for folder in options.folders:
            size = pack(folder, options.out / folder.name, options.short, options.quality)
            print(f"{folder.name}: {size / 1e6:.1f} MB")
            total += size
    except ImpastoError as error:
        sys.exit(str(error))
    print(f"all: {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
