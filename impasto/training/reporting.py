"""What a training leaves beside its styles: a card with the figures, a sheet, the curves."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from impasto.files import atomic
from impasto.networks.brush import brush_of
from impasto.networks.brush_painting import paint_with
from impasto.networks.trained import Trained, TrainedStyle
from impasto.training.curves import draw
from impasto.training.fast import FastTraining, Learnt
from impasto.training.lesson import PaintingLesson
from impasto.training.loop import Loop
from impasto.training.previews import contact_sheet
from impasto.version import __version__

__all__ = ["left_beside", "report"]

_PHOTOS = 4

# Styles on a sheet; a JPEG takes no more than 65,500 pixels.
_STYLES = 24


def left_beside(out: Path) -> tuple[Path, Path, Path]:
    """Card, sheet and curves of a file of styles."""
    stem = out.stem
    return (
        out.with_suffix(".md"),
        out.with_name(f"{stem}-sheet.jpg"),
        out.with_name(f"{stem}-curves.png"),
    )


def report(
    made: Trained, styles: Sequence[Learnt], lesson: PaintingLesson, loop: Loop, out: Path
) -> None:
    """Write the card, the sheet and the curves of a training that is done.

    Args:
        styles: those that were trained now.
        out: the file of styles; all have its name.
    """
    extractor = lesson.judge.extractor
    painters = []
    first = max(0, len(made.metadata.entries) - _STYLES)
    for number, entry in enumerate(made.metadata.entries[first:], first):
        brush = brush_of(TrainedStyle(made, number), 0.5, extractor)
        painters.append((entry.name, partial(paint_with, brush, extractor=extractor)))
    card, sheet, curves = left_beside(out)
    photos = [photo[None] for photo in lesson.held_out[:_PHOTOS]]
    contact_sheet(photos, painters, sheet)
    with contextlib.suppress(ImportError):  # matplotlib is an extra
        draw(loop.log, curves, ", ".join(style.name for style in styles))
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
    how = "its own scales and shifts alone" if options.extends else "the whole network"
    return f"""# Trained styles

| style | steps | loss before | loss | content | style |
|---|---|---|---|---|---|
{chr(10).join(rows)}

Of photographs that were not trained on ({len(lesson.held_out)} in the last training), at strength
0.5. *Content* is the distance to the photograph over its own energy, *style* that to the painting
over the photograph's own (a copy of the photograph has 1), *loss* what `--method gatys` lowers;
*before*, that of the network as it was before the style was trained: of a first training, the one
that paints in any style.

The last training: {loop.step} steps of {options.batch} crops of {options.crop} pixels, of
{options.photos} photographs; {how}; {loop.seconds / 60:.1f} minutes; seed {options.seed}; the
paintings looked at with a long side of {options.size} pixels; Impasto {__version__}.

The styles hold statistics of the paintings, not the paintings. Whose they are, whoever passes this
file on has to know.
"""
