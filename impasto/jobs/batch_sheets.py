"""The contact sheets of a batch: draw what is missing, remove what is left over."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from impasto.errors import PictureError
from impasto.files.digests import of_file
from impasto.jobs.batch import Batch
from impasto.jobs.executor import Executor
from impasto.jobs.manifest import Manifest, Sheet
from impasto.jobs.messages import Report
from impasto.jobs.sheet_layout import Planned, plan_sheets
from impasto.jobs.status import Item

__all__ = ["draw_sheets"]

_LOG = logging.getLogger("impasto")


def draw_sheets(
    batch: Batch,
    manifest: Manifest,
    items: Sequence[Item],
    executor: Executor,
    publish: Callable[[str], None],
    watch: Callable[[], bool],
) -> tuple[Path, ...] | None:
    """Draw the contact sheets that are missing, and remove those of an earlier, larger selection.

    Args:
        publish: moves a finished file from the staging folder to its place.
        watch: returns whether to continue.

    Returns:
        All sheets; None if the batch was interrupted.
    """
    sheets = plan_sheets(batch.folder, items, manifest.entries)
    shows = {sheet.job.output: sheet.shows for sheet in sheets}
    _remove_leftovers(batch, manifest, sheets)
    missing = [sheet.job for sheet in sheets if _is_missing(batch, manifest, sheet)]
    for message in executor.do(missing):
        if message is not None:
            job, report = message
            _note(batch, manifest, job.output, report, shows, publish)
        if not watch():
            return None
    return tuple(batch.folder / output for output in shows if _is_ours(batch, manifest, output))


def _is_missing(batch: Batch, manifest: Manifest, sheet: Planned) -> bool:
    """Return whether a sheet is to be drawn; a file that is not the batch's is not replaced."""
    path = batch.folder / sheet.job.output
    if not os.path.lexists(path):
        return True
    if _is_ours(batch, manifest, sheet.job.output):
        return manifest.sheets[sheet.job.output].shows != sheet.shows
    if batch.force and not path.is_dir():
        return True
    _LOG.warning("%s is not the batch's and stays: no contact sheet of that name is drawn", path)
    return False


def _is_ours(batch: Batch, manifest: Manifest, output: str) -> bool:
    """Return whether a sheet's file is the one that a batch wrote."""
    path, sheet = batch.folder / output, manifest.sheets.get(output)
    if sheet is None or path.is_symlink() or not path.is_file():
        return False
    return of_file(path, PictureError) == sheet.digest


def _note(
    batch: Batch,
    manifest: Manifest,
    output: str,
    report: Report,
    shows: dict[str, str],
    publish: Callable[[str], None],
) -> None:
    if report.kind == "done":
        manifest.sheets[output] = Sheet(output, report.digest, shows[output])
        manifest.write(batch.folder)
        publish(output)
    elif report.kind == "failed":
        _LOG.warning("there is no contact sheet: %s", report.message)


def _remove_leftovers(batch: Batch, manifest: Manifest, sheets: Sequence[Planned]) -> None:
    for output in set(manifest.sheets) - {sheet.job.output for sheet in sheets}:
        if _is_ours(batch, manifest, output):
            (batch.folder / output).unlink()
        del manifest.sheets[output]
