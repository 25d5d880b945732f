"""The inputs of a stopped run, located and checked to be unchanged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from impasto.painting import rerun
from impasto.painting.task import Task
from impasto.run import continuing
from impasto.run.folder import RunFolder
from impasto.run.record import Record

__all__ = ["prepared"]


def prepared(folder: RunFolder, record: Record) -> Task:
    """Return the task of a run that was stopped, with its recipe and on as many threads as then.

    Raises:
        ResumeError: an input or the weights are missing or have changed.
        ImpastoError: as `prepare` does.
    """
    recipe = record.recipe
    weights = None if record.weights is None else Path(record.weights)
    places, problems = continuing.located(folder, record)
    if changed := rerun.change_of_weights(recipe, recipe.settings(), weights):
        problems.append(changed)
    continuing.refuse_changed(folder, problems)
    rerun.take_threads(recipe)
    return replace(rerun.prepare_again(recipe, places, weights), recipe=recipe)
