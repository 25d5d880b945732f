"""The report of a training: a card with the figures, a sheet, the curves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from impasto.files import atomic
from impasto.networks.brush import brush_of
from impasto.networks.brush_painting import paint_with
from impasto.networks.trained import Trained, TrainedStyle
from impasto.sheets.plots import can_plot
from impasto.training.curves import plot_log
from impasto.training.fast import FastTraining, NamedStyle
from impasto.training.loop import Loop
from impasto.training.painting_lesson import PaintingLesson
from impasto.training.preflight import report_files
from impasto.training.previews import contact_sheet
from impasto.version import __version__

__all__ = ["write_report"]

_PHOTOS = 4

# Styles on a sheet; a JPEG takes no more than 65,500 pixels.
_STYLES = 24


def write_report(
    made: Trained, styles: Sequence[NamedStyle], lesson: PaintingLesson, loop: Loop, out: Path
) -> None:
    """Write the card, the sheet and the curves of a finished training.

    Args:
        styles: those trained this time.
        out: the file of styles, which the others are named after.
    """
    extractor = lesson.painting_loss.extractor
    painters = []
    first = max(0, len(made.metadata.entries) - _STYLES)
    for number, entry in enumerate(made.metadata.entries[first:], first):
        brush = brush_of(TrainedStyle(made, number), 0.5, extractor)
        painters.append((entry.name, partial(paint_with, brush, extractor=extractor)))
    card, sheet, curves = report_files(out)
    photos = [photo[None] for photo in lesson.held_out[:_PHOTOS]]
    contact_sheet(photos, painters, sheet)
    if can_plot():
        plot_log(loop.log, curves, ", ".join(style.name for style in styles))
    atomic.replace(card, _card(made, lesson, loop).encode(), force=True)


def _card(made: Trained, lesson: PaintingLesson, loop: Loop) -> str:
    options = lesson.options
    assert isinstance(options, FastTraining)
    rows = [
        f"| {e.name} | {e.steps} | "
        + " | ".join(f"{figure:.3f}" for figure in (e.before, e.loss, e.content, e.style))
        + " |"
        for e in made.metadata.entries
    ]
    trained = "the new styles' scales and shifts" if options.extends else "the whole network"
    return f"""# Trained styles

| style | steps | loss before | loss | content | style |
|---|---|---|---|---|---|
{chr(10).join(rows)}

Measured on held-out photographs ({len(lesson.held_out)} in the last training), at strength 0.5.
*Content* is the distance to the photograph over its own energy, *style* that to the painting over
the photograph's own (a copy of the photograph has 1), *loss* what `--method gatys` lowers; *loss
before* is that of the network before the style was trained, in a first training of the one that
paints in any style.

The last training: {loop.step} steps of {options.batch} crops of {options.crop} pixels, from
{options.photos} photographs; {trained}; {loop.seconds / 60:.1f} minutes; seed {options.seed}; the
paintings measured with a long side of {options.size} pixels; Impasto {__version__}.

The styles contain statistics of the paintings, not the paintings. Before you pass this file on,
check whose paintings they are.
"""
