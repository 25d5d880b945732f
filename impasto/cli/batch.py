"""`impasto batch`: every photograph in every style."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import complain, hush, remark
from impasto.cli.flags import config_and_start, with_flags
from impasto.cli.interrupt import INTERRUPTED, TERMINATED, patient
from impasto.cli.progress import ProgressBar, progress_bar
from impasto.config.bases import StyledConfig
from impasto.config.memory import parse_memory
from impasto.config.methods import configs_with
from impasto.image.formats import WrittenName

if TYPE_CHECKING:
    from impasto.jobs.batch import Batch
    from impasto.jobs.run_batch import Outcome, Progress
    from impasto.jobs.status import Item

__all__ = ["batch", "paint_all"]

_FAILED = 1
_SEEN = "What is written and shown"


@shared.with_run_flags(without=("out", "preview_every", "trace", "run", "keep_run", "resume"))
@with_flags(*configs_with(StyledConfig).values(), files=("init",), without=("region", "feather"))
def batch(
    photographs: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTOGRAPHS...",
            help="Pictures, and folders of pictures.",
            show_default=False,
        ),
    ],
    options: dict[str, Any],
    style: Annotated[
        list[str] | None,
        typer.Option(
            "--style",
            "-s",
            metavar="STYLE[+STYLE…]",
            help="A painting, a style card, or the name of a built-in one (see `impasto styles`). "
            "Of several, each for itself; a blend is one text: a.jpg:0.3+b.jpg:0.7.",
            autocompletion=shared.style_names,
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="The folder for the pictures, a manifest and a contact sheet. A batch that is "
            "there goes on.",
        ),
    ] = Path("batch"),
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            metavar="1…256",
            help="Pictures painted at the same time, each by a process with its share of the "
            "processor and memory of its own.",
        ),
    ] = 1,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", help="Look into the folders' own folders too."),
    ] = False,
    method: shared.Method = "gatys",
    weights: shared.Weights = None,
    *,
    format: Annotated[
        WrittenName,
        typer.Option("--format", help="Of the pictures.", rich_help_panel=_SEEN),
    ] = "png",
    flags: shared.RunFlags,
) -> None:
    """Paint every photograph in every style.

    A picture that fails stops no other. After Ctrl-C, or worse, the same command goes on where it
    was: what is finished is not painted again.
    """
    hush(flags.quiet)
    config, init = config_and_start(configs_with(StyledConfig), method, options)
    assert isinstance(config, StyledConfig)
    paint_all(
        photographs,
        style or (),
        config,
        out,
        flags,
        deep=recursive,
        init=init,
        weights=weights,
        format=format,
        workers=workers,
    )


def paint_all(
    photographs: Sequence[Path],
    styles: Sequence[str],
    config: StyledConfig,
    out: Path,
    flags: shared.RunFlags,
    *,
    deep: bool = False,
    **more: Any,
) -> None:
    """Paint photographs in styles, and say what came of it.

    Args:
        photographs: pictures, and folders of pictures.
        styles: each a style, or a blend of several joined by a plus.
        out: the folder for the pictures.
        deep: look into the folders' own folders too.
        more: the other attributes of `impasto.batch.Batch`.

    Raises:
        ImpastoError: nothing can be painted.
        Exit: a picture failed, or somebody ended it.
    """
    from impasto.jobs.batch import Batch, BatchStyle, find_photographs
    from impasto.jobs.run_batch import run_batch

    spec = Batch(
        photographs=find_photographs(photographs, out, deep=deep),
        styles=tuple(dict.fromkeys(BatchStyle.parse(text) for text in styles)),
        config=config,
        folder=out,
        settings=flags.settings(),
        memory=None if flags.memory is None else parse_memory(flags.memory),
        force=flags.force,
        **more,
    )
    if flags.dry_run:
        _foretell(spec, as_json=flags.as_json)
        return
    start = "starting the workers"
    with patient() as interruption, progress_bar(start, quiet=flags.quiet) as bar:

        def watch(progress: Progress) -> bool:
            interruption.keeping = True
            _show(progress, bar, flags.quiet)
            return not interruption.asked

        outcome = run_batch(spec, watch)
    _present(outcome, quiet=flags.quiet, as_json=flags.as_json)
    if outcome.interrupted:
        raise typer.Exit(TERMINATED if interruption.hurried else INTERRUPTED)
    if outcome.failures:
        raise typer.Exit(_FAILED)


def _foretell(spec: Batch, *, as_json: bool) -> None:
    """A line on standard output for each picture that would be painted, the rest beside it."""
    from impasto.jobs.status import batch_status

    items = batch_status(spec)
    for item in items:
        if item.state in ("outdated", "foreign"):
            remark(f"{item.output}: {item.message}")
        elif item.state == "unreadable":
            complain(item.message)
    todo = [item for item in items if _is_to_paint(item, spec.force)]
    kept = sum(item.state == "kept" for item in items)
    remark(f"{len(todo)} of {len(items)} pictures would be painted, {kept} are there already")
    if as_json:
        print(json.dumps({"folder": str(spec.folder), "items": [_told(item) for item in items]}))
        return
    for item in todo:
        print(spec.folder / item.output)


def _is_to_paint(item: Item, force: bool) -> bool:
    return item.state == "paint" or (force and item.state in ("outdated", "foreign"))


def _told(item: Item) -> dict[str, str]:
    return {
        "photograph": str(item.photograph),
        "style": item.style.text,
        "output": item.output,
        "state": item.state,
        "message": item.message,
    }


def _show(progress: Progress, bar: ProgressBar | None, quiet: bool) -> None:
    """Move the bar, or print a line for each picture; what fails is always printed."""
    if bar is not None:
        bar(progress.share, f"{progress.finished}/{progress.total} pictures")
    if bar is None or progress.result == "failed":
        _line_for_each(progress, quiet)


def _line_for_each(progress: Progress, quiet: bool) -> None:
    if progress.item is None:
        return
    place = f"{progress.finished}/{progress.total} {progress.item.output}"
    if progress.result == "failed":
        complain(f"{place} failed: {progress.message}")
    elif not quiet:
        remark(f"{place} in {progress.seconds:.1f} s")


def _present(outcome: Outcome, *, quiet: bool, as_json: bool) -> None:
    """Say what came of it: the folder to standard output, the rest beside it."""
    if not quiet:
        there = outcome.count("done") + outcome.count("kept")
        told = f"{there} of {len(outcome.results)} pictures are there"
        told += f", {outcome.count('kept')} of them from before" if outcome.count("kept") else ""
        told += f", {outcome.count('failed')} failed" if outcome.failures else ""
        remark(f"{told}; {outcome.seconds:.1f} s")
        for (photograph, message), styles in _grouped(outcome).items():
            remark(f"failed: {photograph} in {', '.join(styles)}: {message}")
        if outcome.interrupted:
            remark("stopped early: the same command goes on from there")
        elif outcome.failures:
            remark("the same command tries again what has failed")
    print(json.dumps(_as_json(outcome)) if as_json else _to_look_at(outcome))


def _grouped(outcome: Outcome) -> dict[tuple[str, str], list[str]]:
    """The styles that failed, by photograph and reason: mostly all do for the same one."""
    groups: dict[tuple[str, str], list[str]] = {}
    for entry in outcome.failures:
        groups.setdefault((entry.photograph, entry.message), []).append(entry.style)
    return groups


def _to_look_at(outcome: Outcome) -> Path:
    return outcome.sheets[0] if outcome.sheets else outcome.manifest


def _as_json(outcome: Outcome) -> dict[str, Any]:
    names = ("done", "kept", "failed", "pending")
    return {
        "folder": str(outcome.folder),
        "manifest": str(outcome.manifest),
        "sheets": [str(sheet) for sheet in outcome.sheets],
        **{name: outcome.results.count(name) for name in names},
        "seconds": round(outcome.seconds, 3),
        "interrupted": outcome.interrupted,
        "items": [
            {
                "photograph": entry.photograph,
                "style": entry.style,
                "output": str(outcome.folder / entry.output),
                "result": result,
                "digest": entry.digest,
                "seconds": entry.seconds,
                "message": entry.message,
            }
            for entry, result in zip(outcome.entries, outcome.results, strict=True)
        ],
    }
