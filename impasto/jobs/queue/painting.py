"""A picture in its process: painted as a command would, from its last state if there is one."""

from __future__ import annotations

from pathlib import Path

import torch

from impasto.errors import JobError
from impasto.features import sources as networks
from impasto.image.writing import to_pil
from impasto.jobs.queue.assignment import Assignment, taken
from impasto.jobs.queue.job import Job
from impasto.painting import rerun
from impasto.painting.task import Task
from impasto.run.events import Event, Noted, Started, Stepped, consume
from impasto.run.halt import Halt
from impasto.run.launch import RunOptions, begin
from impasto.run.output import Output
from impasto.run.trace import finite

__all__ = ["carry_out"]

_NUMBERS = ("scale", "scales", "width", "height", "iteration", "iterations")


def carry_out(assignment: Assignment) -> Path | None:
    """Paint a job; return the picture's file, or None if it was stopped.

    Raises:
        ImpastoError: it cannot be painted.
    """
    job, folder = assignment.job, assignment.folder
    assert isinstance(job, Job)
    if folder.run.is_dir():
        with taken(folder.run):  # the run takes it by itself: only wait until it is free
            pass
    output = Output(folder.target(assignment.claim, job.name), job.settings, force=True)
    recipe, weights = job.recipe(torch.get_num_threads()), _weights(job)
    options = RunOptions(
        folder=folder.run,
        resume=(folder.run / "run.json").exists(),
        memory=job.memory,
        timed=False,
        stop=lambda: Halt.AT_ONCE if assignment.is_stopped() else Halt.NO,
    )

    def handle(event: Event) -> None:
        if isinstance(event, Started):
            assignment.report("started", memory=event.forecast.memory)
        elif isinstance(event, Noted):
            assignment.report("note", message=event.message)
        elif isinstance(event, Stepped):
            _show(assignment, event)

    size = recipe.settings().size
    events = begin(lambda: _prepared(job), output, options, size, weights=weights)
    result = consume(events, handle)
    return None if result is None or result.picture is None else result.path


def _prepared(job: Job) -> Task:
    """Return the task of a job.

    Raises:
        ImpastoError: it would be another picture here.
    """
    recipe, weights = job.recipe(torch.get_num_threads()), _weights(job)
    eye = recipe.settings().eye
    if networks.digest(eye, weights) != recipe.backbone_digest:
        raise JobError(f"The weights of {eye} are others here than where the job was made.")
    places = {
        role: [source.place for source in job.sources if source.role == role]
        for role in ("content", "style", "content-map", "style-map", "init", "region")
    }
    task = rerun.prepare_again(recipe, places, weights)
    if changes := rerun.changes(recipe, task.recipe):
        raise JobError(f"This would be another picture: {'; '.join(changes)}.")
    return task


def _weights(job: Job) -> Path | None:
    return None if job.weights is None else Path(job.weights)


def _show(assignment: Assignment, step: Stepped) -> None:
    def values() -> dict[str, object]:
        return {name: getattr(step, name) for name in _NUMBERS} | {"losses": finite(step.losses)}

    assignment.step(step.done, values)
    assignment.preview(lambda: to_pil(step.picture(), metadata="none"))
