"""Seconds and peak memory of one photograph painted at growing sizes, with a limit and without.

    python benchmarks/posters.py --content photo.jpg --out benchmarks/results

Every run is a separate process, with `--memory` as its limit, or without a limit for the sizes of
`--free-sizes`. The run's estimates are reported with what it took. Writes `posters.json`, after
every run, and `posters.png`; runs of the same pictures and iterations that `posters.json` already
has are not repeated.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stylize import ROOT, machine, png_size, run

from impasto.errors import ImpastoError
from impasto.files import atomic

# More than any machine has: the plan then has no tiles.
_NO_LIMIT = "100TB"


@dataclass(frozen=True)
class Poster:
    """One picture: the estimates (of small ones without time), and what it took."""

    size: int
    width: int
    height: int
    limit: str
    plan: dict[str, Any]
    foretold_seconds: float | None
    seconds: float
    foretold_megabytes: int
    peak_megabytes: int

    @property
    def megapixels(self) -> float:
        """The picture's size."""
        return self.width * self.height / 1e6


def paint(options: argparse.Namespace, size: int, limit: str, folder: Path) -> Poster:
    """Paint one picture in a new process."""
    out, printed = folder / f"{size}-{limit}.png", folder / "printed.json"
    command = [sys.executable, "-m", "impasto", "stylize", str(options.content)]
    command += ["--style", options.style, "--size", str(size), "--smallest", str(options.smallest)]
    command += ["--iterations", str(options.iterations), "--memory", limit, "--out", str(out)]
    seconds, peak = run([*command, "--force", "--quiet", "--json"], printed)
    report = json.loads(printed.read_text())
    width, height = png_size(out)
    estimate = report["forecast"]["seconds"]
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        out.replace(options.keep / out.name)
    return Poster(
        size,
        width,
        height,
        limit,
        report["forecast"]["plan"],
        None if estimate is None else round(estimate, 1),
        round(seconds, 1),
        round(report["forecast"]["memory"] / 1e6),
        round(peak),
    )


def setting(options: argparse.Namespace) -> dict[str, Any]:
    """Return what all runs have in common."""
    return {
        "content": options.content.name,
        "style": options.style,
        "iterations": options.iterations,
        "smallest": options.smallest,
    }


def earlier_runs(options: argparse.Namespace, figures: Path) -> list[dict[str, Any]]:
    """Return the stored runs with the same in common."""
    if not figures.exists():
        return []
    report = json.loads(figures.read_text())
    shared = setting(options)
    runs: list[dict[str, Any]] = report["runs"]
    return runs if {name: report.get(name) for name in shared} == shared else []


def planned(options: argparse.Namespace) -> list[tuple[int, str]]:
    """Return sizes and limits."""
    near = [(size, options.limit) for size in options.sizes]
    free = [(size, _NO_LIMIT) for size in options.free_sizes]
    return [*near, *free, *((size, options.far_limit) for size in options.far_sizes)]


def measure_all(options: argparse.Namespace, figures: Path) -> dict[str, Any]:
    """Measure all sizes with the limit, and some without; write the report after each."""
    done = {(run["size"], run["limit"]): run for run in earlier_runs(options, figures)}
    report = {"machine": machine(), **setting(options), "runs": ordered(done.values())}
    with tempfile.TemporaryDirectory() as folder:
        for size, limit in planned(options):
            if (size, limit) in done:
                continue
            done[size, limit] = asdict(paint(options, size, limit, Path(folder)))
            print(done[size, limit], flush=True)
            report["runs"] = ordered(done.values())
            atomic.replace(figures, (json.dumps(report, indent=2) + "\n").encode(), force=True)
    return report


def ordered(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort by size, those without a limit last."""
    return sorted(runs, key=lambda run: (run["limit"] == _NO_LIMIT, run["size"]))


def plot(report: dict[str, Any], path: Path) -> None:
    """Plot seconds and memory over megapixels, and what would be linear."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    kinds = {
        "within a limit": ("#2f6fab", [r for r in report["runs"] if r["limit"] != _NO_LIMIT]),
        "without": ("#c9783a", [r for r in report["runs"] if r["limit"] == _NO_LIMIT]),
    }
    for label, (colour, runs) in kinds.items():
        if not runs:
            continue
        at = [r["width"] * r["height"] / 1e6 for r in runs]
        left.plot(at, [r["seconds"] for r in runs], "o-", color=colour, label=label)
        right.plot(at, [r["peak_megabytes"] / 1e3 for r in runs], "o-", color=colour, label=label)
        estimates = [r["foretold_megabytes"] / 1e3 for r in runs]
        right.plot(at, estimates, "x", color=colour, label=f"{label}, estimated")
        times = [math.nan if (t := r["foretold_seconds"]) is None else t for r in runs]
        left.plot(at, times, "x", color=colour)
    first = report["runs"][0]
    base = first["width"] * first["height"] / 1e6
    ends = [base, max(r["width"] * r["height"] / 1e6 for r in report["runs"])]
    linear = [first["seconds"] * x / base for x in ends]
    left.plot(ends, linear, ":", color="#999999", label="linear in pixels")
    left.set(xscale="log", yscale="log", xlabel="megapixels", title="Seconds")
    right.set(xscale="log", xlabel="megapixels", title="Peak memory, GB", ylim=(0, None))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    about = report["machine"]
    figure.supxlabel(
        f"{about['processor']}, {about['cores']} cores, PyTorch {about['torch']}; "
        "crosses: estimates",
        fontsize=8,
        color="#666666",
    )
    figure.savefig(path, dpi=130)


def main() -> None:
    """Read the command line, measure, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--content", type=Path, required=True, help="a photograph of 4K or more")
    parser.add_argument("--style", default="starry-night", help="a picture or a built-in style")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1365, 1920, 2715, 3840])
    parser.add_argument("--limit", default="3GB")
    parser.add_argument("--far-sizes", type=int, nargs="*", default=[7680])
    parser.add_argument("--far-limit", default="6GB")
    parser.add_argument("--free-sizes", type=int, nargs="*", default=[1365, 1920, 2715, 3840])
    parser.add_argument("--smallest", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="a folder for the pictures")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    options.content = options.content.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    figures = options.out / "posters.json"
    try:
        atomic.check_target(figures, force=True)  # before half an hour of work
        report = measure_all(options, figures)
    except ImpastoError as error:
        sys.exit(str(error))
    if report["runs"]:
        plot(report, options.out / "posters.png")


if __name__ == "__main__":
    main()
