"""`impasto study`: one option over its values."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import print_note, print_path, set_quiet
from impasto.cli.flags import config_and_start, config_of, with_flags
from impasto.cli.interrupt import handling_signals
from impasto.cli.progress import progress_bar
from impasto.config.bases import PhotoConfig, StyledConfig
from impasto.config.fields import flag_of
from impasto.config.methods import configs_with
from impasto.errors import OptionError
from impasto.evaluation.studies.film_registry import FILM_STUDY, film_variants
from impasto.evaluation.studies.registry import STUDIES, variants_of
from impasto.files.names import safe_name
from impasto.sheets.plots import check_plots

if TYPE_CHECKING:
    from impasto.evaluation.studies.run_study import Outcome, Progress

__all__ = ["study"]

_KINDS = (*STUDIES, FILM_STUDY)
_METHOD = "gatys"  # where none is typed


@with_flags(
    *configs_with(PhotoConfig).values(), files=("init",), without=("size", "region", "feather")
)
def study(
    kind: Annotated[
        str,
        shared.argument(
            "STUDY",
            f"What to vary: {', '.join(_KINDS)}.",
            autocompletion=lambda: list(_KINDS),
        ),
    ],
    content: Annotated[str, shared.argument("CONTENT", "The photograph; of `film` a clip.")],
    style: Annotated[
        str,
        shared.option(
            "--style",
            "-s",
            metavar="STYLE",
            help="A painting, a style card, or the name of a built-in one (see `impasto styles`).",
            autocompletion=shared.style_names,
        ),
    ],
    options: dict[str, Any],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="A folder: new, empty, or of the same study, which is then continued. Otherwise "
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
        str,
        typer.Option("--size", metavar="32…16384|4k|50%|photo", help="Long side of each picture."),
    ] = "256",
    method: shared.Optimiser = _METHOD,
    weights: shared.Weights = None,
    force: shared.Force = False,
    no_video: Annotated[bool, shared.output_option("--no-video", help="Write no film.")] = False,
    quiet: shared.Quiet = False,
    as_json: shared.Json = False,
    queue: shared.Queue = None,
    files: shared.QueueFiles = None,
    wait: shared.Wait = False,
) -> None:
    """Paint one photograph over the values of an option, and show what it does.

    DIR gets a page (index.html), the pictures, a sheet of all, curves, tables and a film. Needs the
    extra `study` of the package. After Ctrl-C the same command continues. With --queue a worker
    paints it.
    """
    from impasto.evaluation.studies.folder import check_free
    from impasto.evaluation.studies.preflight import check_study

    set_quiet(quiet)
    flags = shared.RunFlags(
        force=force, quiet=quiet, as_json=as_json, queue=queue, files=files, wait=wait
    )
    flags.check_queue()
    if kind == FILM_STUDY:
        _study_film(content, style, options, out, values, size, method, flags)
        return
    base, init = config_and_start(
        configs_with(PhotoConfig), method, {"size": size, **options}, photograph=content
    )
    assert isinstance(base, PhotoConfig)
    chosen = () if values is None else tuple(values.split(","))
    folder = out or Path(safe_name(f"{Path(content).stem}-{Path(style).stem}-{kind}"))
    variants = variants_of(kind, base, chosen, init)
    check_study(variants, content, style, folder, weights=weights, film=not no_video)
    check_free(folder, kind, force=force)  # all of this before PyTorch is loaded

    from impasto.evaluation.studies.run_study import StudySpec, run_study

    spec = StudySpec(
        kind=kind,
        content=content,
        style=style,
        base=base,
        folder=folder,
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
    if queue is not None:
        from impasto.cli.queued import send
        from impasto.evaluation.studies.queued import packed_study

        send(lambda store: packed_study(spec, store), folder, flags)
        return
    start = "looking at the pictures"
    with handling_signals() as interruption, progress_bar(start, quiet=quiet) as bar:
        interruption.has_progress = True

        def watch(progress: Progress) -> bool:
            if bar is not None:
                bar(progress.done, _place(progress))
            elif progress.step is None and not quiet:
                print_note(_place(progress))
            return not interruption.is_requested

        outcome = run_study(spec, watch)
    _present(outcome, interruption.status, quiet=quiet, as_json=as_json)


def _study_film(
    clip: str,
    style: str,
    options: dict[str, Any],
    out: Path | None,
    values: str | None,
    size: str,
    method: str,
    flags: shared.RunFlags,
) -> None:
    """Compare films of a clip; `method` says which where no values are given."""
    if flags.queue is not None:
        raise OptionError("A study of film is painted here: leave --queue out.")
    kinds = configs_with(StyledConfig)
    typed = tuple(values.split(",")) if values else ()
    variants = film_variants(typed, None if method == _METHOD else method)
    taken = _taken([v.method for v in variants], {"size": size, **options})
    configs = {v.method: config_of(kinds, v.method, taken[v.method]) for v in variants}
    folder = out or Path(safe_name(f"{Path(clip).stem}-{Path(style).stem}-{FILM_STUDY}"))
    check_plots()

    from impasto.evaluation.studies.film_study import FilmStudySpec, run_film_study

    spec = FilmStudySpec(
        clip=Path(clip),
        style=style,
        variants=variants,
        configs={name: c for name, c in configs.items() if isinstance(c, StyledConfig)},
        folder=folder,
        force=flags.force,
        command=_command(
            [FILM_STUDY, clip], style=style, out=out, values=values, size=size, **options
        ),
    )
    with (
        handling_signals() as interruption,
        progress_bar("looking at the clip", quiet=flags.quiet) as bar,
    ):
        interruption.has_progress = True

        def watch(done: float) -> bool:
            if bar is not None:
                bar(done, f"{len(variants)} films")
            return not interruption.is_requested

        page = run_film_study(spec, watch)
    if page is None:
        raise typer.Exit(interruption.status)
    if flags.as_json:
        print(json.dumps({"folder": str(folder), "page": str(page)}))
    else:
        print_path(page)


def _taken(methods: Sequence[str], options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what each method takes of the options; what none takes the first one refuses."""
    kinds = configs_with(StyledConfig)
    known = {method: {f.name for f in fields(kinds[method])} for method in methods}
    lone = options.keys() - set().union(*known.values())
    return {
        method: {name: x for name, x in options.items() if name in known[method] | lone}
        for method in methods
    }


def _command(arguments: list[str], **options: Any) -> str:
    """Return the command line again."""
    line = ["impasto", "study", *arguments]
    for name, value in options.items():
        if value is not None:
            line += _flag(flag_of(name), value)
    return shlex.join(line)


def _flag(flag: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    return [flag, ",".join(value) if isinstance(value, tuple) else str(value)]


def _place(progress: Progress) -> str:
    note = " (exists already)" if progress.reused else ""
    return f"{progress.number}/{progress.total} {progress.label}{note}"


def _present(outcome: Outcome, status: int, *, quiet: bool, as_json: bool) -> None:
    """Print the page to standard output, a summary to standard error.

    Raises:
        Exit: with the status of an interrupted command, if it was.
    """
    painted = len(outcome.pictures)
    if not quiet:
        early = "; the same command continues from here" if outcome.interrupted else ""
        earlier = f", {outcome.reused} of them existed already" if outcome.reused else ""
        print_note(f"{painted} of {outcome.planned} pictures{earlier}{early}")
    if as_json:
        print(json.dumps(_as_json(outcome)))
    elif painted:
        print_path(outcome.page)
    if outcome.interrupted:
        raise typer.Exit(status)


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "folder": str(outcome.folder),
        "page": str(outcome.page) if outcome.pictures else None,
        "pictures": [str(path) for path in outcome.pictures],
        "planned": outcome.planned,
        "kept": outcome.reused,
        "interrupted": outcome.interrupted,
    }
