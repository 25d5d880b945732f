"""`impasto study`: what one option does, seen over its values."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import hush, margin, remark
from impasto.cli.flags import config_and_start, with_flags
from impasto.cli.interrupt import INTERRUPTED, patient
from impasto.config.bases import PhotoConfig
from impasto.config.methods import configs_with
from impasto.evaluation.studies.registry import STUDIES, variants_of

if TYPE_CHECKING:
    from impasto.evaluation.studies.run_study import Outcome, Progress

__all__ = ["study"]

Watch = Callable[["Progress"], None]


def _kinds() -> list[str]:
    return list(STUDIES)


@with_flags(
    *configs_with(PhotoConfig).values(), files=("init",), without=("size", "region", "feather")
)
def study(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="STUDY",
            help=f"What to vary: {', '.join(STUDIES)}.",
            show_default=False,
            autocompletion=_kinds,
        ),
    ],
    content: Annotated[
        str, typer.Argument(metavar="CONTENT", help="The photograph.", show_default=False)
    ],
    style: Annotated[
        str,
        typer.Option(
            "--style",
            "-s",
            metavar="STYLE",
            help="A painting, a style card, or the name of a built-in one (see `impasto styles`).",
            autocompletion=shared.style_names,
            show_default=False,
        ),
    ],
    options: dict[str, Any],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="A folder: new, empty, or of the same study, which then goes on. Otherwise "
            "CONTENT-STYLE-STUDY, here.",
        ),
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(
            "--values",
            metavar="VALUE,…",
            help="The values to try, instead of the study's own, such as 0.1,0.5,0.9.",
        ),
    ] = None,
    size: Annotated[
        int, typer.Option("--size", metavar="32…16384", help="Long side of each picture.")
    ] = 256,
    method: shared.Optimiser = "gatys",
    weights: shared.Weights = None,
    force: shared.Force = False,
    no_video: Annotated[
        bool,
        typer.Option(
            "--no-video", help="Write no film.", rich_help_panel="What is written and shown"
        ),
    ] = False,
    quiet: shared.Quiet = False,
    as_json: shared.Json = False,
) -> None:
    """Paint one photograph over the values of an option, and show what it does.

    DIR gets a page to look at (index.html), the pictures, a sheet of all, curves, tables and a
    film. Needs the extra `study` of the package. After Ctrl-C the same command goes on where it
    was.
    """
    hush(quiet)
    base, init = config_and_start(configs_with(PhotoConfig), method, {"size": size, **options})
    assert isinstance(base, PhotoConfig)
    chosen = () if values is None else tuple(values.split(","))
    variants_of(kind, base, chosen, init)  # what makes no sense is told before PyTorch is loaded

    from impasto.evaluation.studies.run_study import StudySpec, run_study

    spec = StudySpec(
        kind=kind,
        content=content,
        style=style,
        base=base,
        folder=out or Path(f"{Path(content).stem}-{Path(style).stem}-{kind}"),
        values=chosen,
        init=init,
        weights=weights,
        film=not no_video,
        force=force,
        command=_command(
            [kind, content],
            style=style,
            out=out,
            values=values,
            size=size,
            method=method,
            weights=weights,
            **options,
        ),
    )
    with patient() as interruption, _watching(quiet) as report:
        interruption.keeping = True

        def watch(progress: Progress) -> bool:
            report(progress)
            return not interruption.asked

        outcome = run_study(spec, watch)
    _present(outcome, quiet=quiet, as_json=as_json)


def _command(words: list[str], **options: Any) -> str:
    """The command line again."""
    line = ["impasto", "study", *words]
    for name, value in options.items():
        if value is not None:
            line += _flag("--" + name.replace("_", "-"), value)
    return shlex.join(line)


def _flag(flag: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    return [flag, ",".join(value) if isinstance(value, tuple) else str(value)]


@contextlib.contextmanager
def _watching(quiet: bool) -> Iterator[Watch]:
    """A live bar over all pictures in a terminal, a line for each elsewhere, or nothing."""
    console = margin()
    if quiet:
        yield lambda _: None
    elif console.is_terminal and not console.is_dumb_terminal:
        with _bar() as report:
            yield report
    else:
        yield _line_for_each


@contextlib.contextmanager
def _bar() -> Iterator[Watch]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=margin(), transient=True) as bar:
        task = bar.add_task("looking at the pictures", total=1.0)
        yield lambda progress: bar.update(
            task, completed=progress.done, description=_place(progress)
        )


def _line_for_each(progress: Progress) -> None:
    if progress.step is None:
        remark(_place(progress))


def _place(progress: Progress) -> str:
    kept = " (is there already)" if progress.reused else ""
    return f"{progress.number}/{progress.total} {progress.label}{kept}"


def _present(outcome: Outcome, *, quiet: bool, as_json: bool) -> None:
    """Say what came of it: the page to standard output, the rest beside it.

    Raises:
        Exit: with the status of an interrupted command, if it was.
    """
    painted = len(outcome.pictures)
    if not quiet:
        early = "; the same command goes on from there" if outcome.interrupted else ""
        there = f", {outcome.reused} of them were there already" if outcome.reused else ""
        remark(f"{painted} of {outcome.planned} pictures{there}{early}")
    if as_json:
        print(json.dumps(_as_json(outcome)))
    elif painted:
        print(outcome.page)
    if outcome.interrupted:
        raise typer.Exit(INTERRUPTED)


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "folder": str(outcome.folder),
        "page": str(outcome.page) if outcome.pictures else None,
        "pictures": [str(path) for path in outcome.pictures],
        "planned": outcome.planned,
        "kept": outcome.reused,
        "interrupted": outcome.interrupted,
    }
