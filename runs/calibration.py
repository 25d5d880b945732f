"""Paint every photograph in every style at five strengths, and see whether one dial suits them all.

    python runs/calibration.py --content DIR --style DIR --judge WEIGHTS [--out DIR] [--size 256]
    python runs/calibration.py … --method instant --against runs/calibration --out runs/instant

WEIGHTS are those of a network that no picture is painted through: the compressed VGG-19 of
`tools.teacher`, or `vgg19` for the cached one. Into the folder go `distances.csv` and
`distances.png`; a run that was stopped goes on where it was. It ends with how far the content
distances at 0.5 vary, and with every pair whose distances do not go one way along the dial.

With --against it tells besides how far each picture is from its painting, over how far the other
run's pictures are at the same content distance, between two of its strengths on a straight line.
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

import torch
from torch import Tensor

import impasto
from impasto.config.bases import PhotoConfig, StyledConfig
from impasto.config.methods import configs_with
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.image.picture import fit, resize
from impasto.image.reading import read
from impasto.losses import functional as losses
from impasto.losses.moments import moments
from impasto.losses.statistics import gram, lift_of
from impasto.training.pictures import find_pictures
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


class Judge:
    """A network that compares content and style (Gram matrices) at `compact`'s layers."""

    def __init__(self, network: Extractor) -> None:
        self.network = network
        self.content, self.style = BACKBONES["compact"].content, BACKBONES["compact"].style

    @torch.no_grad()
    def measure(self, picture: Tensor, photograph: Tensor, painting: Tensor) -> tuple[float, float]:
        """Content and style distance of a picture; the others are brought to its size first."""
        height, width = picture.shape[-2:]
        seen = self.network(picture, {*self.content, *self.style})
        kept = self.network(resize(photograph, height, width), self.content)
        side = min(max(height, width), max(painting.shape[-2:]))
        wanted = self.network(fit(painting, side), self.style)
        content = [self._content(seen[n], kept[n], n) for n in self.content]
        style = [self._style(seen[n], wanted[n], n) for n in self.style]
        return statistics.fmean(content), statistics.fmean(style)

    def _content(self, seen: Tensor, kept: Tensor, name: str) -> float:
        lift = lift_of(self.network, name)
        return float(losses.content(seen, kept, lift, losses.energy(moments(kept), lift)))

    def _style(self, seen: Tensor, wanted: Tensor, name: str) -> float:
        lift = lift_of(self.network, name)
        return float(losses.gram_distance(*(gram(moments(f), lift) for f in (seen, wanted))))


@cache
def pixels(path: Path) -> Tensor:
    """A picture's values, read once."""
    return read(path).pixels


def load(path: Path) -> list[Row]:
    """The rows of an earlier run."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            Row(r["photograph"], r["painting"], *(float(r[k]) for k in list(r)[2:]))
            for r in csv.DictReader(file)
        ]


def append(path: Path, row: Row) -> None:
    """Write a row at once, so that nothing is lost when the run is stopped."""
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)])
        if fresh:
            writer.writeheader()
        writer.writerow(
            {k: round(v, 5) if isinstance(v, float) else v for k, v in asdict(row).items()}
        )


def paint(arguments: argparse.Namespace, done: list[Row]) -> Iterator[Row]:
    """Every picture that is not there yet; strength by strength, the middle first."""
    judge = Judge(load_teacher(arguments.judge))
    found = {(row.photograph, row.painting, row.strength) for row in done}
    photographs, paintings = (find_pictures(f) for f in (arguments.content, arguments.style))
    order = sorted(arguments.strengths, key=lambda s: abs(s - 0.5))
    for strength, photograph, painting in product(order, photographs, paintings):
        if (photograph.stem, painting.stem, strength) in found:
            continue
        options = {"size": arguments.size, "strength": strength}
        if arguments.method in configs_with(PhotoConfig):
            options["iterations"] = arguments.iterations
        made = impasto.stylize(photograph, painting, arguments.method, **options)
        result = read(made).pixels
        measured = judge.measure(result, pixels(photograph), pixels(painting))
        yield Row(photograph.stem, painting.stem, strength, *measured)


def curves(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """The rows of each pair, along the dial."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.strength):
        found.setdefault((row.photograph, row.painting), []).append(row)
    return found


def astray(rows: list[Row]) -> list[str]:
    """The pairs whose content does not rise or whose style does not fall with every step."""
    return [
        f"{' × '.join(pair)}: {name} from {a.strength:g} to {b.strength:g}"
        for pair, curve in curves(rows).items()
        for a, b in pairwise(curve)
        for name, wrong in (("content", b.content <= a.content), ("style", b.style >= a.style))
        if wrong
    ]


def copies(arguments: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Mean content and style distances of the photographs and of the paintings themselves.

    A figure that a copy wins says nothing alone.
    """
    judge = Judge(load_teacher(arguments.judge))
    photographs, paintings = (find_pictures(f) for f in (arguments.content, arguments.style))
    found: dict[str, list[tuple[float, float]]] = {"content copied": [], "style copied": []}
    for photograph, painting in product(photographs, paintings):
        shown = fit(pixels(photograph), arguments.size)
        copied = resize(pixels(painting), *shown.shape[-2:])
        for name, picture in (("content copied", shown), ("style copied", copied)):
            found[name].append(judge.measure(picture, pixels(photograph), pixels(painting)))
    return {
        name: (statistics.fmean(c for c, _ in each), statistics.fmean(s for _, s in each))
        for name, each in found.items()
    }


def ratios(rows: list[Row], others: list[Row], strength: float) -> list[float]:
    """Style distances over those of the other run at equal content, where it has such a picture."""
    known = curves(others)
    found = []
    for row in rows:
        pair = (row.photograph, row.painting)
        if row.strength == strength and (style := _style_at(known.get(pair, []), row.content)):
            found.append(row.style / style)
    return found


def _style_at(curve: list[Row], content: float) -> float | None:
    for below, above in pairwise(curve):
        if below.content <= content <= above.content:
            share = (content - below.content) / (above.content - below.content)
            return below.style + share * (above.style - below.style)
    return None


def compare(rows: list[Row], arguments: argparse.Namespace) -> None:
    """Tell how the pictures stand to those of the run --against, and to plain copies."""
    others = load(arguments.against / "distances.csv")
    for name, (content, style) in copies(arguments).items():
        print(f"{name}: content {content:.3f}, style {style:.3f}")
    for strength in sorted({row.strength for row in rows}):
        here = [row for row in rows if row.strength == strength]
        content, style = (
            statistics.fmean(getattr(r, n) for r in here) for n in ("content", "style")
        )
        found = ratios(rows, others, strength)
        told = f"{statistics.median(found):.2f} ({len(found)} pairs)" if found else "none"
        print(
            f"{strength:g}: content {content:.3f}, style {style:.3f}; over the other's style at "
            f"equal content, median {told}"
        )


def plot(rows: list[Row], path: Path) -> None:
    """A thin line for each pair, and their median."""
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
    """Paint, measure, draw and tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, what in (("content", "photographs"), ("style", "paintings")):
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"folder of {what}")
    parser.add_argument("--judge", required=True, help="weights of the judging network, or vgg19")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "calibration")
    parser.add_argument("--size", type=int, default=256, help="long side, in pixels")
    parser.add_argument("--iterations", type=int, default=200, help="for each picture")
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
    print("\n".join(astray(rows)) or "Every pair goes one way along the dial.")
    if arguments.against:
        compare(rows, arguments)


if __name__ == "__main__":
    main()
