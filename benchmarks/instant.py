"""How fast `--method instant` is, and how near it comes to the optimiser.

    python benchmarks/instant.py --out benchmarks/results
    python benchmarks/instant.py --contents DIR --styles DIR --weights FILE --out benchmarks/results

The first gives seconds a picture by size, the style encoded already, in one process. The second
paints every pair of a photograph and a painting by both methods and judges them, with a copy of
either parent beside, through a backbone of other weights than `compact`'s own, if a file names
them. Writes `instant.json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from stylize import ROOT, machine

import impasto
from impasto.errors import ImpastoError
from impasto.evaluation.metrics import evaluate
from impasto.image import atomic
from impasto.runtime import generator, keep_freed_memory, peak_memory

# Width and height.
SIZES = ((512, 512), (1024, 1024), (1280, 720), (1920, 1080), (2048, 2048), (2880, 2880))
FAR = ((3840, 2160), (7680, 4320))


def speed(repeats: int) -> list[dict[str, Any]]:
    """Seconds of each size, the median of several, once the process is warm."""
    rows = []
    for width, height in (*SIZES, *FAR):
        paint = impasto.instant("starry-night", size=max(width, height))
        pictures = torch.rand(1, 3, height, width, generator=generator(0))
        paint(pictures)
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            paint(pictures)
            times.append(time.perf_counter() - began)
        seconds = statistics.median(times)
        megapixels = width * height / 1e6
        row = {
            "width": width,
            "height": height,
            "seconds": round(seconds, 4),
            "seconds_a_megapixel": round(seconds / megapixels, 4),
            "peak_megabytes": round(peak_memory() / 1e6),
        }
        print(row, flush=True)
        rows.append(row)
    return rows


def quality(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every pair's figures, by both methods."""
    rows = []
    for content in sorted(options.contents.glob("*.jpg")):
        for style in sorted(options.styles.glob("*.jpg")):
            row: dict[str, Any] = {"content": content.stem, "style": style.stem}
            for method in ("gatys", "instant"):
                began = time.perf_counter()
                made = impasto.stylize(content, style, method, size=options.size)
                row[f"{method}_seconds"] = round(time.perf_counter() - began, 3)
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    made.save(options.keep / f"{content.stem}-{style.stem}-{method}.png")
                found = evaluate(made.convert("RGB"), content, style, weights=options.weights)
                for each in found:
                    name = method if each.name == "result" else each.name
                    row[name] = {
                        "content": round(each.content, 4),
                        "style": round(each.style, 4),
                        "ssim": round(each.ssim, 4),
                    }
            print(row, flush=True)
            rows.append(row)
    return rows


def main() -> None:
    """Read the command line, measure, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--contents", type=Path, help="a folder of photographs")
    parser.add_argument("--styles", type=Path, help="a folder of paintings")
    parser.add_argument("--weights", type=Path, help="of the judge, for compact's plan")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="a folder for the pictures")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    figures = options.out / "instant.json"
    keep_freed_memory()
    try:
        atomic.check_target(figures, force=True)
        known = json.loads(figures.read_text()) if figures.exists() else {}
        if options.contents and options.styles:
            known["quality"] = quality(options)
        else:
            known["speed"] = speed(options.repeats)
        report = {**known, "machine": machine()}
        atomic.replace(figures, (json.dumps(report, indent=2) + "\n").encode(), force=True)
    except ImpastoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
