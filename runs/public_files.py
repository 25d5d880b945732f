"""Read folders of public test files, and print how each kind is read, refused or misread.

    python runs/public_files.py FOLDER... [--verbose]

Any folders do. The figures in the log are of the pictures in these repositories on GitHub, cloned
by whoever runs this: python-pillow/Pillow (Tests/images), tlnagy/exampletiffs,
image-rs/image-tiff, haraldk/TwelveMonkeys, cgohlke/imagecodecs, bigcat88/pillow_heif,
letmaik/rawpy. Nothing of them is here.

A TIFF is compared with the numbers that tifffile returns, scaled to [0, 1]; it counts as different
where the mean of the difference is more than 2 of 255. Grey, RGB and palettes without a colour
profile are compared, upright and without alpha.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from impasto.errors import PictureError  # noqa: E402
from impasto.image import reading  # noqa: E402
from impasto.image.formats import READ_SUFFIXES  # noqa: E402

_MOST_DIFFERENCE = 2 / 255
_TIFF = {".tif", ".tiff", ".btf"}
_OTHERS = {".psd", ".pdf", ".svg", ".eps", ".ico", ".hdr", ".exr", ".xcf", ".mp4", ".mov", ".btf"}


def main() -> int:
    """Read every file of the folders; return 1 if one is misread or crashes, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--verbose", action="store_true", help="a line for each file not read")
    options = parser.parse_args()
    logging.getLogger("impasto").setLevel(logging.ERROR)
    logging.getLogger("tifffile").disabled = True
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    refused: Counter[str] = Counter()
    slowest = (0.0, Path())
    for path in _files(options.folders):
        began = time.perf_counter()
        outcome, detail = _read(path)
        seconds = time.perf_counter() - began
        slowest = max(slowest, (seconds, path))
        outcomes[path.suffix.lower()][outcome] += 1
        if outcome == "refused":
            refused[detail] += 1
        if outcome not in ("read", "refused") or (options.verbose and outcome != "read"):
            print(f"{outcome:10}{path}: {detail}")
    _print(outcomes, refused)
    print(f"slowest: {slowest[0]:.2f} s, {slowest[1]}")
    return int(any(counts["differs"] + counts["crashes"] for counts in outcomes.values()))


def _files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix.lower() in READ_SUFFIXES | _OTHERS:
                yield path


def _read(path: Path) -> tuple[str, str]:
    """Return what becomes of a file: read, differs, refused or crashes; and why."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels = reading.read(path).pixels[0].permute(1, 2, 0).numpy()
    except PictureError as problem:
        return "refused", str(problem).replace(str(path), "FILE")
    except Exception as problem:
        return "crashes", repr(problem)
    if path.suffix.lower() not in _TIFF:
        return "read", ""
    reference = _reference(path)
    if reference is None:
        return "read", ""
    if reference.shape != pixels.shape:
        return "differs", f"{pixels.shape}, tifffile: {reference.shape}"
    difference = float(np.abs(reference - pixels).mean())
    return ("differs" if difference > _MOST_DIFFERENCE else "read"), f"by {255 * difference:.1f}"


def _reference(path: Path) -> np.ndarray | None:
    """Return RGB in [0, 1] by tifffile, or None for what is not simple enough to compare."""
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            values, table = page.asarray(), np.asarray(page.colormap)
            has_profile = bool(page.iccprofile)
    except Exception:
        return None
    kind = (int(page.photometric), page.tags.valueof(274, 1))
    if has_profile or kind[1] != 1 or kind[0] not in (0, 1, 2, 3) or page.subfiletype & 1:
        return None
    if page.planarconfig == 2 and page.samplesperpixel > 1:
        values = np.moveaxis(values, 0, -1)
    values = values if values.ndim == 3 else values[..., None]
    colours = values[..., : 3 if kind[0] == 2 else 1].astype(np.float64)
    if 1 in page.extrasamples or not np.isfinite(colours).all():
        return None
    if kind[0] == 3:
        painted: np.ndarray = table.T[colours[..., 0].astype(int)] / (
            65535 if table.max() > 255 else 255
        )
        return painted
    if values.dtype.kind == "f" or values.dtype.itemsize >= 4 or colours.min() < 0:
        low, high = colours.min(), colours.max()
        usual = (1, 255, 65535) if values.dtype.kind == "f" else (65535, _top(page))
        tops = [top for top in usual if high <= top] if low >= 0 else []
        colours = colours / tops[0] if tops else (colours - low) / ((high - low) or 1)
    else:
        colours /= _top(page)
    return np.broadcast_to(1 - colours if kind[0] == 0 else colours, (*colours.shape[:2], 3))


def _top(page: tifffile.TiffPage) -> int:
    bits = page.bitspersample
    assert page.dtype is not None
    size = bits if isinstance(bits, int) else 8 * page.dtype.itemsize
    return int(2 ** (size - (page.dtype.kind == "i")) - 1)


def _print(outcomes: dict[str, Counter[str]], refused: Counter[str]) -> None:
    names = ("read", "refused", "differs", "crashes")
    print(f"{'':8}" + "".join(f"{name:>9}" for name in names))
    for suffix in sorted(outcomes):
        print(f"{suffix:8}" + "".join(f"{outcomes[suffix][name]:9}" for name in names))
    total = {name: sum(counts[name] for counts in outcomes.values()) for name in names}
    print(f"{'all':8}" + "".join(f"{total[name]:9}" for name in names))
    for message, number in refused.most_common():
        print(f"{number:6}  {message}")


if __name__ == "__main__":
    sys.exit(main())
