"""`impasto resume` and `impasto extend`: runs that go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli import options as shared
from impasto.cli.console import hush

if TYPE_CHECKING:
    from impasto.run.record import Record

__all__ = ["extend", "resume"]

# What a run has from its beginning.
_SETTLED = ("dry_run", "output", "run", "resume")

_Folder = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="A run's folder: out.run, beside the out.png that it paints.",
        show_default=False,
    ),
]


@shared.with_run_flags(without=_SETTLED)
def resume(folder: _Folder, *, flags: shared.RunFlags) -> None:
    """Go on with a run that was stopped, and end with the pixels of one that was not.

    It writes the picture where the run was to write it; --out names another place.
    """
    _go_on(folder, flags)


@shared.with_run_flags(without=(*_SETTLED, "keep_run"))
def extend(
    folder: _Folder,
    iterations: Annotated[
        int,
        typer.Option(
            "--iterations",
            min=1,
            max=100_000,
            metavar="N",
            help="How many more, at the last scale.",
            show_default=False,
        ),
    ],
    *,
    flags: shared.RunFlags,
) -> None:
    """Give a finished run more iterations. It was begun with --keep-run, which left its folder.

    The picture goes to --out, or over the run's own with --force.
    """
    _go_on(folder, flags, extra=iterations)


def _go_on(folder: Path, flags: shared.RunFlags, extra: int = 0) -> None:
    hush(flags.quiet)

    from impasto.cli.running import follow
    from impasto.run.launch import go_on
    from impasto.run.output import Output

    def output_of(record: Record) -> Output:
        """Return what the run was begun with, unless something else was typed."""
        goal = record.goal
        return Output(
            path=flags.out or Path(goal.path),
            settings=goal.settings,
            force=flags.force,
            preview_every=flags.preview_every or goal.preview_every,
            trace=flags.trace,
        )

    follow(lambda options: go_on(folder, output_of, options, extra=extra, force=flags.force), flags)
