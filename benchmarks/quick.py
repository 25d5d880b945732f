"""How long `--method quick` takes, as a multiple of `instant` and of the classic recipe.

    python benchmarks/quick.py --content photo.jpg --style painting.jpg --out benchmarks/results

Paints the photograph by `instant` and by `quick`, its pixels and the networks loaded already, and
times one evaluation of the classic recipe (benchmarks/classic.py) at the same size, all in turns in
one run. Writes `quick.json`, with the ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from classic import load, time_iterations
from stylize import ROOT, machine
from torch import Tensor

from impasto.config.methods import InstantConfig, QuickConfig
from impasto.engine.setup import backbone_of, scales_of
from impasto.engine.step import last
from impasto.errors import ImpastoError
from impasto.features.extractor import Extractor
from impasto.files import atomic
from impasto.image.picture import resize
from impasto.image.reading import read
from impasto.methods.instant import instant
from impasto.methods.quick import quick
from impasto.styles.statistics import Painting

# Width and height.
SIZES = ((512, 384), (1920, 1080))

# Pixels of the largest picture that the classic recipe is timed with: its memory grows with it.
MOST = 2**20


def measure(
    photo: Path, painting: Path, width: int, height: int, extractor: Extractor, repeats: int
) -> dict[str, Any]:
    """Return median seconds of one size, and their ratios."""
    content = resize(read(photo).pixels, height, width)
    style = Painting(read(painting).pixels)
    config = QuickConfig(size=max(width, height))
    painters: dict[str, Callable[[], Any]] = {
        "instant": lambda: last(
            instant(content, style, InstantConfig(size=config.size), extractor=extractor)
        ).image(),
        "quick": lambda: last(quick(content, style, config, extractor=extractor)).image(),
    }
    if width * height <= MOST:
        painters["classic_evaluation"] = lambda: _classic(photo, painting, width, height)
    times: dict[str, list[float]] = {name: [] for name in painters}
    for turn in range(repeats + 1):
        for name, paint in painters.items():
            seconds = _seconds(paint)
            if turn:  # the first warms up
                times[name].append(seconds)
    median = {name: statistics.median(each) for name, each in times.items()}
    sizes, counts = scales_of(config, height, width)
    row = {
        "width": width,
        "height": height,
        "evaluations": {str(max(size)): n for size, n in zip(sizes, counts, strict=True)},
        **{f"{name}_seconds": round(seconds, 3) for name, seconds in median.items()},
        "quick_over_instant": round(median["quick"] / median["instant"], 2),
    }
    if "classic_evaluation" in median:
        row["quick_over_classic_evaluation"] = round(
            median["quick"] / median["classic_evaluation"], 2
        )
    return row


def _seconds(paint: Callable[[], Any]) -> float:
    """Return the seconds that it takes, or those that it returns."""
    began = time.perf_counter()
    result = paint()
    return result if not isinstance(result, Tensor) else time.perf_counter() - began


def _classic(photo: Path, painting: Path, width: int, height: int) -> float:
    """Return the seconds of one evaluation."""
    return time_iterations(load(photo, width, height), load(painting, width, height), 1, 1)[0]


def main() -> None:
    """Read the command line, measure, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--content", type=Path, required=True)
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    figures = options.out / "quick.json"
    try:
        atomic.check_target(figures, force=True)
        extractor = backbone_of(QuickConfig())
        rows = []
        for width, height in SIZES:
            pair = options.content, options.style
            rows.append(measure(*pair, width, height, extractor, options.repeats))
            print(rows[-1], flush=True)
        report = {"sizes": rows, "machine": machine()}
        atomic.replace(figures, (json.dumps(report, indent=2) + "\n").encode(), force=True)
    except ImpastoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
