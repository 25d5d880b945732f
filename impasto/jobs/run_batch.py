"""Paint a batch: what is missing is painted, every result is noted down at once."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from impasto.errors import OptionError, PictureError
from impasto.files import locks
from impasto.files.digests import of_file
from impasto.jobs.batch import Batch
from impasto.jobs.executor import Crew, Heard
from impasto.jobs.manifest import FILE, Entry, Manifest, Sheet
from impasto.jobs.messages import Brief, PaintJob
from impasto.jobs.sheet_layout import Planned, plan_sheets
from impasto.jobs.status import STAGING, Item, check_clear, survey

__all__ = ["Outcome", "Progress", "conduct"]

_LOG = logging.getLogger("impasto")

Result = Literal["done", "kept", "failed", "pending"]


@dataclass(frozen=True)
class Progress:
    """Where a batch is.

    Attributes:
        finished, total: pictures, with those that were there already and those that failed.
        share: of what this run has to do, from 0 to 1.
        item: what has just ended; None in between.
        result: how it ended: `done` or `failed`.
        seconds: that it took.
        message: why it failed.
    """

    finished: int
    total: int
    share: float
    item: Item | None = None
    result: Result = "pending"
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a batch.

    Attributes:
        entries: of every item, as the manifest has them, in the order that was asked for.
        results: `done` in this run, `kept` from an earlier one, `failed` or `pending`; one for
            each entry.
        sheets: contact sheets; none if the batch was interrupted.
        interrupted: whether somebody ended it before its time.
    """

    folder: Path
    entries: tuple[Entry, ...]
    results: tuple[Result, ...]
    sheets: tuple[Path, ...]
    seconds: float
    interrupted: bool

    @property
    def manifest(self) -> Path:
        """The list of all pictures in the folder."""
        return self.folder / FILE

    @property
    def failures(self) -> tuple[Entry, ...]:
        """What could not be painted."""
        pairs = zip(self.entries, self.results, strict=True)
        return tuple(entry for entry, result in pairs if result == "failed")

    def count(self, result: Result) -> int:
        """How many items ended so."""
        return self.results.count(result)


Watch = Callable[[Progress], bool]


def conduct(batch: Batch, watch: Watch = lambda _: True) -> Outcome:
    """Paint every photograph in every look.

    Pictures that are there already, of the same photograph, style and options, are kept. One that
    fails stops no other; its entry in the manifest says why, and the next run tries it again.

    Args:
        watch: called several times a second; when it returns False, the pictures in hand are
            dropped and the batch ends.

    Raises:
        ImpastoError: what cannot be used at all, before anything is painted; or a folder that
            takes no more. What is finished by then is kept.
    """
    began = time.monotonic()
    with _claimed(batch.folder):
        manifest = Manifest.read(batch.folder)
        items = survey(batch, manifest)
        check_clear(items, batch.folder, force=batch.force)
        run = _Run(batch, manifest, items, watch)
        with run.crew() as crew:
            sheets = run.draw(crew) if run.paint(crew) else None
    entries = tuple(manifest.entries[item.output] for item in items)
    seconds = time.monotonic() - began
    results = tuple(run.results)
    return Outcome(batch.folder, entries, results, sheets or (), seconds, sheets is None)


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """The folder, and one in it for what is not published yet, for one batch at a time."""
    staging = folder / STAGING
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_locked(folder))
            if staging.is_symlink():  # it would be emptied
                raise OptionError(f"{staging} is a link, not a batch's own folder. Remove it.")
            staging.mkdir(exist_ok=True)
        except OSError as problem:
            reason = problem.strerror or problem
            raise PictureError(
                f"{folder} cannot be used: {reason}. Give another folder with --out."
            ) from problem
        try:
            yield
            _clear(staging)
        finally:
            # What is still there may be finished: the next run sees to it.
            with contextlib.suppress(OSError):
                staging.rmdir()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder."""
    lock = locks.FolderLock(folder)
    try:
        lock.acquire()
    except BlockingIOError as problem:
        raise OptionError(
            f"Another batch is painting into {folder}. Wait for it, or give another folder "
            "with --out."
        ) from problem
    try:
        yield
    finally:
        lock.release()


def _clear(staging: Path) -> None:
    """Remove what nobody will ask for any more; the folder may be gone itself."""
    with contextlib.suppress(OSError):
        for path in staging.iterdir():
            path.unlink()


class _Run:
    """A batch while it is painted."""

    def __init__(
        self, batch: Batch, manifest: Manifest, items: Sequence[Item], watch: Watch
    ) -> None:
        self._batch, self._manifest, self._items, self._watch = batch, manifest, items, watch
        self._staging = batch.folder / STAGING
        self._where = {item.output: i for i, item in enumerate(items)}
        self._shares: dict[str, float] = {}
        self._told: set[str] = set()
        self.results: list[Result] = ["pending"] * len(items)
        for i, item in enumerate(items):
            self._begin(i, item)
        self._work = self.results.count("pending")
        self._publish_staged()
        manifest.write(batch.folder)

    def crew(self) -> Crew:
        """Workers for all that is to be done; none is started before there is work."""
        batch = self._batch
        brief = Brief(
            batch.config,
            self._staging,
            batch.init,
            batch.weights,
            batch.bits,
            batch.quality,
            batch.recipe,
            max(1, min(batch.workers, self._work)),
            batch.memory,
        )
        return Crew(brief, brief.workers)

    def paint(self, crew: Crew) -> bool:
        """Paint what is missing; whether to go on after that."""
        jobs = [
            PaintJob(item.photograph, item.look.choices, item.output)
            for item, result in zip(self._items, self.results, strict=True)
            if result == "pending"
        ]
        for item in self._items:
            if item.state == "unreadable":
                self._tell(item, "failed", message=item.message)
        if not self._tell():
            return False
        return all(self._tell() if h is None else self._note(h) for h in crew.do(jobs))

    def draw(self, crew: Crew) -> tuple[Path, ...] | None:
        """Draw the contact sheets that are not there already; None if somebody ended it."""
        sheets = plan_sheets(self._batch.folder, self._items, self._manifest.entries)
        shows = {sheet.job.output: sheet.shows for sheet in sheets}
        self._remove_others(sheets)
        for heard in crew.do([sheet.job for sheet in sheets if self._is_missing(sheet)]):
            if heard is not None:
                self._note_sheet(heard, shows)
            if not self._tell():
                return None
        return tuple(self._batch.folder / output for output in shows if self._is_ours(output))

    # Pictures

    def _begin(self, index: int, item: Item) -> None:
        """An item's entry before anything is painted."""
        entries, held = self._manifest.entries, self._manifest.entries.get(item.output)
        if item.state == "kept" and held is not None:
            self.results[index] = "kept"
            entries[item.output] = replace(held, state="done", message="")
        elif item.state == "unreadable":
            self.results[index] = "failed"
            entries[item.output] = replace(
                held or item.entry(), state="failed", message=item.message
            )
        elif held is None or held.digest is None or item.state != "outdated":
            entries[item.output] = item.entry()

    def _publish_staged(self) -> None:
        for item in self._items:
            if item.staged:
                self._move(item.output)
        _clear(self._staging)  # of what a batch that was killed has left

    def _note(self, heard: Heard) -> bool:
        """Note down what a worker says of its picture; whether to go on."""
        job, report = heard.job, heard.report
        index = self._where[job.output]
        item = self._items[index]
        if report.kind == "step":
            self._shares[job.output] = report.share
            return self._tell()
        if report.kind in ("note", "lost"):
            # Of a style each photograph says the same, once is enough; that one was lost is not.
            if report.kind == "lost" or report.message not in self._told:
                _LOG.warning("%s in %s: %s", item.photograph, item.look.text, report.message)
            self._told.add(report.message)
            if report.kind == "lost":
                self._shares.pop(job.output, None)
            return self._tell()
        message = report.message
        if report.kind == "done":
            message = self._publish(item, report.digest, report.seconds)
        if message:
            held = self._manifest.entries[item.output]
            self._manifest.entries[item.output] = replace(held, state="failed", message=message)
            self._manifest.write(self._batch.folder)
        self._shares.pop(job.output, None)
        self.results[index] = "failed" if message else "done"
        return self._tell(item, self.results[index], report.seconds, message)

    def _publish(self, item: Item, digest: str, seconds: float) -> str:
        """Put a finished picture in its place; why not, if that is taken.

        First the manifest says that it is ours, then it appears: killed in between, the next run
        finds it in the staging folder.
        """
        final = self._batch.folder / item.output
        if item.state == "paint" and not self._batch.force and os.path.lexists(final):
            return f"{final} has appeared meanwhile and is not replaced."
        self._manifest.entries[item.output] = replace(
            item.entry(), state="done", digest=digest, seconds=round(seconds, 3)
        )
        self._manifest.write(self._batch.folder)
        self._move(item.output)
        return ""

    def _move(self, output: str) -> None:
        """From the staging folder to where it belongs."""
        final = self._batch.folder / output
        try:
            (self._staging / output).replace(final)
        except OSError as problem:
            raise PictureError(
                f"{final} cannot be written: {problem.strerror}. What was finished before is kept."
            ) from problem

    # Contact sheets

    def _is_missing(self, sheet: Planned) -> bool:
        """Whether a sheet is to be drawn; a file that is not ours stays, and that is told."""
        output = sheet.job.output
        if not os.path.lexists(self._batch.folder / output):
            return True
        if self._is_ours(output):
            return self._manifest.sheets[output].shows != sheet.shows
        if self._batch.force and not (self._batch.folder / output).is_dir():
            return True
        _LOG.warning(
            "%s is not the batch's and stays: there is no contact sheet of that name",
            self._batch.folder / output,
        )
        return False

    def _is_ours(self, output: str) -> bool:
        """Whether a sheet's file is the one that a batch wrote."""
        final, held = self._batch.folder / output, self._manifest.sheets.get(output)
        if held is None or final.is_symlink() or not final.is_file():
            return False
        return of_file(final, PictureError) == held.digest

    def _note_sheet(self, heard: Heard, shows: Mapping[str, str]) -> None:
        output, report = heard.job.output, heard.report
        if report.kind == "done":
            self._manifest.sheets[output] = Sheet(output, report.digest, shows[output])
            self._manifest.write(self._batch.folder)
            self._move(output)
        elif report.kind == "failed":
            _LOG.warning("there is no contact sheet: %s", report.message)

    def _remove_others(self, sheets: Sequence[Planned]) -> None:
        """Remove the batch's own sheets of an earlier, larger selection."""
        for output in set(self._manifest.sheets) - {sheet.job.output for sheet in sheets}:
            if self._is_ours(output):
                (self._batch.folder / output).unlink()
            del self._manifest.sheets[output]

    def _tell(
        self,
        item: Item | None = None,
        result: Result = "pending",
        seconds: float = 0.0,
        message: str = "",
    ) -> bool:
        open_ = self.results.count("pending")
        within = sum(self._shares.values())
        share = 1.0 if not self._work else (self._work - open_ + within) / self._work
        progress = Progress(
            len(self.results) - open_, len(self.results), share, item, result, seconds, message
        )
        return self._watch(progress)
