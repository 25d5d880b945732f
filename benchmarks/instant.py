"""How fast `--method instant` is, and how near it comes to the optimiser.

    python benchmarks/instant.py --out benchmarks/results
    python benchmarks/instant.py --contents DIR --styles DIR --weights FILE --out benchmarks/results

The first gives seconds a picture by size, the style encoded already, and those of the network of
Johnson et al. (benchmarks/johnson.py) in the same number type; the peak of memory is that of a
process that paints only one size, twice. The second paints every pair of a photograph and a
painting by both methods and measures them, and a copy of either, with `compact` or with the weights
in a file. Writes `instant.json`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from johnson import Johnson
from stylize import ROOT, machine
from torch import Tensor

import impasto
from impasto.errors import ImpastoError
from impasto.evaluation.metrics import evaluate
from impasto.files import atomic
from impasto.painting.stylizer import Painter
from impasto.runtime import generator, keep_freed_memory, peak_memory

# Width and height.
SIZES = ((512, 512), (1024, 1024), (1280, 720), (1920, 1080), (2048, 2048), (2880, 2880))
FAR = ((3840, 2160), (7680, 4320))

# Pixels of the largest picture that Johnson's network paints: its memory grows with the picture.
MOST = 2048 * 2048


def speed(repeats: int) -> list[dict[str, Any]]:
    """Return the seconds of each size, the median of several, once the process is warm."""
    rows = []
    for width, height in (*SIZES, *FAR):
        row: dict[str, Any] = {
            "width": width,
            "height": height,
            "peak_megabytes": _peak(width, height),
        }
        paint, pictures = _painter(width, height)
        painters: dict[str, Callable[[Tensor], Any]] = {"instant": paint}
        keep_freed_memory()  # of any size, as Johnson's network has no tiles and gains by it
        if width * height <= MOST:
            painters["johnson"] = _johnson(next(paint.extractor.parameters()).dtype)
        seconds = timed(painters, pictures, repeats)
        row["seconds"] = round(seconds["instant"], 4)
        row["seconds_a_megapixel"] = round(seconds["instant"] / (width * height / 1e6), 4)
        if "johnson" in seconds:
            row["johnson_seconds"] = round(seconds["johnson"], 4)
            row["times_as_fast"] = round(seconds["johnson"] / seconds["instant"], 2)
        print(row, flush=True)
        rows.append(row)
    return rows


def _painter(width: int, height: int) -> tuple[Painter, Tensor]:
    paint = impasto.instant("starry-night", size=max(width, height))
    return paint, torch.rand(1, 3, height, width, generator=generator(0))


def _peak(width: int, height: int) -> int:
    """Return the peak in megabytes, measured in a new process, as a peak never falls."""
    fresh = multiprocessing.get_context("spawn")  # a fork would start with this memory
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        return process.submit(_own_peak, width, height).result()


def _own_peak(width: int, height: int) -> int:
    paint, pictures = _painter(width, height)
    for _ in range(2):
        paint(pictures)
    return round(peak_memory() / 1e6)


def _johnson(precision: torch.dtype) -> Callable[[Tensor], Tensor]:
    network = Johnson.ready(precision)

    @torch.no_grad()
    def paint(pictures: Tensor) -> Tensor:
        inputs = pictures.to(precision).contiguous(memory_format=torch.channels_last)
        painted: Tensor = network(inputs)
        return painted.float().clamp(0, 1)

    return paint


def timed(
    painters: Mapping[str, Callable[[Tensor], Any]], pictures: Tensor, repeats: int
) -> dict[str, float]:
    """Return median seconds of each painter; in turns, so that other load affects all of them."""
    times: dict[str, list[float]] = {name: [] for name in painters}
    for turn in range(repeats + 1):
        for name, paint in painters.items():
            began = time.perf_counter()
            paint(pictures)
            if turn:  # the first warms up
                times[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) for name, each in times.items()}


def quality(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every pair, painted by both methods."""
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
                figures = evaluate(made.convert("RGB"), content, style, weights=options.weights)
                for each in figures:
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
    parser.add_argument("--weights", type=Path, help="for `compact`, to measure with")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="a folder for the pictures")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    figures = options.out / "instant.json"
    try:
        atomic.check_target(figures, force=True)
        stored = json.loads(figures.read_text()) if figures.exists() else {}
        if options.contents and options.styles:
            stored["quality"] = quality(options)
        else:
            stored["speed"] = speed(options.repeats)
        report = {**stored, "machine": machine()}
        atomic.replace(figures, (json.dumps(report, indent=2) + "\n").encode(), force=True)
    except ImpastoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
