"""How steady painted films are, how near to their style, and how long a frame takes.

    python benchmarks/film.py --clip bikes.mp4 --clip ambush_4 --fps 24 --style starry-night.jpg \\
        --method instant --method quick --out benchmarks/results

Each clip is painted shot by shot, once as films are and once each frame by itself, and both are
compared with the clip: the warping error of Lai et al. (ECCV 2018; the root of the mean square)
along the clip's own flow, whose own error is the floor. Style distances are those of `impasto
evaluate`. Writes `film.json`, and for each clip a sheet of frames and strips of one column.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stylize import ROOT, machine

from impasto.config.bases import StyledConfig
from impasto.config.film import FilmSettings
from impasto.config.methods import configs_with
from impasto.errors import ImpastoError
from impasto.evaluation.judge import Judge
from impasto.evaluation.painted_films import ClipPart, PaintedFilm, as_image, measured
from impasto.features import weights
from impasto.files import atomic
from impasto.film.clip import open_clip
from impasto.film.painters import film_painter
from impasto.film.shots import shots_of
from impasto.image.reading import read
from impasto.painting.sources import Sources
from impasto.runtime import keep_freed_memory
from impasto.sheets.film_sheet import draw_frames, draw_strips
from impasto.styles.statistics import Painting


def measure(part: ClipPart, options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Paint a part of a clip by every method and return its figures, and the films' pictures."""
    first = next(part.frames()).pixels
    style = Painting(read(options.style).pixels)
    judge = Judge(weights.load("compact"), "compact", first, style)
    films = {}
    for method in options.method:
        config = configs_with(StyledConfig)[method](size=options.size)
        for name, steady in ((method, options.steady), (f"{method}, each by itself", 0.0)):
            if steady or method not in options.without_ceiling:
                painter = film_painter(
                    Sources.of(None, options.style), config, FilmSettings(steady=steady)
                )
                films[name] = PaintedFilm(part, painter, judge, alone=steady == 0)
    floor, rows = measured(part, films)
    return {
        "clip": part.clip.path.name,
        "first": part.bounds.start,
        "frames": len(part.bounds),
        "shots": len(part.shots),
        "size": [first.shape[-1], first.shape[-2]],
        "warping_error": round(floor, 5),
        "films": {name: _rounded(asdict(row)) for name, row in rows.items()},
    }, {name: film.pictures for name, film in films.items()}


def _rounded(row: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 4) for name, value in row.items()}


def draw(part: ClipPart, films: dict[str, Any], target: Path) -> None:
    """Write the sheet and the strips of a clip's films."""
    pictures = {"The clip": [as_image(frame.pixels) for frame in part.frames()], **films}
    shown = [index - part.bounds.start for index in part.judged[::2]]
    sheet = {name: [each[i] for i in shown] for name, each in pictures.items()}
    captions = [f"frame {part.bounds.start + i}" for i in shown]
    draw_frames(sheet, captions).save(f"{target}-frames.jpg", quality=90)
    draw_strips(pictures).save(f"{target}-strips.png")


def part_of(path: str, options: argparse.Namespace) -> ClipPart:
    """Open a clip and find the shots of the frames that are painted."""
    clip = open_clip(path, options.fps if Path(path).is_dir() else None)
    stop = min(options.start + options.frames, clip.info.frames)
    return ClipPart(clip, options.size, shots_of(clip, options.start, stop))


def main() -> None:
    """Read the command line, measure, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--clip", action="append", required=True, help="repeat for several")
    parser.add_argument("--style", required=True, help="a painting's file")
    parser.add_argument("--method", action="append", help="repeat for several; instant")
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
    options.out.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    try:
        clips = []
        for path in options.clip:
            part = part_of(path, options)
            figures, films = measure(part, options)
            clips.append(figures)
            print(json.dumps(figures), flush=True)
            if options.sheets:
                options.sheets.mkdir(parents=True, exist_ok=True)
                draw(part, films, options.sheets / Path(path).stem)
        report = {"style": Path(options.style).name, "clips": clips, "machine": machine()}
        target = options.out / "film.json"
        atomic.replace(target, (json.dumps(report, indent=2) + "\n").encode(), force=True)
    except ImpastoError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
