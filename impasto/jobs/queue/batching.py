"""A batch, or a part of one, in one process: packed into a job, and painted by a worker.

Many small pictures in one job load PyTorch once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from impasto.config.bases import StyledConfig
from impasto.config.fields import from_dict
from impasto.config.methods import method_of
from impasto.config.output import OutputSettings
from impasto.config.sizes import parse_size
from impasto.config.specs import StyleSpec
from impasto.errors import JobError, OptionError, RecipeError, ResumeError
from impasto.features import sources as networks
from impasto.files.strict_json import Shape
from impasto.jobs.batch import Batch, BatchStyle
from impasto.jobs.executor import Executor
from impasto.jobs.messages import Job, Report
from impasto.jobs.queue.assignment import Assignment
from impasto.jobs.queue.job import Job as PictureJob
from impasto.jobs.queue.job import Source
from impasto.jobs.queue.packing import kept, kept_style, plain
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work, refuse
from impasto.jobs.run_batch import Progress, run_batch

__all__ = ["carry_out", "includes", "packed_batch"]

_OPTIONS: Shape = {
    "method": (str,),
    "config": (dict,),
    "backbone_digest": (str,),
    "styles": (list,),
    "format": (str,),
    "settings": (dict,),
    "memory": (int, type(None)),
    "size": (str, type(None)),
    "sheets": (bool,),
}


def packed_batch(batch: Batch, store: Store, name: str, *, sheets: bool = True) -> Work:
    """Return the job of painting a batch, all of whose files are in the store.

    Args:
        name: of the folder that it leaves.
        sheets: whether it draws contact sheets.

    Raises:
        ImpastoError: a file that cannot be read, or a store that cannot be written.
    """
    config = batch.config
    # Two photographs of one name and content are one file of the store.
    photographs = [kept(store, "content", photograph) for photograph in batch.photographs]
    sources = list(dict.fromkeys(photographs))
    for style in batch.styles:
        sources += [kept_style(store, "style", s.source, s.use, config) for s in style.specs]
    for role, file in (("init", batch.init), ("weights", batch.weights)):
        sources += [] if file is None else [kept(store, role, file)]
    options = {
        "method": method_of(config).name,
        "config": plain(asdict(config)),
        "backbone_digest": networks.digest(config.eye, batch.weights),
        "styles": [[style.text, len(style.specs)] for style in batch.styles],
        "format": batch.format,
        "settings": asdict(batch.settings),
        "memory": batch.memory,
        "size": None if batch.size is None else batch.size.text,
        "sheets": sheets,
    }
    return Work("batch", name, options, tuple(sources), name, config.device)


def includes(job: PictureJob | Work, wanted: PictureJob | Work) -> bool:
    """Return whether a job paints all pictures of another one, as that would."""
    if not isinstance(job, Work) or not isinstance(wanted, Work):
        return job == wanted
    return (
        (job.kind, job.version) == (wanted.kind, wanted.version)
        and _shared(job) == _shared(wanted)
        and set(wanted.all_of("content")) <= set(job.all_of("content"))
        and _groups(wanted) <= _groups(job)
    )


def _shared(work: Work) -> tuple[dict[str, Any], list[Source]]:
    """Return what is the same for all pictures of a job."""
    options = {name: value for name, value in work.options.items() if name != "styles"}
    return options, [s for s in work.sources if s.role not in ("content", "style")]


def _groups(work: Work) -> set[tuple[str, tuple[Source, ...]]]:
    """Return the styles of a job: the text of each, and its sources."""
    sources, groups = work.all_of("style"), set()
    for text, count in work.options.get("styles", []):
        groups.add((text, tuple(sources[:count])))
        sources = sources[count:]
    return groups


def carry_out(assignment: Assignment) -> Path | None:
    """Paint a batch; return its folder, or None if it was stopped.

    A picture that fails does not stop the others.

    Raises:
        ImpastoError: nothing can be painted.
    """
    with assignment.room() as room:
        try:
            batch, sheets = _batch_of(assignment, room), assignment.work.options["sheets"]
            watch = _Watch(assignment, room)
            outcome = run_batch(batch, watch, _Here, sheets=sheets)
        except RecipeError as error:  # the manifest of the process before
            raise ResumeError(str(error)) from error
        if outcome.interrupted:
            return None
        failures = outcome.failures
        # Of a part of a batch the manifest says what failed.
        if sheets and len(failures) == len(outcome.entries):
            raise JobError(failures[0].message)
        return assignment.hand_in(room)


def _batch_of(assignment: Assignment, folder: Path) -> Batch:
    """Return the batch of a job.

    Raises:
        ImpastoError: it is none, or cannot be painted here.
    """
    work = assignment.work
    options = work.table(_OPTIONS)
    config = assignment.settings(options["backbone_digest"])
    if not isinstance(config, StyledConfig):
        refuse("its method paints no batch")
    size = None if options["size"] is None else parse_size(options["size"])
    if isinstance(size, int):
        refuse("its size is that of a photograph, and is none")
    init, weights = work.place_of("init"), work.place_of("weights")
    return Batch(
        photographs=tuple(Path(source.place) for source in work.all_of("content")),
        styles=_styles(work, options["styles"]),
        config=config,
        folder=folder,
        format=options["format"],
        settings=_settings(options["settings"]),
        memory=options["memory"],
        force=True,  # the folder is the job's own
        size=size,
        init=Path(init) if init else None,
        weights=Path(weights) if weights else None,
    )


def _styles(work: Work, groups: Sequence[Any]) -> tuple[BatchStyle, ...]:
    """Return the styles of a batch: each of a text, and of how many sources it is blended."""
    specs = [StyleSpec.used(source.place, source.use) for source in work.all_of("style")]
    styles = []
    for group in groups:
        match group:
            case [str(text), int(count)] if 1 <= count <= len(specs):
                styles.append(BatchStyle(text, tuple(specs[:count])))
                specs = specs[count:]
            case _:
                refuse("its styles are not those of its sources")
    return tuple(styles)


def _settings(data: dict[str, Any]) -> OutputSettings:
    try:
        return from_dict(OutputSettings, data)
    except OptionError as error:
        raise JobError(f"This job's pictures cannot be written. {error}") from None


class _Watch:
    """Tells how far a batch is, with what a process before has painted."""

    def __init__(self, assignment: Assignment, room: Path) -> None:
        self._assignment, self._room = assignment, room
        self._kept: int | None = None

    def __call__(self, progress: Progress) -> bool:
        """Tell it; return whether to go on."""
        assignment, item = self._assignment, progress.item
        if self._kept is None:
            self._kept = progress.finished
        left = progress.total - self._kept
        place = f"{progress.finished}/{progress.total} pictures"
        done = (self._kept + progress.share * left) / progress.total
        assignment.step(done, lambda: {"place": place})
        if item is not None and progress.result == "failed":
            assignment.report("note", message=f"{item.output} failed: {progress.message}")
        elif item is not None:
            assignment.preview(lambda: _opened(self._room / item.output))
        return not assignment.is_stopped()


def _opened(path: Path) -> Any:
    from PIL import Image

    return Image.open(path)


class _Here(Executor):
    """Does a batch's jobs in this process, one after another."""

    def do(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Report] | None]:
        from impasto.jobs.worker import UnusableError, Worker

        worker = None
        for job in jobs:
            worker = worker or Worker(self._batch)
            try:
                for report in worker.reports(job):
                    yield job, report
            except UnusableError as unusable:
                raise unusable.error from unusable
