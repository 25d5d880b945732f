"""How many iterations `--method instant+refine` needs, compared with `--method gatys`.

    python benchmarks/refine.py --pair PHOTO PAINTING [--pair …] --out benchmarks/results

Paints each pair from the photograph and from what `instant` paints, by several schedules of half
octaves without the spectral guess, and records the loss at the last scale, which is the same
function for all of them: after each iteration, with the cost until then in iterations at the size
of the result and in seconds. From these follows how many iterations from either start are as good
as a run over several scales from the photograph. Writes `refine.json` after each pair, and
`refine.png`; pairs that `refine.json` already has are not painted again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylize import ROOT, machine
from torch import Tensor

from impasto.config.methods import GatysConfig, InstantConfig
from impasto.config.sizes import MOST
from impasto.engine.setup import backbone_of
from impasto.engine.snapshots import Execution
from impasto.engine.step import last
from impasto.errors import ImpastoError
from impasto.features.extractor import Extractor
from impasto.files import atomic
from impasto.image.picture import Picture, fit
from impasto.image.reading import read
from impasto.image.writing import write
from impasto.methods.gatys import gatys
from impasto.methods.instant import instant
from impasto.styles.statistics import Painting

# One row for each iteration at the last scale: iterations so far, their cost, seconds, the loss.
Rows = list[tuple[int, float, float, float]]


@dataclass(frozen=True)
class Schedule:
    """Where a run starts, its scales and its iterations.

    Attributes:
        scales: how many, the last at the size of the result; 0 for the usual number.
    """

    start: str
    scales: int
    iterations: int

    @property
    def name(self) -> str:
        """Its name in the report."""
        return f"{self.start}, {self.scales or 'all'} scales, {self.iterations}"

    def smallest(self, size: int) -> int:
        """Return the value of `--smallest`."""
        usual = 180
        return min(MOST, round(size / 2 ** ((self.scales - 1) / 2))) if self.scales else usual


SCHEDULES = (
    Schedule("photograph", 0, 50),
    Schedule("photograph", 0, 100),
    Schedule("photograph", 0, 200),
    Schedule("photograph", 1, 100),
    Schedule("instant", 1, 100),
    Schedule("instant", 2, 50),
    Schedule("instant", 2, 100),
    Schedule("instant", 0, 100),
)
USUAL = (SCHEDULES[1], SCHEDULES[2])  # that the others are compared with
ONE_SCALE = (SCHEDULES[3], SCHEDULES[4])  # where any row may be the last


def curve(
    pair: tuple[Tensor, Tensor],
    start: Tensor | None,
    plan: Schedule,
    size: int,
    extractor: Extractor,
) -> tuple[Rows, Tensor]:
    """Run a schedule; return its rows and its picture."""
    config = GatysConfig(
        size=size,
        smallest=plan.smallest(size),
        iterations=plan.iterations,
        scales="half-octaves",
        preconditioner="none",
    )
    content, style = pair
    rows: Rows = []
    cost, began = 0.0, time.perf_counter()
    # A step reports the loss of the picture it started from: one more reports that of the last.
    execution = Execution(extra=1)
    steps = gatys(
        content,
        Painting(style),
        config,
        extractor=extractor,
        start=start,
        execution=execution,
    )
    for done, step in enumerate(steps):
        if step.scale == step.scales:
            seconds = time.perf_counter() - began
            rows.append((done, round(cost, 2), round(seconds, 2), round(step.losses["total"], 4)))
        cost += (step.width * step.height) / (size * size * _flatness(content))
    return rows, step.image().cpu()


def _flatness(picture: Tensor) -> float:
    """Return the shorter side over the longer one."""
    return min(picture.shape[-2:]) / max(picture.shape[-2:])


def measure(photo: Path, painting: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return every schedule's rows for a pair."""
    extractor = backbone_of(GatysConfig())
    content, style = (fit(read(file).pixels, options.size) for file in (photo, painting))
    began = time.perf_counter()
    config = InstantConfig(size=options.size)
    start = last(instant(content, Painting(style), config, extractor=extractor)).image()
    row: dict[str, Any] = {"content": photo.stem, "style": painting.stem, "size": options.size}
    row["instant_seconds"] = round(time.perf_counter() - began, 2)
    keep(start.cpu(), row, "instant", options.keep)
    row["curves"] = {}
    for plan in SCHEDULES:
        image = start if plan.start == "instant" else None
        rows, picture = curve((content, style), image, plan, options.size, extractor)
        row["curves"][plan.name] = rows
        keep(picture, row, plan.name, options.keep)
        print(row["content"], row["style"], plan.name, rows[0], rows[-1], flush=True)
    row["as_good_as"] = {plan.name: as_good(row["curves"], plan) for plan in USUAL}
    return row


def as_good(curves: dict[str, Rows], plan: Schedule) -> dict[str, Any]:
    """Return how long it takes at one scale, from either start, to reach a usual run's loss."""
    iterations, cost, _, loss = curves[plan.name][-1]
    needed: dict[str, Any] = {"iterations": iterations, "cost": cost, "loss": loss}
    for other in ONE_SCALE:
        needed[other.start] = next((n for n, _, _, x in curves[other.name] if x <= loss), None)
    return needed


def keep(pixels: Tensor, row: dict[str, Any], name: str, folder: Path | None) -> None:
    """Write a picture, if there is a folder for it."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        file = f"{row['content']}-{row['style']}-{name.replace(', ', '-').replace(' ', '-')}.png"
        write(Picture(pixels), folder / file, force=True)


def plot(pairs: Sequence[dict[str, Any]], about: dict[str, Any], path: Path) -> None:
    """Plot the losses of each pair: above over iterations, below over their cost."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    width = 3.1 * max(2, len(pairs))
    figure, axes = plt.subplots(
        2, len(pairs), figsize=(width, 5.6), layout="constrained", squeeze=False, sharey="col"
    )
    for column, pair in enumerate(pairs):
        for plan in SCHEDULES:
            rows = pair["curves"][plan.name]
            for row in (0, 1):
                _draw(axes[row][column], plan, [r[row] for r in rows], [r[3] for r in rows])
        axes[0][column].set_title(f"{pair['content']}, {pair['style']}", fontsize=9)
        axes[0][column].set_xlabel("iterations", fontsize=8)
        axes[1][column].set_xlabel("cost, in iterations at the result's size", fontsize=8)
        lowest = min(rows[-1][3] for rows in pair["curves"].values())
        for row in (0, 1):
            axes[row][column].set(ylim=(lowest * 0.94, lowest * 2), xlim=(0, None))
            axes[row][column].spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("loss at the last scale", fontsize=8)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    figure.suptitle(
        f"{pairs[0]['size']} px; {about['processor']}, PyTorch {about['torch']}",
        fontsize=8,
        color="#666666",
    )
    figure.savefig(path, dpi=110)


def _draw(axes: Any, plan: Schedule, x: Sequence[float], losses: Sequence[float]) -> None:
    """Plot a schedule: its colour says its start, its line the number of its scales."""
    colour = {"photograph": "#c9783a", "instant": "#2f6fab"}[plan.start]
    line = {0: "--", 1: "-", 2: ":"}[plan.scales]
    label = f"from {plan.start}, {plan.scales or 'all'} scale{'' if plan.scales == 1 else 's'}"
    alike = [p for p in SCHEDULES if (p.start, p.scales) == (plan.start, plan.scales)]
    axes.plot(x, losses, line, color=colour, lw=1.3, label=label if plan == alike[0] else None)
    if plan.scales != 1:  # only the end of such a run is a finished picture
        axes.plot(x[-1:], losses[-1:], "o", color=colour, ms=4)


def main() -> None:
    """Read the command line, measure, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument(
        "--pair",
        type=Path,
        nargs=2,
        action="append",
        default=[],
        metavar=("PHOTO", "PAINTING"),
        help="a photograph and a painting; without any, only the plot is drawn",
    )
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--keep", type=Path, help="a folder for the pictures")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    figures = options.out / "refine.json"
    try:
        atomic.check_target(figures, force=True)  # before half an hour of work
        report = json.loads(figures.read_text()) if figures.exists() else {"pairs": []}
        for photo, painting in options.pair:
            names = (photo.stem, painting.stem, options.size)
            if names in [(p["content"], p["style"], p["size"]) for p in report["pairs"]]:
                continue
            report["pairs"].append(measure(photo, painting, options))
            report["machine"] = machine()
            atomic.replace(figures, (json.dumps(report) + "\n").encode(), force=True)
        if report["pairs"]:
            plot(report["pairs"], report["machine"], options.out / "refine.png")
    except ImpastoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
