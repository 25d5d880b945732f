"""At which size `impasto live` keeps 15 pictures a second, and what it costs beside the network.

    python benchmarks/live.py CLIP --out benchmarks/results

For each size: seconds a picture of the network alone, of all that live painting does (reducing,
keeping steady, levels of 8 bits), and of the same without `--steady`, in turn, on frames of a film.
Seconds by the clock depend on what else the machine does; so those that the processor spent are
given as well, on one thread: on a quiet core both are the same. Then the size at which a run in
real time stays. Writes `live.json`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from stylize import machine

from impasto.config.live import LiveSettings
from impasto.config.specs import StyleSpec
from impasto.files import atomic
from impasto.film.clip import open_clip
from impasto.film.live import paint_live
from impasto.film.live_painter import LivePainter, Look, look_of
from impasto.film.live_size import SizeController
from impasto.film.live_sources import ClipSource, Rgb
from impasto.image.picture import fit
from impasto.networks.brushes import PassMoments, paint_sized
from impasto.painting.stylizer import instant

SIZES = (128, 160, 192, 224, 256, 288, 320, 384, 448, 512, 640)
STYLE = "starry-night"
RATE = 15.0

Painting = Callable[[Rgb], Any]


def look(steady: float) -> Look:
    """Return the style that is painted in."""
    return look_of((StyleSpec(STYLE),), LiveSettings(steady=steady))


def live(size: int, steady: float) -> Painting:
    """Return live painting at a size."""
    painter, chosen = LivePainter(), look(steady)
    return lambda picture: painter.paint(picture, chosen, size)


def network(size: int, pictures: list[Rgb]) -> Painting:
    """Return the network alone, by the moments of the first picture."""
    painter = instant(STYLE, size=size)
    pixels = {id(picture): fit(_pixels(picture), size) for picture in pictures}
    moments = PassMoments.of(pixels[id(pictures[0])], painter.brushes, painter.extractor, None)
    brushes = painter.brushes.settled_by(moments)
    return lambda picture: paint_sized(brushes, pixels[id(picture)], painter.extractor)


def _pixels(picture: Rgb) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


def measured(size: int, pictures: list[Rgb]) -> dict[str, Any]:
    """Return the seconds a picture of all three, in turn; the processor's, and the clock's."""
    ways = {"network": network(size, pictures)}
    ways |= {"live": live(size, 1.0), "unsteady": live(size, 0.0)}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    walls: dict[str, list[float]] = {name: [] for name in ways}
    for picture in pictures:
        for name, paint in ways.items():
            began, processor = time.perf_counter(), time.process_time()
            paint(picture)
            spent[name].append(time.process_time() - processor)
            walls[name].append(time.perf_counter() - began)
    row: dict[str, Any] = {"size": size}
    for name in ways:  # of the first, much is made ready
        row[f"{name}_seconds"] = round(statistics.median(spent[name][1:]), 4)
        row[f"{name}_wall"] = round(statistics.median(walls[name][1:]), 4)
    row["share_of_network"] = round(row["network_seconds"] / row["live_seconds"], 3)
    return row


def settled_size(clip: Path, seconds: float) -> dict[str, Any]:
    """Return the size that most pictures of a run in real time had, and the rate."""
    source = ClipSource.of(clip)
    sizes, painted = SizeController(RATE, source.long_side), []
    began = time.perf_counter()
    for picture in paint_live(source, lambda: look(1.0), sizes):
        painted.append(picture)
        if time.perf_counter() - began > seconds:
            break
    later = painted[len(painted) // 3 :]
    usual = Counter(picture.size for picture in later).most_common(1)[0][0]
    changes = sum(a.size != b.size for a, b in itertools.pairwise(later))
    rate = statistics.median(picture.rate for picture in later)
    return {"size": usual, "rate": round(rate, 1), "changes": changes, "pictures": len(later)}


def main() -> int:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("clip", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=25.0)
    args = parser.parse_args()
    frames = open_clip(args.clip).frames(0, args.pictures + 1, 960)
    pictures = [
        (frame.pixels[0].permute(1, 2, 0) * 255).round().byte().contiguous().numpy()
        for frame in frames
    ]
    rows = []
    for size in SIZES:
        rows.append(measured(size, pictures))
        print(rows[-1], flush=True)
    fits = [row["size"] for row in rows if row["live_seconds"] <= 1 / RATE]
    result = {
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        "clip": args.clip.name,
        "style": STYLE,
        "rate": RATE,
        "sizes": rows,
        "real_time_size": max(fits, default=None),
        "run": settled_size(args.clip, args.seconds),
    }
    print({name: result[name] for name in ("real_time_size", "run", "load")})
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        with atomic.opened(args.out / "live.json") as file:
            file.write((json.dumps(result, indent=2) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
