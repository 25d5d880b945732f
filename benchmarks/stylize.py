"""Seconds and peak memory of `impasto stylize` processes, and of the classic recipe.

    python benchmarks/stylize.py --out benchmarks/results

Every run is a separate process, from the start of the interpreter to the written picture, as a user
waits for it. A few iterations of the classic recipe (benchmarks/classic.py) are timed, and the time
of a thousand is computed from them. Writes `stylize.json` and `stylize.png`.

This process imports no PyTorch: a child's peak memory would start at its parent's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.files import atomic

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Measurement:
    """One picture: `seconds` is the median of `runs`, the peak is the greatest of them."""

    method: str
    backbone: str
    weights: str
    size: int
    width: int
    height: int
    seconds: float
    peak_megabytes: int
    runs: list[float]


def run(command: list[str], output: Path) -> tuple[float, float]:
    """Run a process, with its output in a file; return seconds and peak megabytes."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    started = time.perf_counter()
    with output.open("w") as file:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file)
        _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"`{' '.join(command)}` ended with status {child.returncode}.")
    # Bytes on macOS, kilobytes elsewhere.
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def png_size(path: Path) -> tuple[int, int]:
    """Read width and height from the header."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return int(width), int(height)


def export_swatch(name: str, path: Path) -> None:
    """Write the swatch of a built-in style as a painting that another backbone can measure."""
    from impasto.image.picture import Picture, fit
    from impasto.image.writing import write
    from impasto.styles import card, gallery

    swatch = card.load(gallery.path(name)).swatch
    write(Picture(fit(swatch[None].float() / 255, 1024)), path)


def weights_of(backbone: str, folder: Path) -> Path | None:
    """Return weights to use where the published ones are missing: random ones cost the same."""
    from impasto.features.sources import locate

    if locate(backbone) is not None:
        return None
    if backbone != "vgg19":
        sys.exit(f"{backbone}'s weights are missing: `impasto weights fetch {backbone}`.")
    path = folder / "vgg19-random.safetensors"
    if not path.exists():
        run([sys.executable, "benchmarks/classic.py", "--save", str(path)], folder / "saved.txt")
    return path


def style_for(style: str, backbone: str, folder: Path) -> str:
    """Return the style as this backbone can use it: cards are for `compact` only."""
    if backbone == "compact" or Path(style).exists():
        return style
    path = folder / f"{style}.png"
    if not path.exists():
        # In a new process, as it imports PyTorch.
        with get_context("spawn").Pool(1) as pool:
            pool.apply(export_swatch, (style, path))
    return str(path.resolve())


def measure(
    options: argparse.Namespace, method: str, backbone: str, size: int, folder: Path
) -> Measurement:
    """Paint one picture `--repeats` times."""
    weights, out = weights_of(backbone, folder), folder / "painted.png"
    style = style_for(options.style, backbone, folder)
    command = [sys.executable, "-m", "impasto", "stylize", str(options.content), "--style", style]
    command += ["--out", str(out), "--force", "--quiet", "--size", str(size)]
    command += ["--method", method]
    if method != "instant":
        command += ["--backbone", backbone]
    if weights is not None:
        command += ["--weights", str(weights)]
    if options.iterations is not None:
        command += ["--iterations", str(options.iterations)]
    runs = [run(command, folder / "printed.txt") for _ in range(options.repeats)]
    seconds = [round(duration, 2) for duration, _ in runs]
    width, height = png_size(out)
    return Measurement(
        method,
        backbone,
        "random" if weights else "own",
        size,
        width,
        height,
        seconds=round(statistics.median(seconds), 2),
        peak_megabytes=round(max(peak for _, peak in runs)),
        runs=seconds,
    )


def measure_classic(
    options: argparse.Namespace, ours: list[Measurement], folder: Path
) -> dict[str, Any]:
    """Measure the classic recipe in a new process, at the size of one of ours."""
    same = next(m for m in ours if m.size == options.classic_size)
    command = [sys.executable, "benchmarks/classic.py", "--content", str(options.content)]
    command += ["--width", str(same.width), "--height", str(same.height)]
    if Path(options.style).exists() and Path(options.style).suffix != ".style":
        command += ["--style", options.style]
    printed = folder / "classic.json"
    run(command, printed)
    figures: dict[str, Any] = json.loads(printed.read_text())
    return figures


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    cpuinfo, model = Path("/proc/cpuinfo"), platform.processor()
    if cpuinfo.exists():
        names = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return {
        "processor": model or platform.machine(),
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": version("torch"),
        "commit": commit(),
    }


def commit() -> str:
    """Return the commit that is measured, with `+` if files differ from it."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    if head.returncode:
        return "unknown"
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--untracked-files=no"],
        capture_output=True,
        text=True,
        check=False,
    )
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def ratios(ours: list[Measurement], classic: dict[str, Any]) -> dict[str, float]:
    """Return the classic recipe's seconds over each method's, at the same size by `compact`."""
    long_side = max(classic["width"], classic["height"])
    same = [m for m in ours if m.backbone == "compact" and m.size == long_side]
    sides = classic["width"], classic["height"]
    assert all((m.width, m.height) == sides for m in same), "unequal pictures"
    return {m.method: round(float(classic["seconds"]) / m.seconds, 1) for m in same}


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything; return the report."""
    ours: list[Measurement] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for backbone in options.backbones:
            is_usual = backbone == "compact"
            for size in options.sizes if is_usual else options.slow_sizes:
                for method in options.methods if is_usual else options.methods[:1]:
                    ours.append(measure(options, method, backbone, size, folder))
                    seconds, megabytes = ours[-1].seconds, ours[-1].peak_megabytes
                    print(f"{method} {backbone} {size}: {seconds} s, {megabytes} MB", flush=True)
        classic = measure_classic(options, ours, folder)
    return {
        "machine": machine(),
        "runs": [asdict(measurement) for measurement in ours],
        "classic": classic,
        "classic_over": ratios(ours, classic),
    }


def plot(report: dict[str, Any], path: Path) -> None:
    """Plot bars of seconds, on a logarithmic axis, and of memory, each with its figure."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    colours = {"compact": "#2f6fab", "vgg19": "#8fb8de", "classic": "#c9783a"}
    bars = [
        (
            f"{r['method']}, {r['backbone']}, {r['size']} px",
            r["seconds"],
            r["peak_megabytes"],
            r["backbone"],
        )
        for r in report["runs"]
    ]
    if classic := report.get("classic"):
        long_side = max(classic["width"], classic["height"])
        label = f"classic recipe, {long_side} px,\n{classic['iterations']:,} iterations"
        bars.append((label, classic["seconds"], classic["peak_megabytes"], "classic"))
    bars.reverse()
    labels, seconds, memory, kinds = zip(*bars, strict=True)
    shades = [colours.get(kind, "#999999") for kind in kinds]

    size = (10, 1.2 + 0.42 * len(bars))
    figure, (left, right) = plt.subplots(1, 2, figsize=size, sharey=True, layout="constrained")
    left.bar_label(left.barh(labels, seconds, color=shades), [f" {s:,.1f} s" for s in seconds])
    left.set(xscale="log", title="Seconds (logarithmic)")
    left.set_xlim(min(seconds) / 3, max(seconds) * 6)
    right.bar_label(right.barh(labels, memory, color=shades), [f" {m:,} MB" for m in memory])
    right.set(title="Peak memory", xlim=(0, max(memory) * 1.25))
    right.xaxis.set_visible(False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    about = report["machine"]
    figure.supxlabel(
        f"{about['processor']}, {about['cores']} cores, PyTorch {about['torch']}, "
        f"commit {about['commit']}",
        fontsize=8,
        color="#666666",
    )
    figure.savefig(path, dpi=130)


def main() -> None:
    """Read the command line, measure, write the report and print the main figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--content", type=Path, default=ROOT / "docs" / "demo.jpg")
    parser.add_argument("--style", default="starry-night", help="a picture or a built-in style")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument(
        "--slow-sizes", type=int, nargs="+", default=[256, 512], help="of the big networks"
    )
    parser.add_argument("--backbones", nargs="+", default=["compact", "vgg19"])
    parser.add_argument("--methods", nargs="+", default=["quick", "gatys", "instant"])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--iterations", type=int, help="instead of the default number")
    parser.add_argument("--classic-size", type=int, default=512, help="one of the sizes")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    if options.classic_size not in options.sizes:
        parser.error(f"--classic-size {options.classic_size} is not one of --sizes: add it there")
    options.content = options.content.resolve()
    if Path(options.style).exists():
        options.style = str(Path(options.style).resolve())
    options.out.mkdir(parents=True, exist_ok=True)
    figures = options.out / "stylize.json"
    try:
        atomic.check_target(figures, force=True)  # before half an hour of work
        report = measure_all(options)
        text = json.dumps(report, indent=2) + "\n"
        atomic.replace(figures, text.encode(), force=True)
    except ImpastoError as error:
        sys.exit(str(error))
    plot(report, options.out / "stylize.png")
    classic = report["classic"]
    print(f"classic recipe: {classic['seconds_per_iteration']} s × {classic['iterations']}")
    print(f"times as long as ours: {report['classic_over']}; see {options.out}")


if __name__ == "__main__":
    main()
