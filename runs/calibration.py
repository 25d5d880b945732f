"""Paint every photograph in every style at five strengths, to check the scale of strengths.

    python runs/calibration.py --content DIR --style DIR --judge WEIGHTS [--out DIR] [--size 256]
    python runs/calibration.py … --method instant --against runs/calibration --out runs/instant

WEIGHTS are those of a network that no picture is painted with: the compressed VGG-19 of
`tools.teacher`, or `vgg19` for the cached one. Writes `distances.csv` and `distances.png` into the
folder; a run that was stopped is continued. It prints how far the content distances at 0.5 vary,
and every pair whose distances do not change monotonically with the strength.

With --against it also prints each picture's style distance over that of the other run at the same
content distance, interpolated between two of its strengths.
"""

from __future__ import annotations

import argparse
import csv
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cache
from itertools import pairwise, product
from pathlib import Path

from torch import Tensor

import impasto
from impasto.config.bases import StyledConfig
from impasto.config.methods import configs_with
from impasto.evaluation.judge import Judge
from impasto.features.extractor import Extractor
from impasto.image.picture import fit, resize
from impasto.image.reading import read
from impasto.styles.statistics import Painting
from impasto.training.photographs import find_pictures
from tools.teacher import load_teacher

STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Row:
    """One picture: distances to its photograph and to its painting, each over their own energy."""

    photograph: str
    painting: str
    strength: float
    content: float
    style: float


def measure(
    network: Extractor, picture: Tensor, photograph: Path, painting: Path
) -> tuple[float, float]:
    """Return content and style distance (Gram matrices) at `compact`'s layers."""
    judge = Judge(network, "compact", pixels(photograph), Painting(pixels(painting)))
    content, style = judge.distances(picture)
    assert style is not None
    return content, style


@cache
def pixels(path: Path) -> Tensor:
    """Read a picture's values, once."""
    return read(path).pixels


def load(path: Path) -> list[Row]:
    """Read the rows of an earlier run."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            Row(r["photograph"], r["painting"], *(float(r[k]) for k in list(r)[2:]))
            for r in csv.DictReader(file)
        ]


def append(path: Path, row: Row) -> None:
    """Append a row immediately, so that nothing is lost when the run is stopped."""
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)])
        if fresh:
            writer.writeheader()
        writer.writerow(
            {k: round(v, 5) if isinstance(v, float) else v for k, v in asdict(row).items()}
        )


def paint(arguments: argparse.Namespace, done: list[Row]) -> Iterator[Row]:
    """Paint every picture that is missing, strength by strength, the middle first."""
    network = load_teacher(arguments.judge)
    measured = {(row.photograph, row.painting, row.strength) for row in done}
    photographs, paintings = (find_pictures(f) for f in (arguments.content, arguments.style))
    order = sorted(arguments.strengths, key=lambda s: abs(s - 0.5))
    for strength, photograph, painting in product(order, photographs, paintings):
        if (photograph.stem, painting.stem, strength) in measured:
            continue
        options = {"size": arguments.size, "strength": strength}
        if arguments.iterations:
            options["iterations"] = arguments.iterations
        made = impasto.stylize(photograph, painting, arguments.method, **options)
        result = read(made).pixels
        distances = measure(network, result, photograph, painting)
        yield Row(photograph.stem, painting.stem, strength, *distances)


def curves(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """Return the rows of each pair, by strength."""
    pairs: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.strength):
        pairs.setdefault((row.photograph, row.painting), []).append(row)
    return pairs


def not_monotonic(rows: list[Row]) -> list[str]:
    """Return the pairs whose content does not rise or whose style does not fall at some step."""
    return [
        f"{' × '.join(pair)}: {name} from {a.strength:g} to {b.strength:g}"
        for pair, curve in curves(rows).items()
        for a, b in pairwise(curve)
        for name, wrong in (("content", b.content <= a.content), ("style", b.style >= a.style))
        if wrong
    ]


def copies(arguments: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Return mean content and style distances of copies of the photographs and the paintings.

    A figure that is best for a copy says nothing alone.
    """
    network = load_teacher(arguments.judge)
    photographs, paintings = (find_pictures(f) for f in (arguments.content, arguments.style))
    distances: dict[str, list[tuple[float, float]]] = {"content copied": [], "style copied": []}
    for photograph, painting in product(photographs, paintings):
        content = fit(pixels(photograph), arguments.size)
        style = resize(pixels(painting), *content.shape[-2:])
        for name, picture in (("content copied", content), ("style copied", style)):
            distances[name].append(measure(network, picture, photograph, painting))
    return {
        name: (statistics.fmean(c for c, _ in each), statistics.fmean(s for _, s in each))
        for name, each in distances.items()
    }


def ratios(rows: list[Row], against: list[Row], strength: float) -> list[float]:
    """Return style distances over those of the other run at equal content, where it reaches it."""
    pairs = curves(against)
    quotients = []
    for row in rows:
        pair = (row.photograph, row.painting)
        if row.strength == strength and (style := _style_at(pairs.get(pair, []), row.content)):
            quotients.append(row.style / style)
    return quotients


def _style_at(curve: list[Row], content: float) -> float | None:
    for below, above in pairwise(curve):
        if below.content <= content <= above.content:
            share = (content - below.content) / (above.content - below.content)
            return below.style + share * (above.style - below.style)
    return None


def compare(rows: list[Row], arguments: argparse.Namespace) -> None:
    """Print how the pictures compare with those of the run --against, and with plain copies."""
    against = load(arguments.against / "distances.csv")
    for name, (content, style) in copies(arguments).items():
        print(f"{name}: content {content:.3f}, style {style:.3f}")
    for strength in sorted({row.strength for row in rows}):
        alike = [row for row in rows if row.strength == strength]
        content, style = (
            statistics.fmean(getattr(r, n) for r in alike) for n in ("content", "style")
        )
        each = ratios(rows, against, strength)
        median = f"{statistics.median(each):.2f} ({len(each)} pairs)" if each else "none"
        print(
            f"{strength:g}: content {content:.3f}, style {style:.3f}; over the other's style at "
            f"equal content, median {median}"
        )


def plot(rows: list[Row], path: Path) -> None:
    """Plot a thin line for each pair, and their median."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, name in zip(axes, ("content", "style"), strict=True):
        for curve in curves(rows).values():
            line = [getattr(row, name) for row in curve]
            axis.plot([row.strength for row in curve], line, color="0.6", linewidth=0.7)
        strengths = sorted({row.strength for row in rows})
        middle = [
            statistics.median(getattr(r, name) for r in rows if r.strength == s) for s in strengths
        ]
        axis.plot(strengths, middle, color="C3", linewidth=2.5, label="median")
        axis.set(xlabel="strength", ylabel=f"{name} distance")
        axis.legend(frameon=False)
    axes[0].set_ylim(bottom=0)
    axes[1].set_yscale("log")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    """Paint, measure, plot and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, what in (("content", "photographs"), ("style", "paintings")):
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"folder of {what}")
    parser.add_argument("--judge", required=True, help="weights of the judging network, or vgg19")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "calibration")
    parser.add_argument("--size", type=int, default=256, help="long side, in pixels")
    parser.add_argument("--iterations", type=int, help="for each picture; the method's own if none")
    parser.add_argument("--strengths", type=float, nargs="+", default=STRENGTHS)
    parser.add_argument(
        "--method", default="gatys", choices=[*configs_with(StyledConfig)], help="that paints"
    )
    parser.add_argument("--against", type=Path, help="the folder of another method's run")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    table = arguments.out / "distances.csv"
    rows = load(table)
    for row in paint(arguments, rows):
        append(table, row)
        rows.append(row)
        pair = f"{row.photograph} × {row.painting}"
        print(f"{pair} at {row.strength:g}: {row.content:.3f} {row.style:.3f}", flush=True)
    plot(rows, arguments.out / "distances.png")
    middle = [row.content for row in rows if row.strength == 0.5]
    spread = statistics.pstdev(middle) / statistics.fmean(middle)
    print(f"content at 0.5: mean {statistics.fmean(middle):.3f}, varying by {spread:.0%}")
    print("\n".join(not_monotonic(rows)) or "Every pair changes monotonically.")
    if arguments.against:
        compare(rows, arguments)


if __name__ == "__main__":
    main()
