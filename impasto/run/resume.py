"""Going on with a run: everything that it needs, found again and found unchanged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from impasto.config.recipe import MAX_EXTENDED, ROLES, Input, Recipe, Stop, short
from impasto.engine.snapshots import Execution
from impasto.engine.step import Step
from impasto.errors import PictureError, ResumeError
from impasto.files.digests import of_file
from impasto.image.writing import to_pil
from impasto.painting import rerun
from impasto.painting.sources import Task, finish, paint
from impasto.run import execution as executions
from impasto.run.folder import RunFolder, holding
from impasto.run.record import Record
from impasto.styles import gallery

__all__ = ["differences", "extended", "prepared", "resume"]


def resume(path: Path | str) -> Image.Image:
    """Go on with the run in a folder to its end, as `impasto resume` does, and write no picture.

    The folder stays, with the state at the end: the same call again gives the picture at once.

    Args:
        path: the run's folder, such as `out.run`.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`: the same pixels as those
        of a run that was never stopped.

    Raises:
        ImpastoError: the run cannot be gone on with.
    """
    with holding(Path(path)) as folder:
        record = folder.open()
        task = prepared(folder, record)
        saved = folder.saved()
        execution = executions.execution_of(record.recipe)
        step = _painted(
            folder,
            task,
            execution if saved is None else replace(execution, snapshot=saved.snapshot),
        )
        folder.save(step)
        return to_pil(finish(task, step), recipe=record.recipe.to_json())


def prepared(folder: RunFolder, record: Record) -> Task:
    """The task of a run that was begun, with its own recipe, on as many threads as then.

    Raises:
        ResumeError: an input or the weights are missing or have changed.
        ImpastoError: as `prepare` does.
    """
    recipe = record.recipe
    weights = None if record.weights is None else Path(record.weights)
    places: dict[str, list[str]] = {}
    told: list[str] = []
    for role in ROLES:
        places[role] = [
            _found(given, place, folder.path, told)
            for given, place in zip(recipe.of(role), record.places.get(role, ()), strict=True)
        ]
    if changed := rerun.change_of_weights(recipe, recipe.settings(), weights):
        told.append(changed)
    if told:
        raise ResumeError(
            f"The run in {folder.path} cannot go on: {'; '.join(told)}. Put it back as it was, or "
            "begin anew."
        )
    rerun.take_threads(recipe)
    return replace(rerun.prepare_again(recipe, places, weights), recipe=recipe)


def extended(folder: RunFolder, extra: int) -> Record:
    """The record of a finished run that is to have more iterations at its last scale.

    Raises:
        ResumeError: it is not finished, was stopped early, or has no state left.
    """
    record = folder.record
    if not record.finished:
        raise ResumeError(
            f"The run in {folder.path} is not finished: `impasto resume {folder.path}` first."
        )
    if record.recipe.stopped_at is not None or not folder.has_state:
        raise ResumeError(f"The run in {folder.path} was stopped early and cannot be extended.")
    total = record.recipe.extended + extra
    if total > MAX_EXTENDED:
        raise ResumeError(f"A run can be extended by {MAX_EXTENDED} iterations, not by {total}.")
    return replace(record, recipe=replace(record.recipe, extended=total))


def differences(then: Recipe, now: Recipe) -> list[str]:
    """What is not the same in two recipes that should paint the same picture; empty if nothing.

    Names are not compared: a file may be named from another folder.
    """
    if then.method != now.method:
        return [f"it paints by {then.method}, not by {now.method}"]
    told = [
        f"--{name.replace('_', '-')} was {then.config.get(name)} and is {value}"
        for name, value in now.config.items()
        if name != "region" and then.config.get(name) != value
    ]
    for role in ROLES:
        before, after = ([(g.digest, g.use) for g in r.of(role)] for r in (then, now))
        if before != after:
            told.append(f"its {role} was another")
    if _uses(then) != _uses(now):
        told.append("its --region was another")
    if then.backbone_digest != now.backbone_digest:
        told.append("its weights were others")
    return told


def _uses(recipe: Recipe) -> list[str]:
    """What happens in the regions, without the names of their styles."""
    names = {given.use: given.name for given in recipe.of("region")}
    texts = recipe.config.get("region", [])
    return [text.replace(names.get(text.partition("=")[0], "\0"), "", 1) for text in texts]


def _painted(folder: RunFolder, task: Task, execution: Execution) -> Step:
    for step in paint(task, execution):
        if task.recipe.stopped_at == Stop(step.scale, step.iteration):
            break
        folder.keep_up(step)
    return step


def _found(given: Input, place: str, folder: Path, told: list[str]) -> str:
    """Where an input is: where it was, or beside the folder if all was moved; as it was.

    Args:
        told: to what is wrong is added.
    """
    is_file = Path(place).is_absolute()
    if is_file:
        places = [Path(place), folder.absolute().parent / Path(place).name]
    else:
        is_built_in = given.role in ("style", "region") and place in gallery.names()
        places = [gallery.path(place)] if is_built_in else []
    there = [p for p in places if p.is_file()]
    if not there:
        told.append(f"the {given.role} {place} is not there")
        return place
    digests = [of_file(p, PictureError) for p in there]
    if given.digest not in digests:
        told.append(
            f"the {given.role} {place} has changed: {short(digests[0])} now, "
            f"{short(given.digest)} then"
        )
        return place
    return str(there[digests.index(given.digest)]) if is_file else place
