"""Paint what is missing of a batch, and record every result at once."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from impasto.errors import OptionError, PictureError
from impasto.files import locks
from impasto.jobs.batch import Batch
from impasto.jobs.batch_sheets import draw_sheets
from impasto.jobs.executor import Executor
from impasto.jobs.manifest import FILE, Entry, Manifest
from impasto.jobs.messages import Job, PaintJob, Report
from impasto.jobs.status import Item, batch_status, check_clear

__all__ = ["Outcome", "Progress", "run_batch"]

_LOG = logging.getLogger("impasto")

Result = Literal["done", "kept", "failed", "pending"]


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Attributes:
        finished, total: pictures, with those of an earlier run and those that failed.
        share: of this run's work, from 0 to 1.
        item: the item that has just ended, if any.
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
    """The result of a batch.

    Attributes:
        entries: of every item, as the manifest has them, in the order of the batch.
        results: `done` in this run, `kept` from an earlier one, `failed` or `pending`; one for
            each entry.
        sheets: contact sheets; none if the batch was interrupted.
    """

    folder: Path
    entries: tuple[Entry, ...]
    results: tuple[Result, ...]
    sheets: tuple[Path, ...]
    seconds: float
    interrupted: bool

    @property
    def manifest(self) -> Path:
        """The file that lists all pictures of the folder."""
        return self.folder / FILE

    @property
    def failures(self) -> tuple[Entry, ...]:
        """The entries of what could not be painted."""
        pairs = zip(self.entries, self.results, strict=True)
        return tuple(entry for entry, result in pairs if result == "failed")

    def count(self, result: Result) -> int:
        """Return how many items ended so."""
        return self.results.count(result)


Watch = Callable[[Progress], bool]


def run_batch(
    batch: Batch,
    watch: Watch = lambda _: True,
    executor_of: Callable[[Batch], Executor] = Executor,
    *,
    sheets: bool = True,
) -> Outcome:
    """Paint every photograph in every style.

    Pictures that exist already, of the same photograph, style and options, are kept. One that
    fails does not stop the others; its entry in the manifest says why, and the next run tries it
    again.

    Args:
        watch: called several times a second; when it returns False, unfinished pictures are dropped
            and the batch ends.
        executor_of: returns what does the batch's jobs: processes of this one, or a queue.
        sheets: whether to draw contact sheets.

    Raises:
        ImpastoError: an input that no picture can do without, before anything is painted; or a
            folder that can no longer be written to. What is finished by then is kept.
    """
    began = time.monotonic()
    with _staging(batch):
        manifest = Manifest.read(batch.folder)
        items = batch_status(batch, manifest)
        check_clear(items, batch.folder, force=batch.force)
        run = _Run(batch, manifest, items, watch)
        with executor_of(replace(batch, workers=run.workers)) as executor:
            drawn: tuple[Path, ...] | None = ()
            if not run.paint(executor):
                drawn = None
            elif sheets:
                drawn = run.draw(executor)
    entries = tuple(manifest.entries[item.output] for item in items)
    seconds = time.monotonic() - began
    results = tuple(run.results)
    return Outcome(batch.folder, entries, results, drawn or (), seconds, drawn is None)


@contextlib.contextmanager
def _staging(batch: Batch) -> Iterator[None]:
    """Lock the folder for one batch at a time, and make the staging folder in it."""
    folder, staging = batch.folder, batch.staging
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.FolderLock(folder))
            if staging.is_symlink():  # it would be emptied
                raise OptionError(f"{staging} is a link, not a batch's own folder. Remove it.")
            staging.mkdir(exist_ok=True)
        except BlockingIOError as problem:
            raise OptionError(
                f"Another batch is painting into {folder}. Wait for it, or give another folder "
                "with --out."
            ) from problem
        except OSError as problem:
            reason = problem.strerror or problem
            raise PictureError(
                f"{folder} cannot be used: {reason}. Give another folder with --out."
            ) from problem
        try:
            yield
            _clear(staging)
        finally:
            # Pictures in it may be finished: the next run publishes them.
            with contextlib.suppress(OSError):
                staging.rmdir()


def _clear(staging: Path) -> None:
    """Remove the files of the staging folder, which may be gone itself."""
    with contextlib.suppress(OSError):
        for path in staging.iterdir():
            path.unlink()


class _Run:
    """A batch while it is painted.

    Attributes:
        results: how each item ended.
    """

    def __init__(
        self, batch: Batch, manifest: Manifest, items: Sequence[Item], watch: Watch
    ) -> None:
        self._batch, self._manifest, self._items, self._watch = batch, manifest, items, watch
        self._index = {item.output: i for i, item in enumerate(items)}
        self._shares: dict[str, float] = {}  # how much of each unfinished picture is painted
        self._noted: set[str] = set()
        self.results: list[Result] = ["pending"] * len(items)
        for i, item in enumerate(items):
            self._enter(i, item)
        self._work = self.results.count("pending")
        self._publish_staged()
        manifest.write(batch.folder)

    @property
    def workers(self) -> int:
        """The number of workers that the work is enough for."""
        return max(1, min(self._batch.workers, self._work))

    def paint(self, executor: Executor) -> bool:
        """Paint what is missing; return whether to continue."""
        jobs = [
            PaintJob(item.photograph, item.style.specs, item.output)
            for item, result in zip(self._items, self.results, strict=True)
            if result == "pending"
        ]
        for item in self._items:
            if item.state == "unreadable":
                self._report(item, "failed", message=item.message)
        if not self._report():
            return False
        messages = executor.do(jobs)
        return all(self._report() if m is None else self._record(*m) for m in messages)

    def draw(self, executor: Executor) -> tuple[Path, ...] | None:
        """Draw the contact sheets; return None if the batch was interrupted."""
        return draw_sheets(
            self._batch, self._manifest, self._items, executor, self._move, self._report
        )

    def _enter(self, index: int, item: Item) -> None:
        """Make an item's entry before anything is painted."""
        entries, entry = self._manifest.entries, self._manifest.entries.get(item.output)
        if item.state == "kept" and entry is not None:
            self.results[index] = "kept"
            entries[item.output] = replace(entry, state="done", message="")
        elif item.state == "unreadable":
            self.results[index] = "failed"
            entry = entry or item.entry()
            entries[item.output] = replace(entry, state="failed", message=item.message)
        elif entry is None or entry.digest is None or item.state != "outdated":
            entries[item.output] = item.entry()

    def _publish_staged(self) -> None:
        for item in self._items:
            if item.staged:
                self._move(item.output)
        _clear(self._batch.staging)  # what a killed batch has left

    def _record(self, job: Job, report: Report) -> bool:
        """Record a worker's report; return whether to continue."""
        index = self._index[job.output]
        item = self._items[index]
        if report.kind == "step":
            self._shares[job.output] = report.share
            return self._report()
        if report.kind in ("note", "lost"):
            self._note(item, report)
            return self._report()
        message = report.message
        if report.kind == "done":
            message = self._publish(item, report)
        if message:
            entry = self._manifest.entries[item.output]
            self._manifest.entries[item.output] = replace(entry, state="failed", message=message)
            self._manifest.write(self._batch.folder)
        self._shares.pop(job.output, None)
        self.results[index] = "failed" if message else "done"
        return self._report(item, self.results[index], report.seconds, message)

    def _note(self, item: Item, report: Report) -> None:
        """Log a warning; only once if it is the same for every photograph, as those of a style."""
        if report.kind == "lost" or report.message not in self._noted:
            _LOG.warning("%s in %s: %s", item.photograph, item.style.text, report.message)
        self._noted.add(report.message)
        if report.kind == "lost":
            self._shares.pop(item.output, None)

    def _publish(self, item: Item, report: Report) -> str:
        """Move a finished picture to its place; return why not, if there is another file.

        The manifest is written first: after a kill in between, the next run finds the picture in
        the staging folder.
        """
        final = self._batch.folder / item.output
        if item.state == "paint" and not self._batch.force and os.path.lexists(final):
            return f"{final} has appeared meanwhile and is not replaced."
        self._manifest.entries[item.output] = replace(
            item.entry(), state="done", digest=report.digest, seconds=round(report.seconds, 3)
        )
        self._manifest.write(self._batch.folder)
        self._move(item.output)
        return ""

    def _move(self, output: str) -> None:
        """Move a file from the staging folder to the batch's."""
        final = self._batch.folder / output
        try:
            (self._batch.staging / output).replace(final)
        except OSError as problem:
            raise PictureError(
                f"{final} cannot be written: {problem.strerror}. What was finished before is kept."
            ) from problem

    def _report(
        self,
        item: Item | None = None,
        result: Result = "pending",
        seconds: float = 0.0,
        message: str = "",
    ) -> bool:
        """Report progress; return whether to continue."""
        pending = self.results.count("pending")
        painted = sum(self._shares.values())
        share = 1.0 if not self._work else (self._work - pending + painted) / self._work
        finished = len(self.results) - pending
        return self._watch(
            Progress(finished, len(self.results), share, item, result, seconds, message)
        )
