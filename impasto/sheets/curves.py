"""A study's curves: losses and time over iterations."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import OptionError, PictureError
from impasto.files import atomic

__all__ = ["Curve", "Tick", "check_plots", "library", "save_losses", "save_time"]

# Okabe and Ito, "Color universal design", 2008: told apart by every kind of eye. Without black and
# yellow, which vanish on dark and on light paper.
_APART = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (2, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (1, 1)))
_TITLES = {
    "total": "all terms, weighted",
    "content": "content",
    "style": "style",
    "tv": "total variation",
    "l2": "pixels",
}
_STYLE = {
    "font.size": 10,
    "text.color": "#221f1a",
    "axes.labelcolor": "#221f1a",
    "axes.edgecolor": "#221f1a",
    "xtick.color": "#221f1a",
    "ytick.color": "#221f1a",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e0d5",
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
}
_NEUTRAL = "#8a8375"
_MOST_NAMED = 60  # curves; a legend of more is taller than its plot


@dataclass(frozen=True)
class Curve:
    """One run.

    Attributes:
        label: what the legend calls it.
        ticks: every iteration.
        marks: iterations at which a picture was taken on the way.
        hue: from 0 to 1 along the study's values; None for values that have no order.
        dash: which pattern, from 0; for a second dimension.
        row, column: what its colour and its pattern stand for, in a study of two dimensions.
    """

    label: str
    ticks: tuple[Tick, ...]
    marks: tuple[int, ...] = ()
    hue: float | None = None
    dash: int = 0
    row: str = ""
    column: str = ""


def check_plots() -> None:
    """Fail before the work rather than after it.

    Raises:
        OptionError: there is nothing here that plots.
    """
    library()


def library() -> Any:
    """The module `matplotlib`, imported when it is needed.

    Raises:
        OptionError: it is not installed.
    """
    try:
        import matplotlib
    except ImportError as problem:
        raise OptionError(
            "A study is drawn with matplotlib, which is not installed here. Install it with "
            "`pip install 'impasto[study]'`."
        ) from problem
    return matplotlib


def save_losses(curves: Sequence[Curve], path: Path) -> None:
    """Every term in a panel of its own, over iterations; a line for each run.

    Raises:
        PictureError: it cannot be written.
    """
    names = [
        name
        for name in ("content", "style", "total", "tv")
        if any(tick.losses.get(name, 0) > 0 for curve in curves for tick in curve.ticks)
    ]
    names = names or ["total"]
    across = min(2, len(names))
    size = (5.6 * across, 3.5 * -(-len(names) // across))
    with _figure(len(names), size, curves, path) as axes:
        for name, axis in zip(names, axes, strict=True):
            for i, curve in enumerate(curves):
                ticks = [tick for tick in curve.ticks if name in tick.losses]
                _line(axis, i, curve, ticks, [tick.losses[name] for tick in ticks])
            axis.set(xlabel="iteration", ylabel=f"loss: {_TITLES[name]}")
            _scale(axis, [tick.losses.get(name, 0) for c in curves for tick in _settled(c)])
            if len(curves) == 1:
                _scales(axis, curves[0])


def save_time(curves: Sequence[Curve], path: Path) -> None:
    """Seconds over iterations; a line for each run.

    Raises:
        PictureError: it cannot be written.
    """
    with _figure(1, (7.0, 4.2), curves, path) as axes:
        for i, curve in enumerate(curves):
            _line(axes[0], i, curve, curve.ticks, [tick.seconds for tick in curve.ticks])
        axes[0].set(xlabel="iteration", ylabel="time since the run began (s)")
        axes[0].set_ylim(bottom=0)
        if len(curves) == 1:
            _scales(axes[0], curves[0])


def _settled(curve: Curve) -> Sequence[Tick]:
    """A run without its first tenth: a photograph's own content loss begins at nothing."""
    return curve.ticks[len(curve.ticks) // 10 :]


def _scale(axis: Any, values: Sequence[float]) -> None:
    """Logarithmic where there is anything, and no deeper than the settled values go."""
    positive = [value for value in values if value > 0]
    if positive:
        axis.set_yscale("log")
        low, _ = axis.get_ylim()
        axis.set_ylim(bottom=max(low, 0.7 * min(positive)))


def _line(
    axis: Any, index: int, curve: Curve, ticks: Sequence[Tick], values: Sequence[float]
) -> None:
    at = [tick.iteration for tick in ticks]
    marks = [i for i, iteration in enumerate(at) if iteration in curve.marks]
    axis.plot(
        at,
        values,
        color=_colour(index, curve),
        linestyle=_DASHES[curve.dash % len(_DASHES)],
        linewidth=1.7,
        label=curve.label,
        marker="o" if marks or len(at) == 1 else None,
        markevery=marks or None,
        markersize=5,
    )


def _colour(index: int, curve: Curve) -> Any:
    if curve.hue is None:
        return _APART[index % len(_APART)]
    # Viridis without the end that would vanish: it is told apart in grey, too.
    return library().colormaps["viridis"](0.85 * curve.hue)


def _scales(axis: Any, curve: Curve) -> None:
    """Where a finer scale begins."""
    last = None
    for tick in curve.ticks:
        if tick.scale != last:
            axis.axvline(tick.iteration, color=_NEUTRAL, linewidth=0.8, linestyle=":", zorder=0)
            axis.annotate(
                f" {tick.width}×{tick.height}",
                (tick.iteration, 0.985),
                xycoords=("data", "axes fraction"),
                fontsize=8,
                color=_NEUTRAL,
                va="top",
            )
            last = tick.scale


def _keys(curves: Sequence[Curve]) -> list[Any]:
    """What colours and patterns stand for, each told once; nothing in studies of one dimension."""
    from matplotlib.lines import Line2D

    rows = {curve.row: _colour(0, curve) for curve in curves if curve.row}
    columns = {curve.column: curve.dash for curve in curves if curve.column}
    colours = [Line2D([], [], color=colour, label=name, lw=2) for name, colour in rows.items()]
    return colours + [
        Line2D([], [], color=_NEUTRAL, linestyle=_DASHES[dash % len(_DASHES)], label=name, lw=1.7)
        for name, dash in columns.items()
    ]


class _figure:  # noqa: N801 - used as a function
    """Axes side by side with one legend below, written when the block ends."""

    def __init__(
        self,
        panels: int,
        size: tuple[float, float],
        curves: Sequence[Curve],
        path: Path,
    ) -> None:
        self.panels, self.size, self.path = panels, size, path
        self.curves, self.named = curves, 1 < len(curves) <= _MOST_NAMED

    def __enter__(self) -> list[Any]:
        matplotlib = library()
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.style = matplotlib.rc_context(_STYLE)
        self.style.__enter__()
        self.figure = Figure(figsize=self.size, dpi=160, layout="constrained")
        FigureCanvasAgg(self.figure)
        self.axes = self._axes()
        return self.axes

    def _axes(self) -> list[Any]:
        across = min(2, self.panels)
        axes = self.figure.subplots(-(-self.panels // across), across, squeeze=False).ravel()
        for empty in axes[self.panels :]:
            empty.set_axis_off()
        return list(axes[: self.panels])

    def __exit__(self, kind: Any, *_: Any) -> None:
        try:
            if kind is None:
                if self.named:
                    self._name()
                self._save()
        finally:
            self.style.__exit__(None, None, None)

    def _name(self) -> None:
        handles = _keys(self.curves) or self.axes[0].get_legend_handles_labels()[0]
        longest = max(len(handle.get_label()) for handle in handles)
        across = min(len(handles), max(1, int(self.size[0] * 14 // (longest + 8))))
        rows = -(-len(handles) // across)
        self.figure.set_size_inches(self.size[0], self.size[1] + 0.22 * rows)
        self.figure.legend(
            handles=handles, loc="outside lower center", ncols=across, frameon=False, handlelength=3
        )

    def _save(self) -> None:
        out = io.BytesIO()
        self.figure.savefig(out, format="png")
        atomic.replace(self.path, out.getvalue(), force=True, error=PictureError)


@dataclass(frozen=True)
class Tick:
    """One iteration: counted over all scales, `seconds` since the run began."""

    iteration: int
    scale: int
    width: int
    height: int
    seconds: float
    losses: dict[str, float]
