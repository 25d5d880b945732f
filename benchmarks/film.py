"""How steady painted films are, how near to their style, and how long a frame takes.

    python benchmarks/film.py --clip bikes.mp4 --clip ambush_4 --fps 24 --style starry-night \\
        --method instant --method quick --out benchmarks/results

Each clip is painted shot by shot, once as films are and once each frame by itself, and both are
compared with the clip: the warping error of Lai et al. (ECCV 2018; the root of the mean square)
along the clip's own flow, whose own error is the floor. Style distances are those of `impasto
evaluate`. Writes `film.json`, and for each clip a sheet of frames and strips of one column.
Frames are neither read from painted files nor written to them: a film's codec does not count.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from stylize import ROOT, machine
from torch import Tensor

from impasto.config.bases import StyledConfig
from impasto.config.film import FilmSettings
from impasto.config.methods import configs_with
from impasto.errors import ImpastoError
from impasto.evaluation.judge import Judge
from impasto.evaluation.warping import ORIGINAL, Steadiness, warping_errors
from impasto.features import weights
from impasto.files import atomic
from impasto.film.chunk_painting import sample_of
from impasto.film.clip import Clip, open_clip
from impasto.film.frame import Frame
from impasto.film.painter import FilmPainter
from impasto.film.painters import film_painter
from impasto.film.shots import shots_of
from impasto.image.reading import read
from impasto.painting.sources import Sources
from impasto.runtime import keep_freed_memory
from impasto.sheets.film_sheet import draw_frames, draw_strips
from impasto.styles.statistics import Painting

Pixels = Float[Tensor, "1 3 h w"]

JUDGED = 8  # frames of a film whose style is measured, and that are on its sheet


@dataclass
class Part:
    """The frames of a clip that are painted."""

    clip: Clip
    size: int
    shots: Sequence[range]

    def frames(self) -> Iterator[Frame]:
        """Yield them at their size."""
        return self.clip.frames(self.shots[0].start, self.shots[-1].stop, self.size)

    def judged(self) -> list[int]:
        """Return the indices of those whose style is measured, from all over them."""
        start, stop = self.shots[0].start, self.shots[-1].stop
        return [start + (stop - start) * (2 * i + 1) // (2 * JUDGED) for i in range(JUDGED)]


@dataclass
class Film:
    """A part's frames as a painter paints them, and what is measured of them meanwhile."""

    part: Part
    painter: FilmPainter
    judge: Judge
    alone: bool
    seconds: list[float] = field(default_factory=list)
    styles: list[float] = field(default_factory=list)
    pictures: list[Image.Image] = field(default_factory=list)

    def __iter__(self) -> Iterator[Pixels]:
        judged = set(self.part.judged())
        starts = {shot.start: shot for shot in self.part.shots}
        for frame in self.part.frames():
            if self.alone:
                self.painter.begin([frame])
            elif frame.index in starts:
                shot = starts[frame.index]
                bounds = (shot.start, shot.stop)
                self.painter.begin(sample_of(self.part.clip, bounds, self.part.size))
            began = time.perf_counter()
            pixels = self.painter.paint(frame)
            self.seconds.append(time.perf_counter() - began)
            if frame.index in judged:
                self.styles.append(self.judge.distances(pixels)[1] or 0.0)
            self.pictures.append(image(pixels))
            yield pixels

    def row(self, steadiness: Steadiness, floor: Steadiness) -> dict[str, Any]:
        """Return its figures."""
        return {
            "warping_error": round(steadiness.error, 5),
            "squared": round(steadiness.squared, 7),
            "times_the_clip": round(steadiness.error / floor.error, 3),
            "style_distance": round(statistics.fmean(self.styles), 4),
            # The first frame of a shot takes longer with some methods, and is not the rule.
            "seconds_a_frame": round(statistics.median(self.seconds), 4),
        }


def image(pixels: Pixels) -> Image.Image:
    """Return pixels as a picture in bytes."""
    levels = (pixels[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(levels.contiguous().numpy())


def measure(part: Part, options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Film]]:
    """Paint a part of a clip by every method and return its figures, and the films."""
    first = next(part.frames())
    style = read_style(options.style)
    judge = Judge(weights.load("compact"), "compact", first.pixels, style)
    configs = configs_with(StyledConfig)
    films = {}
    for method in options.method:
        config = configs[method](size=max(first.pixels.shape[-2:]), **dict(options.option))
        sources = Sources.of(None, options.style)
        for name, steady in ((method, options.steady), (f"{method}, each by itself", 0.0)):
            if steady or method not in options.without_ceiling:
                painter = film_painter(sources, config, FilmSettings(steady=steady))
                films[name] = Film(part, painter, judge, alone=steady == 0)
    cuts = [shot.start for shot in part.shots]
    errors = warping_errors(part.frames(), films, cuts)
    floor = errors[ORIGINAL]
    rows = {name: film.row(errors[name], floor) for name, film in films.items()}
    return {
        "clip": part.clip.path.name,
        "frames": len(next(iter(films.values())).seconds),
        "shots": len(part.shots),
        "size": [first.pixels.shape[-1], first.pixels.shape[-2]],
        "warping_error": round(floor.error, 5),
        "films": rows,
    }, films


def read_style(name: str) -> Painting:
    """Return the painting that judges the style: films are painted from its file."""
    return Painting(read(name).pixels)


def draw(part: Part, films: dict[str, Film], target: Path) -> None:
    """Write the sheet and the strips of a clip's films."""
    original = [image(frame.pixels) for frame in part.frames()]
    pictures = {"The clip": original, **{name: film.pictures for name, film in films.items()}}
    shown = [index - part.shots[0].start for index in part.judged()][::2]
    sheet = {name: [each[i] for i in shown] for name, each in pictures.items()}
    draw_frames(sheet, [f"frame {part.shots[0].start + i}" for i in shown]).save(
        target.with_name(target.name + "-frames.jpg"), quality=90
    )
    draw_strips(pictures).save(target.with_name(target.name + "-strips.png"))


def part_of(path: str, options: argparse.Namespace) -> Part:
    """Open a clip and find the shots of the frames that are painted."""
    clip = open_clip(path, options.fps if Path(path).is_dir() else None)
    stop = min(options.start + options.frames, clip.info.frames)
    return Part(clip, options.size, shots_of(clip, min(options.start, stop - 2), stop))


def main() -> None:
    """Read the command line, measure, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--clip", action="append", required=True, help="repeat for several")
    parser.add_argument("--style", type=str, required=True, help="a painting's file")
    parser.add_argument("--method", action="append", help="repeat for several; instant")
    parser.add_argument("--option", action="append", default=[], help="of the method: NAME=NUMBER")
    parser.add_argument("--without-ceiling", action="append", default=[], metavar="METHOD")
    parser.add_argument("--steady", type=float, default=1.0)
    parser.add_argument("--size", type=int, default=480)
    parser.add_argument("--start", type=int, default=0, help="index of the first frame")
    parser.add_argument("--frames", type=int, default=10**6, help="at most")
    parser.add_argument("--fps", type=float, default=24.0, help="of clips that are folders")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--sheets", type=Path, help="a folder for the sheets")
    options = parser.parse_args()
    options.method = options.method or ["instant"]
    options.option = [
        (name, float(value)) for name, value in (o.split("=") for o in options.option)
    ]
    options.option = [(n, int(v) if v == int(v) else v) for n, v in options.option]
    options.out.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    try:
        rows = []
        for path in options.clip:
            part = part_of(path, options)
            row, films = measure(part, options)
            rows.append(row)
            print(json.dumps(row, indent=2), flush=True)
            if options.sheets:
                options.sheets.mkdir(parents=True, exist_ok=True)
                draw(part, films, options.sheets / Path(path).stem)
        report = {"style": Path(options.style).name, "clips": rows, "machine": machine()}
        target = options.out / "film.json"
        atomic.replace(target, (json.dumps(report, indent=2) + "\n").encode(), force=True)
    except ImpastoError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
