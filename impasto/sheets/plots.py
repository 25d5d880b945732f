"""Curves, as PNG: panels of lines over one axis, with one legend below. Needs matplotlib."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import OptionError, PictureError
from impasto.files import atomic
from impasto.installation import install_hint

__all__ = ["Key", "Line", "Panel", "can_plot", "check_plots", "matplotlib", "save_plot"]

# Okabe and Ito, "Color universal design", 2008: distinct for every kind of eye. Without black and
# yellow, which vanish on dark and on light paper.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (2, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (1, 1)))
_INK, _NEUTRAL = "#221f1a", "#8a8375"
_STYLE = {
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e0d5",
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
}


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        label: in the legend; lines without one are not in it.
        marks: values of `x` at which it has a dot.
        colour: the number of its colour, from 0.
        hue: in place of a colour, its place on a scale from 0 to 1; for values that have an order.
        dash: the number of its pattern, from 0.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    marks: Sequence[float] = ()
    colour: int = 0
    hue: float | None = None
    dash: int = 0
    width: float = 1.7


@dataclass(frozen=True)
class Panel:
    """Lines over one axis.

    Attributes:
        x, y: what the axes show.
        is_log: whether the vertical axis is logarithmic; it begins at 0 otherwise.
        bottom: of a logarithmic axis, the least value to show.
        sections: where something begins on the horizontal axis, and its name.
        goals: values with a dotted line of their own, each in the colour of that number.
    """

    lines: Sequence[Line]
    x: str
    y: str = ""
    title: str = ""
    is_log: bool = True
    bottom: float | None = None
    sections: Sequence[tuple[float, str]] = ()
    goals: Sequence[tuple[float, int]] = ()


@dataclass(frozen=True)
class Key:
    """An entry of a legend that names colours and patterns rather than lines."""

    label: str
    hue: float | None = None
    dash: int | None = None


def can_plot() -> bool:
    """Return whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def check_plots() -> None:
    """Check that curves can be drawn.

    Raises:
        OptionError: matplotlib is not installed.
    """
    if not can_plot():
        raise OptionError(
            "A study is drawn with matplotlib, which is not installed here. Install it with "
            f"`{install_hint('study')}`."
        )


def matplotlib() -> Any:
    """Return the module `matplotlib`, imported when it is needed.

    Raises:
        OptionError: it is not installed.
    """
    check_plots()
    import matplotlib as library

    return library


def save_plot(
    panels: Sequence[Panel],
    path: Path,
    *,
    size: tuple[float, float],
    legend: bool = True,
    keys: Sequence[Key] = (),
) -> None:
    """Draw panels, two in a row, over one legend; a file of that name is replaced.

    Args:
        size: of one panel, in inches.
        legend: whether to write one.
        keys: its entries, if they are not the labels of the first panel's lines.

    Raises:
        OptionError: matplotlib is not installed.
        PictureError: the file cannot be written.
    """
    library = matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across = min(2, len(panels))
    rows = -(-len(panels) // across)
    width, height = size[0] * across, size[1] * rows
    data = io.BytesIO()
    with library.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), dpi=160, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, across, squeeze=False).ravel()
        for axis, panel in zip(axes, panels, strict=False):
            _draw(axis, panel)
        for axis in axes[len(panels) :]:
            axis.set_axis_off()
        if legend:
            handles = [_handle(key) for key in keys] or axes[0].get_legend_handles_labels()[0]
            _add_legend(figure, handles)
        figure.savefig(data, format="png")
    atomic.replace(path, data.getvalue(), force=True, error=PictureError)


def _draw(axis: Any, panel: Panel) -> None:
    for line in panel.lines:
        dotted = set(line.marks)
        marks = [i for i, x in enumerate(line.x) if x in dotted]
        axis.plot(
            line.x,
            line.y,
            color=_colour(line),
            linestyle=_DASHES[line.dash % len(_DASHES)],
            linewidth=line.width,
            label=line.label or None,
            marker="o" if marks or len(line.x) == 1 else None,
            markevery=marks or None,
            markersize=5,
        )
    for value, colour in panel.goals:
        axis.axhline(value, color=_COLOURS[colour % len(_COLOURS)], linewidth=0.8, linestyle=":")
    axis.set(xlabel=panel.x, ylabel=panel.y, title=panel.title)
    if not panel.is_log:
        axis.set_ylim(bottom=0)
    elif any(value > 0 for line in panel.lines for value in line.y):
        axis.set_yscale("log")
        if panel.bottom is not None:
            axis.set_ylim(bottom=max(axis.get_ylim()[0], panel.bottom))
    for x, name in panel.sections:
        axis.axvline(x, color=_NEUTRAL, linewidth=0.8, linestyle=":", zorder=0)
        at, where = (x, 0.985), ("data", "axes fraction")
        axis.annotate(f" {name}", at, xycoords=where, fontsize=8, color=_NEUTRAL, va="top")


def _colour(line: Line | Key) -> Any:
    if line.hue is not None:
        # Viridis without the end that would vanish: it is distinct in grey, too.
        return matplotlib().colormaps["viridis"](0.85 * line.hue)
    return _COLOURS[line.colour % len(_COLOURS)] if isinstance(line, Line) else _NEUTRAL


def _handle(key: Key) -> Any:
    from matplotlib.lines import Line2D

    dash = _DASHES[(key.dash or 0) % len(_DASHES)]
    width = 2 if key.dash is None else 1.7
    return Line2D([], [], color=_colour(key), linestyle=dash, label=key.label, lw=width)


def _add_legend(figure: Any, handles: Sequence[Any]) -> None:
    """Write the legend below the panels, which it makes no smaller."""
    width, height = figure.get_size_inches()
    longest = max(len(handle.get_label()) for handle in handles)
    across = min(len(handles), max(1, int(width * 14 // (longest + 8))))
    figure.set_size_inches(width, height + 0.22 * -(-len(handles) // across))
    figure.legend(
        handles=handles, loc="outside lower center", ncols=across, frameon=False, handlelength=3
    )
