"""The one progress bar, for runs, batches, studies and trainings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from impasto.cli.console import stderr_console

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

__all__ = ["ProgressBar", "progress_bar"]

_WIDE = 80  # columns; in a narrower terminal the details would push the time left out


class ProgressBar:
    """A bar in a terminal."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task

    def __call__(self, done: float, description: str, details: str = "") -> None:
        """Show how much is done, from 0 to 1, and where the work is."""
        self._progress.update(self._task, completed=done, description=description, details=details)

    def note(self, message: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(message, markup=False)


@contextlib.contextmanager
def progress_bar(
    start: str, *, quiet: bool = False, width: int = 20
) -> Iterator[ProgressBar | None]:
    """Show a live bar in a terminal.

    Args:
        start: the description before there is any progress.
        width: of the bar, in characters.

    Yields:
        What updates it; None where there is no terminal, or if `quiet`.
    """
    console = stderr_console()
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
    # Standard output is for other programs: Rich would write it to this console, cut into lines.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        yield ProgressBar(progress, progress.add_task(start, total=1.0, details=""))
