"""What controls cost: regions by the step, methods by the picture.

    python benchmarks/controls.py --out benchmarks/results

Steps with and without regions are timed in turns, in one process, and compared by their medians;
methods by the seconds of a complete run, with the network loaded already. The painting is a texture
of a built-in style, as large as the picture. Writes `controls.json`.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.config.methods import GatysConfig, MrfConfig, NnstConfig
from impasto.engine.regions import Region
from impasto.engine.step import Step, last
from impasto.errors import ImpastoError
from impasto.features.weights import load
from impasto.files import atomic
from impasto.image.labels import LabelMap
from impasto.image.masks import masks
from impasto.image.picture import fit
from impasto.image.reading import read
from impasto.methods.gatys import gatys
from impasto.methods.mrf import mrf
from impasto.methods.nnst import nnst
from impasto.methods.texture import texture
from impasto.runtime import pick_device, pick_precision
from impasto.styles import card, gallery
from impasto.styles.statistics import Painting

ROOT = Path(__file__).resolve().parents[1]


def five_regions(painting: Painting, height: int, width: int) -> list[Region]:
    """Divide a picture: a band on the left, two quarters below, a patch in the middle, the rest."""
    labels = torch.zeros(height, width, dtype=torch.long)
    labels[:, width // 3 :] = 1
    labels[height // 2 :, : width // 2] = 2
    labels[height // 2 :, width // 2 :] = 3
    labels[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = 4
    colours = tuple(f"#00000{i}" for i in range(5))
    each = masks(LabelMap(labels, colours), height, width, feather=0.01 * max(height, width))
    return [Region(painting, 0.5, each[i : i + 1], colours[i]) for i in range(5)]


def seconds_of(steps: Iterator[Step]) -> list[float]:
    """Return how long each step took, without the first few, which warm up."""
    times, before = [], time.perf_counter()
    for _ in steps:
        now = time.perf_counter()
        times.append(now - before)
        before = now
    return times[5:]


def overhead(content: Tensor, painting: Painting, size: int, rounds: int) -> dict[str, float]:
    """Return the milliseconds of a step for one region and for five, and what they add."""
    config = GatysConfig(size=size, smallest=size, iterations=25)
    photograph = fit(content, size)
    single = [Region(painting, 0.5)]
    five = five_regions(painting, *photograph.shape[-2:])
    times: dict[str, list[float]] = {"whole": [], "five": []}
    extractor = load("compact", precision=pick_precision("auto", pick_device("cpu")))
    for _ in range(rounds):
        for name, regions in (("whole", single), ("five", five)):
            steps = gatys(photograph, None, config, regions=regions, extractor=extractor)
            times[name] += seconds_of(steps)
    one, many = (statistics.median(times[name]) * 1e3 for name in ("whole", "five"))
    return {
        "step_ms_whole": round(one, 2),
        "step_ms_five_regions": round(many, 2),
        "overhead": round(many / one - 1, 3),
    }


def picture_seconds(content: Tensor, painting: Painting, size: int) -> dict[str, float]:
    """Return the seconds of a complete run of each method."""
    extractor = load("compact", precision=pick_precision("auto", pick_device("cpu")))
    photograph, seconds = fit(content, size), {}
    runs: Sequence[tuple[str, Any, Any]] = (
        ("gatys", gatys, GatysConfig(size=size)),
        ("nnst", nnst, NnstConfig(size=size)),
        ("mrf", mrf, MrfConfig(size=size)),
    )
    for name, method, config in runs:
        began = time.perf_counter()
        last(method(photograph, painting, config, extractor=extractor))
        seconds[name] = round(time.perf_counter() - began, 1)
    return seconds


def painting_of(style: str, size: int) -> Painting:
    """Make a painting that may be published: a texture of a built-in style."""
    style_card = card.load(gallery.path(style))
    steps = texture(style_card, height=size * 3 // 4, width=size, view=size)
    return Painting(last(steps).image())


def main() -> None:
    """Read the command line, measure, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--content", type=Path, default=ROOT / "docs" / "demo.jpg")
    parser.add_argument("--style", default="starry-night", help="a built-in style")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=4, help="of the steps with and without")
    parser.add_argument("--out", type=Path, required=True, help="folder for the figures")
    options = parser.parse_args()
    try:
        content = read(options.content).pixels
        painting = painting_of(options.style, options.size)
    except ImpastoError as error:
        sys.exit(str(error))
    figures = {
        "machine": {"processor": platform.processor(), "threads": torch.get_num_threads()},
        "size": options.size,
        "regions": overhead(content, painting, options.size, options.rounds),
        "seconds": picture_seconds(content, painting, options.size),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(figures, indent=2) + "\n"
    atomic.replace(options.out / "controls.json", text.encode(), force=True, error=ImpastoError)
    print(text)


if __name__ == "__main__":
    main()
