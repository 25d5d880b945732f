"""A training's log as a plot. Needs matplotlib."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impasto.sheets.plots import Line, Panel, save_plot

__all__ = ["plot_log"]

_WIDTHS = {"train": 0.8, "held_out": 1.7}


def plot_log(log: Path, target: Path, title: str, goals: Mapping[str, float] | None = None) -> None:
    """Plot a log's figures over the steps: thin in training, with dots on held-out pictures.

    Args:
        log: as `training.loop` writes it.
        target: a PNG; a file of that name is replaced.
        goals: in place of the figures in training, values that the others should reach.
    """
    entries = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    names = list(dict.fromkeys(n for e in entries for kind in _WIDTHS for n in e.get(kind, ())))
    kinds = [kind for kind in _WIDTHS if goals is None or kind == "held_out"]
    lines = [_line(entries, kind, name, names.index(name)) for kind in kinds for name in names]
    panel = Panel(
        [line for line in lines if line.x],
        "steps, in thousands",
        title=title,
        goals=[(value, names.index(name)) for name, value in (goals or {}).items()],
    )
    save_plot([panel], target, size=(8, 4.5))


def _line(entries: list[dict[str, Any]], kind: str, name: str, colour: int) -> Line:
    points = {e["step"] / 1000: e[kind][name] for e in entries if name in e.get(kind, ())}
    label = name if kind == "train" else f"{name}, held out"
    marks = [*points] if kind == "held_out" else []
    return Line(label, [*points], [*points.values()], marks, colour, width=_WIDTHS[kind])
