"""The one progress bar, for runs, batches, studies and trainings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from impasto.cli.console import margin

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

__all__ = ["Bar", "progress_bar"]

_WIDE = 80  # columns; in a narrower terminal the details would push the time left out


class Bar(Protocol):
    """A bar in a terminal, or nothing."""

    def __call__(self, done: float, description: str, details: str = "") -> None:
        """Show how much is done, from 0 to 1, and where the work is."""
        ...

    def note(self, message: str) -> None:
        """Print a line above the bar."""
        ...


@contextlib.contextmanager
def progress_bar(start: str, *, quiet: bool = False, width: int = 20) -> Iterator[Bar | None]:
    """Show a live bar in a terminal.

    Args:
        start: the description before there is any progress.
        width: of the bar, in characters.

    Yields:
        What updates it; None where there is no terminal, or if `quiet`.
    """
    console = margin()
    if quiet or not console.is_terminal or console.is_dumb_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=width),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(compact=True),
    ]
    if console.width >= _WIDE:
        columns.append(TextColumn("{task.fields[details]}", style="dim", markup=False))
    with Progress(*columns, console=console, transient=True) as progress:
        yield _LiveBar(progress, progress.add_task(start, total=1.0, details=""))


class _LiveBar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def __call__(self, done: float, description: str, details: str = "") -> None:
        self._progress.update(self._task, completed=done, description=description, details=details)

    def note(self, message: str) -> None:
        self._progress.console.print(message, markup=False)
