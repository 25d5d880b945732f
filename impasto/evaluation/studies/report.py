"""The report of a study: sheet, curves, film, tables and page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from PIL import Image
from torch import Tensor

from impasto.config.specs import layer_weights
from impasto.evaluation.judge import Figures, GramRow, Judge
from impasto.evaluation.studies.curves import curves_of, save_losses, save_time
from impasto.evaluation.studies.film import write_film
from impasto.evaluation.studies.page import Entry, Page, render_page
from impasto.evaluation.studies.result import Painted, StudyResult, rgb
from impasto.evaluation.studies.sheet import draw_sheet
from impasto.evaluation.studies.tables import gram_line, run_line, save_table, step_line
from impasto.features import weights as stored
from impasto.files import atomic
from impasto.image.picture import fit
from impasto.image.reading import read
from impasto.image.writing import write
from impasto.sheets.contact_sheet import Cell

__all__ = ["write_report"]


def write_report(result: StudyResult) -> None:
    """Measure every picture and write everything but the pictures themselves.

    Raises:
        ImpastoError: a file that cannot be written or read.
    """
    judge = _judge(result)
    pictures = [read(one.record.file) for one in result.painted]
    figures = [judge.figures(picture.pixels) for picture in pictures]
    grams = _grams(result, judge, [picture.pixels for picture in pictures])
    write(result.subject.photograph, result.folder / "photograph.png", force=True)
    write(result.painting, result.folder / "painting.png", force=True)
    _write_tables(result, figures, grams)
    curves = curves_of(result)
    save_losses(curves, result.folder / "losses.png")
    save_time(curves, result.folder / "time.png")
    cells = [
        _cell(one, rgb(picture), measured)
        for one, picture, measured in zip(result.painted, pictures, figures, strict=True)
    ]
    write(read(draw_sheet(result, cells)), result.folder / "sheet.png", force=True)
    film = write_film(result, cells)
    _write_page(result, figures, grams, film)


def _judge(result: StudyResult) -> Judge:
    """Load a judge in float32 and with max pooling, so that its figures are `evaluate`'s."""
    base, subject = result.base, result.subject
    extractor = stored.load(base.backbone, weights=subject.weights)
    layers = layer_weights(base.style_layers) | layer_weights(base.content_layers)
    return Judge(extractor, base.backbone, subject.photograph.pixels, subject.painting, [*layers])


def _grams(result: StudyResult, judge: Judge, pictures: Sequence[Tensor]) -> list[GramRow]:
    side = max(max(pixels.shape[-2:]) for pixels in pictures)
    rows = judge.gram_rows("photograph", fit(result.subject.photograph.pixels, side))
    rows += judge.painting_rows("painting", side)
    for one, pixels in zip(result.painted, pictures, strict=True):
        rows += judge.gram_rows(one.variant.label, pixels)
    return rows


def _write_tables(
    result: StudyResult, figures: Sequence[Figures], grams: Sequence[GramRow]
) -> None:
    runs = [
        run_line(one.number, one.variant, one.record, measured)
        for one, measured in zip(result.painted, figures, strict=True)
    ]
    save_table(result.folder / "runs.csv", runs)
    steps = [step_line(curve.label, tick) for curve in curves_of(result) for tick in curve.ticks]
    save_table(result.folder / "steps.csv", steps)
    save_table(result.folder / "gram.csv", [gram_line(row) for row in grams])


def _cell(one: Painted, image: Image.Image, figures: Figures) -> Cell:
    parts = {"content": figures.content, "style": figures.style}
    note = " · ".join(f"{name} {value:.3f}" for name, value in parts.items() if value is not None)
    return Cell(image, one.variant.label, note, one.variant.row, one.variant.column)


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


def _write_page(
    result: StudyResult, figures: Sequence[Figures], grams: Sequence[GramRow], film: str | None
) -> None:
    page = Page(
        title=result.study.title,
        about=result.study.about,
        settings=result.settings,
        photograph="photograph.png",
        painting="painting.png",
        painting_note=result.painting_note,
        entries=[_entry(one, f) for one, f in zip(result.painted, figures, strict=True)],
        planned=result.planned,
        film=film,
        grams=grams,
        command=result.command,
        backbone=result.base.backbone,
    )
    text = render_page(page)
    atomic.replace(result.folder / "index.html", text.encode("utf-8"), force=True)
