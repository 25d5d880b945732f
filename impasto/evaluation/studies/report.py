"""What a study shows: its sheet, curves, film, tables and page, made from what is painted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image

from impasto.config.bases import PhotoConfig
from impasto.config.specs import layer_weights
from impasto.evaluation.judge import Figures, GramRow, Judge
from impasto.evaluation.studies import film as films
from impasto.evaluation.studies.folder import Record
from impasto.evaluation.studies.page import Entry, Sheet, page
from impasto.evaluation.studies.painting import Subject
from impasto.evaluation.studies.registry import Study, Variant
from impasto.evaluation.studies.tables import gram_line, run_line, save_table, step_line
from impasto.features import weights as networks
from impasto.files import atomic
from impasto.image.picture import Picture, fit
from impasto.image.reading import read
from impasto.image.writing import to_pil, write
from impasto.sheets.contact_sheet import Cell, sheet
from impasto.sheets.curves import Curve, save_losses, save_time
from impasto.styles.card import StyleCard
from impasto.styles.statistics import Painting

__all__ = ["Painted", "Report", "write_report"]


@dataclass(frozen=True)
class Painted:
    """A variant and its picture."""

    number: int
    variant: Variant
    record: Record


@dataclass(frozen=True)
class Report:
    """What a report is made of.

    Attributes:
        base: of which each run changes something.
        planned: how many pictures there were to be.
        frames: of a film that shows one being painted; empty otherwise.
        film: whether to write one.
    """

    study: Study
    kind: str
    folder: Path
    command: str
    subject: Subject
    base: PhotoConfig
    painted: Sequence[Painted]
    planned: int
    frames: Sequence[Cell] = ()
    film: bool = True


def write_report(report: Report) -> None:
    """Measure every picture and write everything but the pictures themselves.

    Raises:
        ImpastoError: a file that cannot be written or read.
    """
    judge = _judge(report)
    pictures = [read(one.record.file).pixels for one in report.painted]
    figures = [judge.figures(pixels) for pixels in pictures]
    grams = _grams(report, judge, pictures)
    _parents(report)
    _tables(report, figures, grams)
    _plots(report)
    cells = [
        _cell(one, _image(pixels), numbers)
        for one, pixels, numbers in zip(report.painted, pictures, figures, strict=True)
    ]
    _sheet(report, cells)
    film = _film(report, cells)
    entries = [_entry(one, f) for one, f in zip(report.painted, figures, strict=True)]
    _page(report, entries, grams, film)


def _judge(report: Report) -> Judge:
    """In float32 and with max pooling, whatever painted: its figures are `impasto evaluate`'s."""
    backbone = report.base.backbone
    extractor = networks.load(backbone, weights=report.subject.weights)
    layers = layer_weights(report.base.style_layers) | layer_weights(report.base.content_layers)
    return Judge(
        extractor, backbone, report.subject.photograph.pixels, report.subject.painting, [*layers]
    )


def _grams(report: Report, judge: Judge, pictures: Sequence[torch.Tensor]) -> list[GramRow]:
    side = max(max(pixels.shape[-2:]) for pixels in pictures)
    rows = judge.gram_rows("photograph", fit(report.subject.photograph.pixels, side))
    rows += judge.painting_rows("painting", side)
    for one, pixels in zip(report.painted, pictures, strict=True):
        rows += judge.gram_rows(one.variant.label, pixels)
    return rows


def _parents(report: Report) -> None:
    write(report.subject.photograph, report.folder / "photograph.png", force=True)
    write(_painting(report), report.folder / "painting.png", force=True)


def _painting(report: Report) -> Picture:
    """The painting, or a style card's swatch."""
    style = report.subject.painting
    if isinstance(style, StyleCard):
        return Picture(style.swatch[None].float() / 255)
    assert isinstance(style, Painting)
    return Picture(style.pixels)


def _tables(report: Report, figures: Sequence[Figures], grams: Sequence[GramRow]) -> None:
    runs = [
        run_line(one.number, one.variant, one.record, f)
        for one, f in zip(report.painted, figures, strict=True)
    ]
    save_table(report.folder / "runs.csv", runs)
    steps = [step_line(curve.label, tick) for curve in _curves(report) for tick in curve.ticks]
    save_table(report.folder / "steps.csv", steps)
    save_table(report.folder / "gram.csv", [gram_line(row) for row in grams])


def _curves(report: Report) -> list[Curve]:
    """A line for each run: pictures that were taken on one run's way are marks on its line."""
    painted = report.painted
    if painted[0].variant.after is not None:
        marks = tuple(one.record.ticks[-1].iteration for one in painted)
        return [Curve("the run", painted[-1].record.ticks, marks, hue=0.3)]
    rows = list(dict.fromkeys(one.variant.row for one in painted))
    columns = list(dict.fromkeys(one.variant.column for one in painted))
    return [
        Curve(
            one.variant.label,
            one.record.ticks,
            hue=_hue(report, one, rows),
            dash=columns.index(one.variant.column),
            row=one.variant.row,
            column=one.variant.column,
        )
        for one in painted
    ]


def _hue(report: Report, one: Painted, rows: Sequence[str]) -> float | None:
    if not report.study.ordered:
        return None
    if len(rows) > 1:
        return rows.index(one.variant.row) / (len(rows) - 1)
    return (one.number - 1) / max(1, report.planned - 1)


def _plots(report: Report) -> None:
    curves = _curves(report)
    save_losses(curves, report.folder / "losses.png")
    save_time(curves, report.folder / "time.png")


def _image(pixels: torch.Tensor) -> Image.Image:
    return to_pil(Picture(pixels)).convert("RGB")


def _cell(one: Painted, image: Image.Image, figures: Figures) -> Cell:
    parts = {"content": figures.content, "style": figures.style}
    note = " · ".join(f"{name} {value:.3f}" for name, value in parts.items() if value is not None)
    return Cell(image, one.variant.label, note, one.variant.row, one.variant.column)


def _sheet(report: Report, cells: Sequence[Cell]) -> None:
    parents = [
        Cell(_image(report.subject.photograph.pixels), Path(report.subject.content).name),
        Cell(_image(_painting(report).pixels), Path(report.subject.style).name, _card_note(report)),
    ]
    if len(cells) == 1:  # which needs no head to be compared with: all three side by side
        parents, cells = [], [*parents, *cells]
    picture = sheet(report.study.title, [report.study.about, _settings(report)], parents, cells)
    whole = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    planes = whole.view(picture.height, picture.width, 3).permute(2, 0, 1)[None].float() / 255
    write(Picture(planes), report.folder / "sheet.png", force=True)


def _card_note(report: Report) -> str:
    return "texture from its card" if isinstance(report.subject.painting, StyleCard) else ""


def _settings(report: Report) -> str:
    return ", ".join(f"{name} {value}" for name, value in _told(report)[2:])


def _told(report: Report) -> list[tuple[str, str]]:
    """What is the same in every run."""
    last = report.painted[-1].record.ticks[-1]
    told = [
        ("photograph", Path(report.subject.content).name),
        ("painting", Path(report.subject.style).name),
        ("size", f"{last.width}×{last.height}"),
        ("iterations", f"{last.iteration}"),
        ("backbone", report.base.backbone),
    ]
    if report.kind != "strength":
        told.append(("strength", f"{report.base.strength:g}"))
    if report.kind != "init":
        told.append(("seed", str(report.base.seed)))
    return told


def _film(report: Report, cells: Sequence[Cell]) -> str | None:
    """The film's name. One of a painting's becoming is kept where nothing was painted anew."""
    path = report.folder / "film.mp4"
    if not report.film:
        return None
    if report.study.film == "steps" and not report.frames and path.is_file():
        return path.name
    shown = report.frames or cells
    size = max((cell.picture.size for cell in cells), key=lambda size: size[0] * size[1])
    frames = (films.framed(cell, size) for cell in shown)
    films.save_film(path, _rested(frames) if report.frames else films.fading(list(frames)))
    return path.name


def _rested(frames: Iterator[Image.Image]) -> Iterator[Image.Image]:
    """The frames, and the last one for a second and a half."""
    frame = None
    for frame in frames:
        yield frame
    if frame is not None:
        yield from [frame] * 36


def _entry(one: Painted, figures: Figures) -> Entry:
    last = one.record.ticks[-1]
    return Entry(
        label=one.variant.label,
        file=f"runs/{one.record.file.name}",
        width=last.width,
        height=last.height,
        seconds=one.record.seconds,
        iterations=last.iteration,
        row=one.variant.row,
        column=one.variant.column,
        **asdict(figures),
    )


def _page(
    report: Report, entries: Sequence[Entry], grams: Sequence[GramRow], film: str | None
) -> None:
    text = page(
        Sheet(
            title=report.study.title,
            about=report.study.about,
            told=_told(report),
            photograph="photograph.png",
            painting="painting.png",
            painting_note=_card_note(report),
            entries=entries,
            planned=report.planned,
            film=film,
            grams=grams,
            command=report.command,
            backbone=report.base.backbone,
        )
    )
    atomic.replace(report.folder / "index.html", text.encode("utf-8"), force=True)
