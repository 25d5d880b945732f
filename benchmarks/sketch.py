"""How well, and how fast, sketches find their pictures.

    python benchmarks/sketch.py retrieval --photos photos/ --out benchmarks/results

`retrieval`: the edges of photographs, spoilt as a hand would (fewer, broken, shifted, turned,
mirrored; each alone and all at once), are looked for in an index of the whole folder: how often the
photograph itself is first, and among ten. An index of 100,000 pictures is timed. Writes its part of
`sketch.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from stylize import ROOT, machine

from impasto.errors import ImpastoError
from impasto.files import atomic
from impasto.image.picture import fit
from impasto.image.reading import read
from impasto.sketch.edges import SIDE, photograph_edges, thinned
from impasto.sketch.index import Entry, Index, read_index, write_index
from impasto.sketch.picture_library import index_folder
from impasto.sketch.retrieval import FITTING, find
from impasto.sketch.signature import Signature

_MANY = 100_000

Spoil = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def fewer(edges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Leave out three of ten pieces of line, never the longest."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(edges.astype(np.uint8))
    keep = rng.random(count) > 0.3
    keep[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())] = True
    keep[0] = False
    return np.asarray(keep[labels])


def broken(edges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut gaps of 7 pixels at every twenty-fifth pixel of line."""
    y, x = np.nonzero(edges)
    drawn = edges.astype(np.uint8)
    for i in rng.choice(len(y), max(1, len(y) // 25)):
        cv2.circle(drawn, (int(x[i]), int(y[i])), 3, 0, -1)
    return drawn > 0


def shifted(edges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift by 5 % of each side; what leaves the picture is lost."""
    right, down = (rng.choice((-0.05, 0.05), 2) * edges.shape[::-1]).tolist()
    return _warped(edges, np.array([[1, 0, right], [0, 1, down]]))


def turned(edges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn by 5° about the middle."""
    height, width = edges.shape
    degrees = float(rng.choice((-5, 5)))
    return _warped(edges, cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1))


def mirrored(edges: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Exchange left and right."""
    return edges[:, ::-1]


def all_at_once(edges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spoil in every way."""
    for spoil in (fewer, broken, shifted, turned, mirrored):
        edges = spoil(edges, rng)
    return edges


WAYS: tuple[Spoil, ...] = (all_at_once, fewer, broken, shifted, turned, mirrored)


def _warped(edges: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    drawn = cv2.warpAffine(edges.astype(np.float32), matrix, edges.shape[::-1])
    return thinned(np.asarray(drawn) > 0.35)


def edges_of(path: Path) -> np.ndarray:
    """Return a photograph's edges."""
    pixels = fit(read(path).pixels, SIDE)[0].permute(1, 2, 0)
    return photograph_edges((pixels * 255).round().byte().numpy())


def rank(index: Index, photographs: Sequence[Path], spoil: Spoil, seed: int) -> dict[str, Any]:
    """Return how often photographs are found by their spoilt edges."""
    rng = np.random.default_rng(seed)
    ranks, right, wrong = [], [], []
    for path in photographs:
        found = find(spoil(edges_of(path), rng).astype(np.float32), index, 10)
        places = [i for i, match in enumerate(found) if match.path.name == path.name]
        ranks.append(places[0] if places else len(found))
        right += [found[i].score for i in places]
        wrong.append(max(match.score for match in found if match.path.name != path.name))
    return {
        "first": float(np.mean([r == 0 for r in ranks])),
        "in_ten": float(np.mean([r < 10 for r in ranks])),
        "right_scores": np.quantile(right, (0.1, 0.5, 0.9)).round(3).tolist(),
        "best_wrong_scores": np.quantile(wrong, (0.1, 0.5, 0.9, 0.99)).round(3).tolist(),
        "right_fits": float(np.mean([score >= FITTING for score in right])),
        "wrong_fits": float(np.mean([score >= FITTING for score in wrong])),
    }


def many(index: Index, folder: Path, count: int) -> Index:
    """Write an index of `count` pictures, which repeats those of another one, and open it."""
    path = folder / "many.index"
    arrays = {name: np.asarray(array) for name, array in index.arrays.items()}
    rows = [
        (entry, Signature(arrays["lines"][i], arrays["edges"][i], arrays["colours"][i]))
        for i, entry in enumerate(index.entries())
    ]
    repeated: list[tuple[Entry, Signature]] = [rows[i % len(rows)] for i in range(count)]
    write_index(path, index.folder, repeated)
    return read_index(path)


def seconds(index: Index, photograph: Path, rounds: int = 5) -> list[float]:
    """Return how long a search took each time, the first with nothing in memory yet."""
    lines, times = edges_of(photograph).astype(np.float32), []
    for _ in range(rounds):
        before = time.perf_counter()
        find(lines, index)
        times.append(round(time.perf_counter() - before, 3))
    return times


def retrieval(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure it; yield what is known after each part."""
    with tempfile.TemporaryDirectory() as folder:
        path = options.index or Path(folder) / "photos.index"
        before = time.perf_counter()
        progress = list(index_folder(options.photos, path))[-1]
        taken = time.perf_counter() - before
        index = read_index(path)
        chosen = np.random.default_rng(0).choice(len(index), options.queries, replace=False)
        photographs = [index.path(int(i)) for i in np.sort(chosen)]
        report: dict[str, Any] = {
            "pictures": len(index),
            "queries": len(photographs),
            "milliseconds_to_index_one": round(1000 * taken / max(1, progress.new), 1),
            "bytes_of_one": round(path.stat().st_size / len(index)),
            "seconds_of_100000_pictures": seconds(many(index, Path(folder), _MANY), photographs[0]),
            "ways": {},
        }
        for spoil in WAYS:
            report["ways"][spoil.__name__] = rank(index, photographs, spoil, seed=1)
            yield report


def main() -> int:
    """Measure what is asked for; write its part of the results after each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["retrieval"])
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photographs")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--index", type=Path, help="of that folder, made if it is not there")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    target = options.out / "sketch.json"
    about = machine()
    try:
        for part in retrieval(options):
            report = json.loads(target.read_text()) if target.is_file() else {}
            report[options.what] = {"machine": about, **part}
            text = json.dumps(report, indent=2) + "\n"
            atomic.replace(target, text.encode(), force=True)
    except ImpastoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
