"""A training's log as a picture."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["draw"]


def draw(log: Path, target: Path, title: str) -> None:
    """The figures of a log's lines over the steps: in training thin, of what is held out with dots.

    Args:
        log: as `training.loop` writes it.
        target: a picture's file; what is there is replaced.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    colours: dict[str, str] = {}
    for kind, look in (("train", "-"), ("held_out", "o-")):
        held = [line for line in lines if kind in line]
        for name in held[0][kind] if held else ():
            steps = [line["step"] / 1000 for line in held]
            colours.setdefault(name, f"C{len(colours)}")
            label = name if kind == "train" else f"{name}, held out"
            values = [line[kind][name] for line in held]
            width = 0.8 if kind == "train" else 1.6
            axes.plot(
                steps, values, look, color=colours[name], linewidth=width, markersize=4, label=label
            )
    axes.set(yscale="log", xlabel="steps, in thousands", title=title)
    axes.legend(frameon=False, ncols=3, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)
