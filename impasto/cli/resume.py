"""`impasto resume` and `impasto extend`: runs that go on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import hush
from impasto.cli.outputs import Wanted, with_output

__all__ = ["extend", "resume"]

# What a run has from its beginning.
_SETTLED = ("dry_run", "bits", "quality", "no_recipe", "run", "resume")

_Folder = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="A run's folder: out.run, beside the out.png that it paints.",
        show_default=False,
    ),
]


@with_output(without=_SETTLED)
def resume(folder: _Folder, *, wanted: Wanted) -> None:
    """Go on with a run that was stopped, and end with the pixels of one that was not.

    It writes the picture where the run was to write it; --out names another place.
    """
    hush(wanted.quiet)

    from impasto.run.launch import go_on

    go_on(folder, wanted)


@with_output(without=(*_SETTLED, "keep_run"))
def extend(
    folder: _Folder,
    iterations: Annotated[
        int,
        typer.Option(
            "--iterations",
            min=1,
            max=100_000,
            metavar="N",
            help="So many more, at the last scale.",
            show_default=False,
        ),
    ],
    *,
    wanted: Wanted,
) -> None:
    """Give a finished run more iterations. It was begun with --keep-run, which left its folder.

    The picture goes to --out, or over the run's own with --force.
    """
    hush(wanted.quiet)

    from impasto.run.launch import go_on

    go_on(folder, wanted, extra=iterations)
