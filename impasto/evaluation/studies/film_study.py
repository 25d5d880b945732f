"""`impasto study film`: how steady films of a clip are, by method and by how firmly they keep."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from impasto.config.bases import StyledConfig
from impasto.config.film import FilmSettings
from impasto.config.methods import InstantConfig
from impasto.errors import OptionError
from impasto.evaluation.judge import Judge
from impasto.evaluation.painted_films import ClipPart, FilmRow, PaintedFilm, as_image, measured
from impasto.evaluation.studies.film_registry import FilmVariant
from impasto.evaluation.studies.tables import save_table
from impasto.features import weights as stored
from impasto.files import atomic
from impasto.film.clip import open_clip
from impasto.film.painter import FilmPainter
from impasto.film.painters import film_painter
from impasto.film.shots import shots_of
from impasto.painting.common import network_of
from impasto.painting.inputs import read_style
from impasto.painting.sources import Sources
from impasto.sheets.drawing import jpeg
from impasto.sheets.film_sheet import draw_frames, draw_strips
from impasto.sheets.pages import render

__all__ = ["FilmStudySpec", "FilmWatch", "run_film_study"]

_MOST = 96  # frames of the clip that are painted
_TIMED = 4  # frames that are painted at each size for the time that one takes
_SHOWN = 4  # frames on the sheet

FilmWatch = Callable[[float], bool]
"""Is told the share that is done; where it returns False the study ends, with nothing written."""


@dataclass(frozen=True)
class FilmStudySpec:
    """A study of films.

    Attributes:
        clip: a film, or what else `open_clip` opens.
        style: a painting, a style card, or the name of a built-in one.
        variants: the films that are compared.
        configs: of their methods, by name; sizes are the films'.
        folder: where the study goes: new or empty.
        force: write into the folder whatever is in it.
        command: that made it, for the page.
    """

    clip: Path
    style: str
    variants: Sequence[FilmVariant]
    configs: Mapping[str, StyledConfig]
    folder: Path
    force: bool = False
    command: str = ""

    @property
    def size(self) -> int:
        """The films' long side in pixels."""
        return next(iter(self.configs.values())).size


class _StoppedError(Exception):
    pass


def run_film_study(spec: FilmStudySpec, watch: FilmWatch = lambda _: True) -> Path | None:
    """Paint a study's films, measure them and write its page; return that, None if it was stopped.

    The first 96 frames of the clip are painted.

    Raises:
        ImpastoError: anything that cannot be used, before anything is painted or written.
    """
    _check_folder(spec)
    clip = open_clip(spec.clip)
    part = ClipPart(clip, spec.size, shots_of(clip, 0, min(_MOST, clip.info.frames)))
    judge = _judge(spec, part)
    films = {
        variant.label: PaintedFilm(part, _painter(spec, variant), judge, alone=not variant.steady)
        for variant in spec.variants
    }
    try:
        for film in films.values():
            film.painter = _Told(film.painter, len(part.bounds) * len(films), films, watch)
        floor, rows = measured(part, films)
    except _StoppedError:
        return None
    return _write(spec, part, films, floor, rows)


def _check_folder(spec: FilmStudySpec) -> None:
    if spec.folder.exists() and not spec.force and any(spec.folder.iterdir()):
        raise OptionError(
            f"{spec.folder} is not empty. Give a new folder with --out, or --force to write into "
            "it."
        )


def _painter(spec: FilmStudySpec, variant: FilmVariant) -> FilmPainter:
    settings = FilmSettings(steady=variant.steady)
    return film_painter(Sources.of(None, spec.style), spec.configs[variant.method], settings)


@dataclass
class _Told:
    """A painter that tells how many frames of all films are painted."""

    painter: FilmPainter
    total: int
    films: Mapping[str, PaintedFilm]
    watch: FilmWatch

    def begin(self, sample: Sequence[Any]) -> None:
        self.painter.begin(sample)

    def paint(self, frame: Any) -> Any:
        done = sum(len(film.pictures) for film in self.films.values())
        if not self.watch(done / self.total):
            raise _StoppedError
        return self.painter.paint(frame)


def _judge(spec: FilmStudySpec, part: ClipPart) -> Judge:
    """Return what measures the distance to the style: `compact`, as all built-in cards are its."""
    config = InstantConfig(size=spec.size)
    extractor = stored.load("compact")
    network, digest = network_of(config, Sources.of(None, spec.style), extractor)
    style = read_style(spec.style, config, network, digest).style
    return Judge(extractor, "compact", next(part.frames()).pixels, style)


def _write(
    spec: FilmStudySpec,
    part: ClipPart,
    films: Mapping[str, PaintedFilm],
    floor: float,
    rows: Mapping[str, FilmRow],
) -> Path:
    """Write tables, sheets and the page, and return the page."""
    spec.folder.mkdir(parents=True, exist_ok=True)
    original = [as_image(frame.pixels) for frame in part.frames()]
    pictures = {"the clip": original, **{name: film.pictures for name, film in films.items()}}
    shown = [len(original) * (2 * i + 1) // (2 * _SHOWN) for i in range(_SHOWN)]
    sheet = {name: [each[i] for i in shown] for name, each in pictures.items()}
    jpeg(draw_frames(sheet, [f"frame {i}" for i in shown]), spec.folder / "frames.jpg")
    jpeg(draw_strips(pictures), spec.folder / "strips.jpg")
    save_table(spec.folder / "films.csv", [{"film": k, **asdict(row)} for k, row in rows.items()])
    times = _times(spec, part)
    save_table(spec.folder / "times.csv", times)
    page = spec.folder / "index.html"
    text = render(
        "film-study.html",
        clip=spec.clip.name,
        style=Path(spec.style).name,
        size="×".join(map(str, original[0].size)),
        frames=len(original),
        shots=len(part.shots),
        floor=floor,
        rows=rows,
        times=times,
        command=spec.command,
    )
    atomic.replace(page, text.encode("utf-8"), force=True)
    return page


def _times(spec: FilmStudySpec, part: ClipPart) -> list[dict[str, Any]]:
    """Return the seconds that a frame takes with each method, at the films' size and at half."""
    lines = []
    for method in spec.configs:
        for size in sorted({max(64, spec.size // 2), spec.size}):
            smaller = ClipPart(part.clip, size, [range(part.bounds.start, part.bounds.stop)])
            seconds = _seconds(spec, method, smaller)
            lines.append({"method": method, "long_side": size, "seconds": seconds})
    return lines


def _seconds(spec: FilmStudySpec, method: str, part: ClipPart) -> float:
    config = replace(spec.configs[method], size=part.size)
    painter = film_painter(Sources.of(None, spec.style), config, FilmSettings())
    frames = list(islice(part.frames(), _TIMED))
    painter.begin(frames)
    seconds = []
    for frame in frames:
        began = perf_counter()
        painter.paint(frame)
        seconds.append(perf_counter() - began)
    # The first one's start, and what is loaded with it, are not those of a film's frames.
    return statistics.median(seconds[1:] or seconds)
