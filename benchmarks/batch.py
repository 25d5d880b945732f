"""What two workers bring: pictures a minute of `impasto batch` with one worker and with two.

    python benchmarks/batch.py --photographs a.jpg b.jpg --style c.jpg --out benchmarks/results

Every run is the complete command, from the start of the interpreter to the contact sheet: with one
worker of one thread, with two workers of one thread each, and with one worker of two threads. The
three take turns, so that other load on the machine affects all of them; medians are compared. The
goal with `--workers 2` is at least 0.8 of twice the first. Writes `batch.json`.

It also gives the rate of the painting alone: pictures over the time from the first picture's start
to the last one's end, by the seconds of each picture.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from stylize import machine

from impasto.errors import ImpastoError
from impasto.files import atomic

ROOT = Path(__file__).resolve().parents[1]

# By name: the workers, and the threads that they share.
KINDS = {"1 × 1 thread": (1, 1), "2 × 1 thread": (2, 2), "1 × 2 threads": (1, 2)}


def run(options: argparse.Namespace, workers: int, threads: int) -> tuple[float, float]:
    """Return the seconds of a batch, and pictures a second of its painting."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "impasto", "batch", *options.photographs]
        for style in options.style:
            command += ["--style", style]
        command += ["--size", str(options.size), "--iterations", str(options.iterations)]
        command += ["--workers", str(workers), "--out", f"{name}/out", "--json", "--quiet"]
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        more = {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": str(threads)}
        began = time.perf_counter()
        done = subprocess.run(
            command, env=os.environ | more, stdout=subprocess.PIPE, text=True, check=False
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            sys.exit(f"`{' '.join(command)}` ended with status {done.returncode}.")
    items = json.loads(done.stdout)["items"]
    # Each worker is busy until the last picture, hence the mean over workers.
    return seconds, workers * len(items) / sum(item["seconds"] for item in items)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything; return the report."""
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for turn in range(options.repeats):
        for kind, (workers, threads) in KINDS.items():
            took, rate = run(options, workers, threads)
            seconds[kind].append(round(took, 2))
            rates[kind].append(round(rate, 4))
            print(f"{turn + 1}/{options.repeats} {kind}: {took:.1f} s, {60 * rate:.1f} a minute")
    batches = {kind: statistics.median(values) for kind, values in seconds.items()}
    painting = {kind: statistics.median(values) for kind, values in rates.items()}
    one, two, threaded = KINDS
    return {
        "machine": machine(),
        "pictures": len(options.photographs) * len(options.style),
        "size": options.size,
        "iterations": options.iterations,
        "seconds": seconds,
        "pictures_per_second_of_painting": rates,
        # The share of the doubling that two workers give, and that two threads give.
        "two_workers_over_twice_one": round(batches[one] / batches[two] / 2, 3),
        "the_same_of_painting_alone": round(painting[two] / painting[one] / 2, 3),
        "two_threads_over_twice_one": round(batches[one] / batches[threaded] / 2, 3),
    }


def main() -> None:
    """Read the command line, measure, write the report and print the main figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    pictures = [ROOT / "docs" / "demo.jpg", ROOT / "docs" / "pictures" / "coffee.jpg"]
    parser.add_argument("--photographs", nargs="+", default=list(map(str, pictures)))
    parser.add_argument("--style", nargs="+", default=["starry-night", "tahiti", "great-wave"])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    figures = options.out / "batch.json"
    try:
        atomic.check_target(figures, force=True)  # before minutes of work
        report = measure(options)
        atomic.replace(figures, (json.dumps(report, indent=2) + "\n").encode(), force=True)
    except ImpastoError as error:
        sys.exit(str(error))
    share = report["two_workers_over_twice_one"]
    print(f"two workers do {share} of twice one's work in the same time; see {figures}")


if __name__ == "__main__":
    main()
