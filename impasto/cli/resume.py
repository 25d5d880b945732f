"""`impasto resume` and `impasto extend`: runs that continue."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from impasto.cli import options as shared
from impasto.cli.console import set_quiet
from impasto.cli.places import picture_path

if TYPE_CHECKING:
    from impasto.run.record import Record

__all__ = ["extend", "resume"]

# What a run keeps from its beginning.
_SETTLED = ("dry_run", "format", "output", "run", "resume", *shared.QUEUED)

_Folder = Annotated[
    Path, shared.argument("RUN", "A run's folder: out.run, beside the out.png that it paints.")
]


@shared.with_run_flags(without=_SETTLED)
def resume(folder: _Folder, *, flags: shared.RunFlags) -> None:
    """Continue a run that was stopped, with the pixels of one that was not.

    The picture goes where the run was to write it, or to --out.
    """
    _resume(folder, flags)


@shared.with_run_flags(without=(*_SETTLED, "keep_run"))
def extend(
    folder: _Folder,
    iterations: Annotated[
        int,
        shared.number(
            "--iterations",
            int,
            1,
            100_000,
            metavar="N",
            show_default=False,
            help="How many more, at the last scale.",
        ),
    ],
    *,
    flags: shared.RunFlags,
) -> None:
    """Give more iterations to a finished run, whose folder --keep-run has left.

    The picture goes to --out, or over the run's own with --force.
    """
    _resume(folder, flags, extra=iterations)


def _resume(folder: Path, flags: shared.RunFlags, extra: int = 0) -> None:
    from impasto.run.output import Output
    from impasto.run.preflight import check_resume

    set_quiet(flags.quiet)
    flags.memory_bytes()

    def output_of(record: Record) -> Output:
        """Return the output that the run began with, as far as nothing else was typed."""
        goal = record.goal
        return Output(
            path=picture_path(flags.out, goal.path),
            settings=goal.settings,
            force=flags.force,
            preview_every=flags.preview_every or goal.preview_every,
            trace=flags.trace,
        )

    check_resume(folder, output_of, extra=extra, force=flags.force)

    from impasto.cli.running import follow
    from impasto.run.launch import resume_run

    follow(partial(resume_run, folder, output_of, extra=extra, force=flags.force), flags)
