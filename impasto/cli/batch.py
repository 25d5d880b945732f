"""`impasto batch`: every photograph in every style."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import print_error, print_note, print_path, set_quiet
from impasto.cli.flags import config_and_start, with_flags
from impasto.cli.interrupt import handling_signals
from impasto.cli.places import check_folder
from impasto.cli.progress import ProgressBar, progress_bar
from impasto.cli.streams import refuse_stream
from impasto.config.bases import StyledConfig
from impasto.config.methods import configs_with
from impasto.config.presets import expanded
from impasto.config.sizes import without_relative_size
from impasto.errors import OptionError
from impasto.files.names import resolved, safe_name
from impasto.image.formats import WrittenName
from impasto.painting.misplaced import is_card

if TYPE_CHECKING:
    from impasto.jobs.batch import Batch
    from impasto.jobs.executor import Executor
    from impasto.jobs.run_batch import Outcome, Progress
    from impasto.jobs.status import Item

__all__ = ["batch", "paint_all"]

_FAILED = 1


@shared.with_run_flags(
    without=(
        *("out", "format", "preview_every", "trace", "run", "keep_run", "resume"),
        "wait",
    )
)
@with_flags(*configs_with(StyledConfig).values(), files=("init",), without=("region", "feather"))
def batch(
    photographs: Annotated[
        list[Path],
        shared.argument("PHOTOGRAPH", "Pictures, and folders of pictures."),
    ],
    options: dict[str, Any],
    style: Annotated[
        list[str] | None,
        shared.option(
            "--style",
            "-s",
            metavar="STYLE",
            help="A painting, a style card, or the name of a built-in one (see `impasto styles`). "
            "Several are painted one by one; a blend is one text: a.jpg:0.3+b.jpg:0.7.",
            autocompletion=shared.style_names,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="The folder for the pictures, a manifest and a contact sheet. A batch that is "
            "there is continued.",
        ),
    ] = Path("batch"),
    workers: Annotated[
        int,
        shared.number(
            "--workers",
            int,
            1,
            256,
            help="Pictures painted at the same time, each by a process with memory of its own "
            "and a share of the processor.",
        ),
    ] = 1,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", help="Look into the folders' own folders too."),
    ] = False,
    method: shared.Method = None,
    preset: shared.Preset = None,
    weights: shared.Weights = None,
    *,
    format: Annotated[
        WrittenName, shared.output_option("--format", help="Of the pictures.")
    ] = "png",
    no_wait: Annotated[
        bool,
        shared.option(
            "--no-wait",
            rich_help_panel=shared.WORKERS,
            help="With --queue: send the whole batch off as one job, and print its ID.",
        ),
    ] = False,
    flags: shared.RunFlags,
) -> None:
    """Paint every photograph in every style.

    A picture that fails does not stop the others. After Ctrl-C, or a crash, the same command
    continues: what is finished is not painted again.
    """
    set_quiet(flags.quiet)
    from impasto.jobs.batch import BatchStyle

    styles = [BatchStyle.parse(text) for text in style or ()]
    has_card = any(is_card(spec.source) for one in styles for spec in one.specs)
    method, options = expanded(preset, method, options, has_card=has_card)
    options, size = without_relative_size(options)
    config, init = config_and_start(configs_with(StyledConfig), method, options, preset=preset)
    assert isinstance(config, StyledConfig)
    paint_all(
        photographs,
        style or (),
        config,
        out,
        flags,
        deep=recursive,
        size=size,
        init=init,
        weights=weights,
        format=format,
        workers=workers,
        is_sent_off=no_wait,
    )


def paint_all(
    photographs: Sequence[Path],
    styles: Sequence[str],
    config: StyledConfig,
    out: Path,
    flags: shared.RunFlags,
    *,
    deep: bool = False,
    is_sent_off: bool = False,
    **more: Any,
) -> None:
    """Paint photographs in styles, and print the outcome.

    Args:
        photographs: pictures, and folders of pictures.
        styles: each a style, or a blend of several joined by a plus.
        out: the folder for the pictures.
        deep: look into the folders' own folders too.
        is_sent_off: let a worker paint all of them as one job, and do not wait for it.
        more: the other attributes of `impasto.batch.Batch`.

    Raises:
        ImpastoError: nothing can be painted.
        Exit: a picture failed, or the batch was interrupted.
    """
    from impasto.jobs.batch import Batch, BatchStyle
    from impasto.jobs.photographs import find_photographs
    from impasto.jobs.run_batch import run_batch

    refuse_stream([str(path) for path in photographs])
    chosen = find_photographs(photographs, out, deep=deep)
    check_folder(out)
    spec = Batch(
        photographs=chosen.files,
        styles=tuple(dict.fromkeys(BatchStyle.parse(text) for text in styles)),
        config=config,
        folder=out,
        settings=flags.settings(),
        memory=flags.memory_bytes(),
        force=flags.force,
        **more,
    )
    if chosen.left_out and not flags.quiet:
        print_note(f"left out: {chosen.left_out}")
    left_out = chosen.left_out.to_list()
    if flags.dry_run:
        _print_plan(spec, left_out, as_json=flags.as_json)
        return
    if is_sent_off:
        _send_off(spec, flags)
        return
    start = "starting the workers"
    with (
        _executor(flags, spec) as executor_of,
        handling_signals() as interruption,
        progress_bar(start, quiet=flags.quiet) as bar,
    ):

        def watch(progress: Progress) -> bool:
            interruption.has_progress = True
            _show(progress, bar, flags.quiet)
            return not interruption.is_requested

        outcome = run_batch(spec, watch, executor_of)
    _present(outcome, left_out, quiet=flags.quiet, as_json=flags.as_json)
    if outcome.interrupted:
        raise typer.Exit(interruption.status)
    if outcome.failures:
        raise typer.Exit(_FAILED)


def _send_off(spec: Batch, flags: shared.RunFlags) -> None:
    """Put a batch into a queue as one job, and print its ID.

    Raises:
        ImpastoError: it cannot be made; or no queue is named, or workers of this process were.
    """
    if flags.queue is None:
        raise OptionError("--no-wait has no effect without --queue. Leave it out, or give both.")
    _refuse_own_workers(spec)
    from impasto.cli.queued import send
    from impasto.jobs.queue.batching import packed_batch

    name = safe_name(resolved(spec.folder).name)
    send(lambda store: packed_batch(spec, store, name), spec.folder, flags)


def _refuse_own_workers(spec: Batch) -> None:
    """Refuse workers of this process beside those of a queue.

    Raises:
        OptionError: there are some.
    """
    if spec.workers > 1:
        raise OptionError(
            f"--workers is {spec.workers}, of this process, and --queue lets others paint: leave "
            "one of them out."
        )


@contextlib.contextmanager
def _executor(flags: shared.RunFlags, spec: Batch) -> Iterator[Callable[[Batch], Executor]]:
    """Yield what makes the executor of a batch: of this process, or of a queue's workers.

    Raises:
        ImpastoError: the queue cannot be used, or workers of this process were asked for too.
    """
    from impasto.jobs.executor import Executor

    if flags.queue is None:
        yield Executor
        return
    _refuse_own_workers(spec)
    from impasto.cli.queued import open_queue
    from impasto.jobs.queue.batch_executor import QueueExecutor

    with open_queue(flags.queue, flags.files, quiet=flags.quiet) as queue:
        yield lambda batch: QueueExecutor(batch, queue)


def _print_plan(spec: Batch, left_out: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print each picture that would be painted to standard output, all else to standard error."""
    from impasto.jobs.status import batch_status

    items = batch_status(spec)
    for item in items:
        if item.state in ("outdated", "foreign"):
            print_note(f"{item.output}: {item.message}")
        elif item.state == "unreadable":
            print_error(item.message)
    todo = [item for item in items if _is_to_paint(item, spec.force)]
    finished = sum(item.state == "kept" for item in items)
    print_note(f"{len(todo)} of {len(items)} pictures would be painted, {finished} exist already")
    if as_json:
        data = [
            {
                "photograph": str(item.photograph),
                "style": item.style.text,
                "output": item.output,
                "state": item.state,
                "message": item.message,
            }
            for item in items
        ]
        print(json.dumps({"folder": str(spec.folder), "items": data, "left_out": left_out}))
        return
    for item in todo:
        print_path(spec.folder / item.output)


def _is_to_paint(item: Item, force: bool) -> bool:
    return item.state == "paint" or (force and item.state in ("outdated", "foreign"))


def _show(progress: Progress, bar: ProgressBar | None, quiet: bool) -> None:
    """Move the bar, or print a line for each picture; what fails is always printed."""
    if bar is not None:
        bar(progress.share, f"{progress.finished}/{progress.total} pictures")
    if progress.item is None:
        return
    place = f"{progress.finished}/{progress.total} {progress.item.output}"
    if progress.result == "failed":
        print_error(f"{place} failed: {progress.message}")
    elif bar is None and not quiet:
        print_note(f"{place} in {progress.seconds:.1f} s")


def _present(
    outcome: Outcome, left_out: list[dict[str, Any]], *, quiet: bool, as_json: bool
) -> None:
    """Print the first contact sheet to standard output, a summary to standard error."""
    if not quiet:
        earlier, failed = outcome.count("kept"), outcome.count("failed")
        text = f"{outcome.count('done') + earlier} of {len(outcome.results)} pictures are finished"
        text += f", {earlier} of them by an earlier run" if earlier else ""
        text += f", {failed} failed" if failed else ""
        print_note(f"{text}; {outcome.seconds:.1f} s")
        if outcome.interrupted:
            print_note("stopped early: the same command continues from here")
        elif outcome.failures:
            print_note("the same command tries the failed ones again")
    if as_json:
        print(json.dumps({**_as_json(outcome), "left_out": left_out}))
    else:
        print_path((*outcome.sheets, outcome.manifest)[0])


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
