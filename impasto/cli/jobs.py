"""`impasto jobs`: what is in a queue, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import print_note, stdout_console, visible
from impasto.cli.queued import fetch, job_as_dict, open_queue
from impasto.cli.queued import watch as watch_job
from impasto.errors import OptionError
from impasto.version import __version__

if TYPE_CHECKING:
    from impasto.jobs.queue.client import JobQueue

__all__ = ["app"]

app = typer.Typer(
    help="List, show, watch, cancel, pause and retry the jobs of a queue.", no_args_is_help=True
)

_Id = Annotated[str, shared.argument("ID", "A job, as `impasto jobs list` shows it.")]


@app.command("list")
def _list(
    queue: shared.QueueUrl = None,
    files: shared.Files = None,
    limit: Annotated[
        int, shared.number("--limit", int, 1, metavar="N", help="How many, from the latest.")
    ] = 50,
    as_json: shared.Json = False,
) -> None:
    """List the jobs, the oldest first."""
    with open_queue(queue, files) as opened:
        states = opened.jobs(limit)
        data = [job_as_dict(opened, state) for state in states]
    if as_json:
        print(json.dumps(data))
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("job", "kind", "state", "done", "title", "worker"):
        table.add_column(name, justify="right" if name == "done" else "left", overflow="fold")
    for state, job in zip(states, data, strict=True):
        share = "" if state.state in ("waiting", "failed") else f"{100 * job['done']:.0f} %"
        is_other = state.state == "waiting" and state.version != __version__
        shown = f"waiting for Impasto {visible(state.version)}" if is_other else state.state
        table.add_row(
            state.id, visible(state.kind), shown, share, visible(state.title), state.executor
        )
    stdout_console().print(table)


@app.command()
def show(
    id: _Id,
    queue: shared.QueueUrl = None,
    files: shared.Files = None,
    as_json: shared.Json = False,
) -> None:
    """Show all that is known of a job: where it is, its files, why it failed."""
    with open_queue(queue, files) as opened:
        data = job_as_dict(opened, opened.job(id))
    if as_json:
        print(json.dumps(data))
        return
    for name, value in data.items():
        if value not in (None, ""):
            shown = f"{100 * value:.0f} %" if name == "done" else value
            print(f"{name:<9}{visible(str(shown))}")


@app.command()
def watch(
    id: _Id,
    queue: shared.QueueUrl = None,
    files: shared.Files = None,
    out: Annotated[
        Path | None,
        shared.option(
            "--out",
            "-o",
            metavar="OUT",
            help="Copy the picture here, or into this folder what other jobs leave; otherwise it "
            "stays there.",
        ),
    ] = None,
    force: shared.Force = False,
    quiet: shared.Quiet = False,
    as_json: shared.Json = False,
) -> None:
    """Show a job's progress until it is over; then print where its picture is.

    Ctrl-C ends the command, and not the job.
    """
    from impasto.cli.places import check_folder, picture_path
    from impasto.files import atomic
    from impasto.jobs.queue.job_folder import JobFolder

    with open_queue(queue, files, quiet=quiet) as opened:
        state = opened.job(id)  # refused before its files are looked for
        target, name = out, JobFolder(opened.store, id).job().name
        if out is not None and state.kind == "paint":
            target = picture_path(out, name)
            _check_suffix(target, name)
            atomic.check_target(target, force=force)
        elif out is not None:
            check_folder(out)
        state = watch_job(opened, id, quiet=quiet)
        fetch(opened, state, target, force=force, as_json=as_json)


@app.command()
def cancel(id: _Id, queue: shared.QueueUrl = None, files: shared.Files = None) -> None:
    """End a job. What it has painted stays in its folder, and `retry` continues from it."""
    with open_queue(queue, files) as opened:
        _end(opened, id, "cancel")


@app.command()
def pause(id: _Id, queue: shared.QueueUrl = None, files: shared.Files = None) -> None:
    """End a job after its iteration, for `retry` to continue it from there."""
    with open_queue(queue, files) as opened:
        _end(opened, id, "pause")


@app.command()
def retry(id: _Id, queue: shared.QueueUrl = None, files: shared.Files = None) -> None:
    """Put a job that failed, was cancelled or paused into the queue again, from its last state.

    So is one that waits for another version of Impasto: workers of this one take it.
    """
    with open_queue(queue, files) as opened:
        print_note(f"job {id} is {opened.retry(id).state}")


@app.command("next")
def _next(id: _Id, queue: shared.QueueUrl = None, files: shared.Files = None) -> None:
    """Let a job that waits run before all others that wait."""
    with open_queue(queue, files) as opened:
        opened.next(id)
        print_note(f"job {id} is the next")


def _check_suffix(target: Path, name: str) -> None:
    """Check that a copy is called what it is.

    Raises:
        OptionError: its suffix is that of another format.
    """
    if target.suffix.lower() != Path(name).suffix.lower():
        raise OptionError(
            f"--out is {target}, and the job paints {name}: give a name with the suffix "
            f"{Path(name).suffix}."
        )


def _end(queue: JobQueue, id: str, how: str) -> None:
    state: Any = getattr(queue, how)(id)
    print_note(f"job {id} is {state.state}")
