"""A job that workers do: it is put into the queue, watched, and what it leaves is fetched."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from impasto.cli.console import print_note, print_path
from impasto.cli.interrupt import handling_signals
from impasto.cli.options import RunFlags
from impasto.cli.progress import ProgressBar, progress_bar
from impasto.cli.streams import STREAM
from impasto.config.methods import PictureConfig
from impasto.errors import JobError, OptionError, PictureError
from impasto.jobs.queue.kinds import KINDS
from impasto.painting.sources import Sources

if TYPE_CHECKING:
    from impasto.jobs.queue.client import JobQueue, JobState
    from impasto.jobs.queue.job import Job
    from impasto.jobs.queue.store import Store
    from impasto.jobs.queue.work import Work
    from impasto.run.output import Output

__all__ = ["fetch", "job_as_dict", "open_queue", "send", "submit", "watch"]

_LOOK = 0.25  # seconds between two looks at a job's events
_ASK = 1.0  # seconds between two questions to the database


@contextlib.contextmanager
def open_queue(queue: str | None, files: Path | None, *, quiet: bool = False) -> Iterator[JobQueue]:
    """Yield a queue.

    Args:
        queue: what `--queue` names; None for that of this machine.
        files: the folder of jobs that all workers see; None for the user's own.

    Raises:
        ImpastoError: it cannot be used.
    """
    from impasto.jobs.queue.address import Address
    from impasto.jobs.queue.client import JobQueue
    from impasto.jobs.queue.store import Store

    store = Store.open(files)
    note: Callable[[str], None] = (lambda _: None) if quiet else print_note
    with JobQueue(Address.parse(queue, store), store, note) as opened:
        yield opened


def submit(sources: Sources, config: PictureConfig, flags: RunFlags, output: Output) -> None:
    """Let workers paint a picture; with `--wait` stay until it is there.

    Args:
        output: where the picture goes, with `--wait`; else its name, and how it is written.

    Raises:
        ImpastoError: the job cannot be made, or fails.
        Exit: it was cancelled, or the command was interrupted.
    """
    from impasto.jobs.queue.packing import packed

    _refuse_own_run(sources, flags)
    file = output.path
    if flags.wait:
        output.check(config.size)

    def pack(store: Store) -> Job:
        memory = flags.memory_bytes()
        return packed(sources, config, store, file.name, settings=output.settings, memory=memory)

    send(pack, file, flags)


def send(pack: Callable[[Store], Job | Work], target: Path, flags: RunFlags) -> None:
    """Put a job into the queue; with `--wait` stay until it is done, and fetch what it left.

    Args:
        pack: returns the job, whose files it copies into the folder of jobs.
        target: where it goes: a file, or the folder for the files of other jobs than pictures.

    Raises:
        ImpastoError: the job cannot be made, or fails.
        Exit: it was cancelled, or the command was interrupted.
    """
    with open_queue(flags.queue, flags.files, quiet=flags.quiet) as queue:
        id = queue.submit(pack(queue.store))
        if not flags.quiet:
            _note_submitted(queue, id, target)
        if flags.wait:
            state = watch(queue, id, quiet=flags.quiet)
            fetch(queue, state, target, force=flags.force, as_json=flags.as_json)
        elif flags.as_json:
            print(json.dumps({"job": id, "folder": str(queue.store.jobs / id)}))
        else:
            print_path(id)


def watch(queue: JobQueue, id: str, *, quiet: bool = False) -> JobState:
    """Show a job's progress until it is over; return where it is then.

    Raises:
        JobError: there is no such job.
        Exit: by Ctrl-C, which leaves the job to its workers.
    """
    from impasto.jobs.queue.job_folder import JobFolder
    from impasto.jobs.queue.journal import read_events

    state = queue.job(id)
    folder = JobFolder(queue.store, id)
    shown, asked = 0, time.monotonic()
    with handling_signals() as interruption, progress_bar(id, quiet=quiet) as bar:
        interruption.has_progress = True
        while not state.is_over:
            for event in read_events(folder.events, shown):
                shown = event["number"]
                _show(event, bar, quiet)
            if interruption.is_requested:
                print_note(
                    f"the job goes on: `impasto jobs watch {id}{_place(queue)}` shows it again"
                )
                raise typer.Exit(interruption.status)
            time.sleep(_LOOK)
            if time.monotonic() - asked >= _ASK:
                state, asked = queue.job(id), time.monotonic()
    return state


def fetch(
    queue: JobQueue,
    state: JobState,
    target: Path | None,
    *,
    force: bool = False,
    as_json: bool = False,
) -> None:
    """Print where the result of a job that is over is, copied to `target` if there is one.

    Args:
        target: a file; or a folder, where the job has left one.

    Raises:
        JobError: it failed, or its picture is not there.
        PictureError: it cannot be copied.
        Exit: it was cancelled or paused.
    """
    if state.state == "failed":
        raise JobError(f"The job {state.id} failed: {state.message}")
    if state.state != "done":
        again = f"impasto jobs retry {state.id}{_place(queue)}"
        print_note(f"the job {state.id} was {state.state}: `{again}`")
        raise typer.Exit(1)
    made = _result(queue, state.id)
    path = KINDS[state.kind].result_in(made)
    if target is not None:
        for file, copy in _copies(made, target):
            _copy(file, copy, force=force)
        path = target / path.relative_to(made)
    if as_json:
        print(json.dumps({**job_as_dict(queue, state), "output": str(path)}))
    else:
        print_path(path)


def job_as_dict(queue: JobQueue, state: JobState) -> dict[str, Any]:
    """Return all that is known of a job, as JSON holds it."""
    from impasto.jobs.queue.job_folder import JobFolder
    from impasto.jobs.queue.journal import last_event

    folder = JobFolder(queue.store, state.id)
    last = last_event(folder.events) or {}
    result = folder.result() if state.state == "done" else None
    made = None if result is None else folder.picture(result)
    return {
        "job": state.id,
        "title": state.title,
        "kind": state.kind,
        "state": state.state,
        "done": 1.0 if state.state == "done" else last.get("done", 0.0),
        "worker": state.executor,
        "device": state.device,
        "version": state.version,
        "message": state.message,
        "folder": str(folder.path),
        "picture": None if made is None else str(made),
        "result": None if made is None else str(KINDS[state.kind].result_in(made)),
        "preview": str(folder.preview) if folder.preview.exists() else None,
        "digest": None if result is None else result.digest,
        "seconds": None if result is None else result.seconds,
    }


def _refuse_own_run(sources: Sources, flags: RunFlags) -> None:
    """Refuse options of a run in this process, and pictures that are in no file.

    Raises:
        OptionError: one was typed.
    """
    typed = {
        "--run": flags.run,
        "--keep-run": flags.keep_run,
        "--resume": flags.resume,
        "--trace": flags.trace,
        "--preview-every": flags.preview_every,
        "--format": flags.format,
    }
    if names := [name for name, value in typed.items() if value]:
        raise OptionError(
            f"{', '.join(names)}: for a picture that is painted here, and --queue lets a worker "
            "paint it, which keeps its run and shows previews by itself. Leave it out."
        )
    styles = [spec.source for spec in sources.styles]
    pictures = [sources.content, *styles, sources.content_map, *sources.style_maps, flags.out]
    if any(str(picture) == STREAM for picture in pictures):
        raise OptionError(
            f"Standard input and output ({STREAM}) are of this process, and --queue lets a worker "
            "paint: name files."
        )


def _note_submitted(queue: JobQueue, id: str, file: Path) -> None:
    from impasto.jobs.queue.heartbeat import beats

    if not any(beats(queue.store.workers)):
        print_note(f"no worker is here yet: `impasto worker{_place(queue)}` starts one")
    watching = f"impasto jobs watch {id} -o {shlex.quote(str(file))}{_place(queue)}"
    print_note(f"job {id} is in the queue; `{watching}` waits for it")


def _place(queue: JobQueue) -> str:
    """Return the flags by which another command finds the same queue, if it needs any."""
    from impasto.jobs.queue.store import default_folder

    flags = "" if queue.address.file else f" --queue {queue.address}"
    named = os.environ.get("IMPASTO_FILES")
    usual = Path(named) if named else default_folder()
    if not flags and queue.store.path == usual.absolute():
        return ""
    return f"{flags} --files {shlex.quote(str(queue.store.path))}"


def _show(event: dict[str, Any], bar: ProgressBar | None, quiet: bool) -> None:
    """Move the bar, or print a line for what is no step."""
    if event["event"] == "step" and bar is not None:
        bar(event["done"], *_place_of(event))
    elif event["event"] == "begun" and not quiet:
        (bar.note if bar else print_note)(f"begun by {event.get('worker', '')}")
    elif event["event"] == "note" and not quiet:
        (bar.note if bar else print_note)(str(event.get("message", "")))


def _place_of(event: dict[str, Any]) -> tuple[str, str]:
    """Return where in its work a job is, in two parts."""
    if "place" in event:
        return str(event["place"]), ""
    place = f"scale {event['scale']}/{event['scales']} {event['width']}×{event['height']}"
    return place, f"{event['iteration']:>3}/{event['iterations']}"


def _result(queue: JobQueue, id: str) -> Path:
    from impasto.jobs.queue.job_folder import JobFolder

    folder = JobFolder(queue.store, id)
    result = folder.result()
    if result is None or not folder.picture(result).exists():
        raise JobError(
            f"The result of the job {id} is not in {folder.path}: this machine does not see the "
            "folder of jobs, or it was removed."
        )
    return folder.picture(result)


def _copies(made: Path, target: Path) -> list[tuple[Path, Path]]:
    """Return the files of a result, and where each is copied to."""
    if not made.is_dir():
        return [(made, target)]
    files = sorted(path for path in made.rglob("*") if path.is_file())
    return [(file, target / file.relative_to(made)) for file in files]


def _copy(source: Path, target: Path, *, force: bool) -> None:
    from impasto.files import atomic

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = problem.strerror or problem
        raise PictureError(f"{target.parent} cannot be made: {reason}.") from problem
    atomic.check_target(target, force=force)
    try:
        with source.open("rb") as file, atomic.opened(target) as copy:
            shutil.copyfileobj(file, copy, 2**20)
    except OSError as problem:
        reason = problem.strerror or problem
        raise PictureError(f"{target} cannot be written: {reason}. It is still {source}.") from None
