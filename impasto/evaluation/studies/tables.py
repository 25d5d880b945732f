"""A study's numbers as CSV: one line for each picture, each iteration, each Gram matrix."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from impasto.errors import PictureError
from impasto.evaluation.judge import Figures, GramRow
from impasto.evaluation.studies.folder import Record, Tick
from impasto.evaluation.studies.registry import Variant
from impasto.files import atomic

__all__ = ["gram_line", "run_line", "save_table", "step_line"]

Line = Mapping[str, Any]


def run_line(number: int, variant: Variant, record: Record, figures: Figures) -> dict[str, Any]:
    """Return a picture's line: what it stands for, its figures, and every setting."""
    last = record.ticks[-1]
    losses = {f"loss_{name}": value for name, value in last.losses.items()}
    return {
        "number": number,
        "label": variant.label,
        "value": variant.value,
        "file": f"runs/{record.file.name}",
        "seconds": round(last.seconds, 3),
        "after_iterations": last.iteration,
        "width": last.width,
        "height": last.height,
        **losses,
        "content_distance": figures.content,
        "style_distance": figures.style,
        "ssim": figures.ssim,
        "colour_distance": figures.colour,
        "start": variant.config.init if variant.init is None else str(variant.init),
        **{name: _plain(value) for name, value in asdict(variant.config).items()},
    }


def step_line(run: str, tick: Tick) -> dict[str, Any]:
    """Return the line of an iteration of a run."""
    losses = {f"loss_{name}": value for name, value in tick.losses.items()}
    place = {name: value for name, value in asdict(tick).items() if name != "losses"}
    return {"run": run, **place, **losses}


def gram_line(row: GramRow) -> dict[str, Any]:
    """Return the line of a layer's Gram matrix of one picture."""
    height, width = row.features or (None, None)
    return {
        "picture": row.picture,
        "layer": row.layer,
        "gram_rows": row.size,
        "gram_columns": row.size,
        "layer_height": height,
        "layer_width": width,
        "min": row.minimum,
        "max": row.maximum,
        "mean": row.mean,
        "distance_to_painting": row.distance,
    }


def save_table(path: Path, lines: Iterable[Line]) -> None:
    """Write lines as CSV in UTF-8; a column that a line lacks stays empty there.

    Raises:
        PictureError: it cannot be written.
    """
    lines = list(lines)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, _columns(lines), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    atomic.replace(path, out.getvalue().encode("utf-8"), force=True, error=PictureError)


def _columns(lines: Sequence[Line]) -> list[str]:
    """Return every line's columns; a loss only some runs have comes next to the other losses."""
    columns: list[str] = []
    for line in lines:
        names = list(line)
        for i, name in enumerate(names):
            if name not in columns:
                before = names[i - 1] if i else None
                columns.insert(columns.index(before) + 1 if before else 0, name)
    return columns


def _plain(value: Any) -> Any:
    return " ".join(str(item) for item in value) if isinstance(value, (list, tuple)) else value
