"""How near trained styles come to the optimiser, and the network that paints in any style.

    python benchmarks/fast.py --styles FILE.impasto --paintings DIR --contents DIR --out DIR

Paints every photograph in every style of the file by `--method gatys`, `instant` and `fast`, at
strength 0.5, and measures each by the loss that all of them lower. A style's painting is the file
of its name in DIR. Writes `fast.json`, with each method's loss over the optimiser's.
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
from impasto.features import weights
from impasto.files import atomic
from impasto.image.picture import resize
from impasto.image.reading import read
from impasto.networks import trained
from impasto.networks.instant import STYLE_LAYERS
from impasto.runtime import keep_freed_memory
from impasto.styles.statistics import Painting
from impasto.training.painting_loss import PaintingLoss
from impasto.training.photographs import find_pictures
from impasto.training.styles import StylePool

METHODS = ("gatys", "instant", "fast")


class Meter:
    """Measures pictures by the loss of `--method gatys`, whatever painted them."""

    def __init__(self, size: int) -> None:
        self.size, self.extractor = size, weights.load("compact")
        self.painting_loss = PaintingLoss(self.extractor)

    @torch.no_grad()
    def measure(self, made: Any, content: Path, painting: Path) -> dict[str, float]:
        """Return content, style and loss of a picture at strength 0.5."""
        pixels = read(made).pixels
        photograph = resize(read(content).pixels, *pixels.shape[-2:])
        moments = Painting(read(painting).pixels).at(self.size, self.extractor, list(STYLE_LAYERS))
        styles = StylePool.of_moments(moments, self.extractor)
        features = self.painting_loss.features(photograph)
        parts = self.painting_loss.parts(pixels, features, styles)
        figures = {
            "content": parts.content,
            "style": parts.style,
            "loss": parts.total(torch.tensor([0.5])),
        }
        return {name: round(float(value), 4) for name, value in figures.items()}


def rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Paint every photograph in every style by every method."""
    meter, measured = Meter(options.size), []
    paintings = {path.stem: path for path in find_pictures(options.paintings)}
    for entry in trained.load(options.styles).metadata.entries:
        painting = paintings[entry.name]
        for content in find_pictures(options.contents):
            row: dict[str, Any] = {"content": content.stem, "style": entry.name}
            for method in METHODS:
                style = f"{options.styles}#{entry.name}" if method == "fast" else str(painting)
                began = time.perf_counter()
                made = impasto.stylize(content, style, method, size=options.size)
                seconds = round(time.perf_counter() - began, 3)
                row[method] = {**meter.measure(made, content, painting), "seconds": seconds}
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    made.save(options.keep / f"{content.stem}-{entry.name}-{method}.png")
            print(row, flush=True)
            measured.append(row)
    return measured


def over_the_optimiser(measured: list[dict[str, Any]], method: str) -> float:
    """Return a method's loss over the optimiser's, the median of all pairs."""
    each = [row[method]["loss"] / row["gatys"]["loss"] for row in measured]
    return round(float(statistics.median(each)), 3)


def main() -> None:
    """Read the command line, measure, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--styles", type=Path, required=True, help="a file of trained styles")
    parser.add_argument("--paintings", type=Path, required=True, help="a folder of their paintings")
    parser.add_argument("--contents", type=Path, required=True, help="a folder of photographs")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--keep", type=Path, help="a folder for the pictures")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    try:
        measured = rows(options)
        medians = {name: over_the_optimiser(measured, name) for name in METHODS}
        report = {"loss_over_gatys": medians, "pairs": measured, "machine": machine()}
        target = options.out / "fast.json"
        atomic.replace(target, (json.dumps(report, indent=2) + "\n").encode(), force=True)
    except ImpastoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
