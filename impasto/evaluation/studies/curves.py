"""A study's curves: losses and time over iterations, a line for each run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.evaluation.studies.folder import Tick
from impasto.evaluation.studies.result import Painted, StudyResult
from impasto.sheets.plots import Key, Line, Panel, save_plot

__all__ = ["Curve", "curves_of", "save_losses", "save_time"]

_TITLES = {
    "content": "content",
    "detail": "small details",
    "style": "style",
    "total": "all terms, weighted",
    "tv": "total variation",
    "laplacian": "Laplacian",
    "l2": "pixels",
}
_MOST_NAMED = 60  # curves; a legend of more is taller than its plot


@dataclass(frozen=True)
class Curve:
    """One run.

    Attributes:
        label: its name in the legend.
        ticks: every iteration.
        marks: iterations after which a picture was taken on the way.
        hue: from 0 to 1 along the study's values; None for values that have no order.
        dash: the number of its pattern, from 0; for a second dimension.
        row, column: what its colour and its pattern stand for, in a study of two dimensions.
    """

    label: str
    ticks: tuple[Tick, ...]
    marks: tuple[int, ...] = ()
    hue: float | None = None
    dash: int = 0
    row: str = ""
    column: str = ""


def curves_of(result: StudyResult) -> list[Curve]:
    """Return a curve for each run; pictures taken on one run's way are marks on its curve."""
    painted = result.painted
    if painted[0].variant.after is not None:
        marks = tuple(one.record.ticks[-1].iteration for one in painted)
        return [Curve("the run", painted[-1].record.ticks, marks, hue=0.3)]
    rows = list(dict.fromkeys(one.variant.row for one in painted))
    columns = list(dict.fromkeys(one.variant.column for one in painted))
    return [
        Curve(
            one.variant.label,
            one.record.ticks,
            hue=_hue(result, one, rows),
            dash=columns.index(one.variant.column),
            row=one.variant.row,
            column=one.variant.column,
        )
        for one in painted
    ]


def _hue(result: StudyResult, one: Painted, rows: Sequence[str]) -> float | None:
    if not result.study.ordered:
        return None
    if len(rows) > 1:
        return rows.index(one.variant.row) / (len(rows) - 1)
    return (one.number - 1) / max(1, result.planned - 1)


def save_losses(curves: Sequence[Curve], path: Path) -> None:
    """Plot every term in a panel of its own.

    Raises:
        PictureError: it cannot be written.
    """
    ticks = [tick for curve in curves for tick in curve.ticks]
    positive = {name for tick in ticks for name, loss in tick.losses.items() if loss > 0}
    names = [name for name in _TITLES if name in positive] or ["total"]
    _save(curves, [_losses(curves, name) for name in names], path, size=(5.6, 3.5))


def save_time(curves: Sequence[Curve], path: Path) -> None:
    """Plot the seconds.

    Raises:
        PictureError: it cannot be written.
    """
    lines = _lines(curves, lambda tick: tick.seconds)
    panel = Panel(
        lines,
        "iteration",
        "time since the run began (s)",
        is_log=False,
        sections=_sections(curves),
    )
    _save(curves, [panel], path, size=(7.0, 4.2))


def _save(
    curves: Sequence[Curve], panels: Sequence[Panel], path: Path, size: tuple[float, float]
) -> None:
    is_named = 1 < len(curves) <= _MOST_NAMED
    save_plot(panels, path, size=size, legend=is_named, keys=_keys(curves))


def _losses(curves: Sequence[Curve], name: str) -> Panel:
    # Without a run's first tenth: a photograph's own content loss begins at nothing.
    settled = [tick for curve in curves for tick in curve.ticks[len(curve.ticks) // 10 :]]
    losses = [loss for tick in settled if (loss := tick.losses.get(name, 0.0)) > 0]
    return Panel(
        _lines(curves, lambda tick: tick.losses.get(name)),
        "iteration",
        f"loss: {_TITLES[name]}",
        bottom=0.7 * min(losses) if losses else None,
        sections=_sections(curves),
    )


def _lines(curves: Sequence[Curve], value_of: Callable[[Tick], float | None]) -> list[Line]:
    lines = []
    for number, curve in enumerate(curves):
        values = {tick.iteration: value_of(tick) for tick in curve.ticks}
        points = {x: y for x, y in values.items() if y is not None}
        x, y = [*points], [*points.values()]
        lines.append(Line(curve.label, x, y, curve.marks, number, curve.hue, curve.dash))
    return lines


def _sections(curves: Sequence[Curve]) -> list[tuple[float, str]]:
    """Return where each scale of a single run begins, and its size."""
    if len(curves) > 1:
        return []
    first: dict[int, Tick] = {}
    for tick in curves[0].ticks:
        first.setdefault(tick.scale, tick)
    return [(tick.iteration, f"{tick.width}×{tick.height}") for tick in first.values()]


def _keys(curves: Sequence[Curve]) -> list[Key]:
    """Return what colours and patterns stand for; nothing in studies of one dimension."""
    rows = {curve.row: curve.hue for curve in curves if curve.row}
    columns = {curve.column: curve.dash for curve in curves if curve.column}
    return [
        *(Key(name, hue=hue) for name, hue in rows.items()),
        *(Key(name, dash=dash) for name, dash in columns.items()),
    ]
