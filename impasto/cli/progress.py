"""How a run reports on itself. Imports PyTorch: commands import it when they run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from impasto.cli.console import margin, remark
from impasto.engine.step import Step

__all__ = ["Reporter", "watching"]

Reporter = Callable[[Step], None]

_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(bar_width=10),
    TextColumn("{task.percentage:3.0f} %"),
    TimeRemainingColumn(compact=True),
)
_LOSSES = TextColumn("[dim]{task.fields[losses]}")
_WIDE = 80  # in a narrower terminal the losses would push the time left out


@contextlib.contextmanager
def watching(quiet: bool = False) -> Iterator[Reporter]:
    """Report on a run: a live bar in a terminal, a line for each scale elsewhere, or nothing."""
    console = margin()
    if quiet:
        yield lambda _: None
    elif console.is_terminal and not console.is_dumb_terminal:
        with _bar(console) as report:
            yield report
    else:
        yield _line_for_each_scale


@contextlib.contextmanager
def _bar(console: Console) -> Iterator[Reporter]:
    columns = (*_COLUMNS, _LOSSES) if console.width >= _WIDE else _COLUMNS
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("looking at the pictures", total=1.0, losses="")

        def report(step: Step) -> None:
            if step.note:
                progress.console.print(step.note, markup=False)
            place = f"{_scale(step)} {step.iteration:>3}/{step.iterations}"
            progress.update(task, completed=step.done, description=place, losses=_losses(step))

        yield report


def _line_for_each_scale(step: Step) -> None:
    if step.note:
        remark(step.note)
    if step.iteration == 1:
        remark(f"{_scale(step)}, {step.iterations} iterations")


def _scale(step: Step) -> str:
    return f"scale {step.scale}/{step.scales} {step.width}×{step.height}"


def _losses(step: Step) -> str:
    both = (name for name in ("content", "style") if name in step.losses)
    return " ".join(f"{name} {step.losses[name]:.3f}" for name in both)
