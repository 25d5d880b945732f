"""The inputs of a stopped run, located and checked to be unchanged."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from impasto.config.fields import flag_of
from impasto.config.recipe import MAX_EXTENDED, ROLES, Input, Recipe, short
from impasto.errors import PictureError, ResumeError
from impasto.files.digests import of_file
from impasto.painting import rerun
from impasto.painting.sources import Task
from impasto.run.folder import RunFolder
from impasto.run.record import Record
from impasto.styles import gallery

__all__ = ["differences", "extended", "prepared"]


def prepared(folder: RunFolder, record: Record) -> Task:
    """Return the task of a run that was stopped, with its recipe and on as many threads as then.

    Raises:
        ResumeError: an input or the weights are missing or have changed.
        ImpastoError: as `prepare` does.
    """
    recipe = record.recipe
    weights = None if record.weights is None else Path(record.weights)
    places: dict[str, list[str]] = {}
    problems: list[str] = []
    for role in ROLES:
        places[role] = [
            _located(entry, place, folder.path, problems)
            for entry, place in zip(recipe.of(role), record.places.get(role, ()), strict=True)
        ]
    if changed := rerun.change_of_weights(recipe, recipe.settings(), weights):
        problems.append(changed)
    if problems:
        raise ResumeError(
            f"The run in {folder.path} cannot continue: {'; '.join(problems)}. Put it back as it "
            "was, or begin again."
        )
    rerun.take_threads(recipe)
    return replace(rerun.prepare_again(recipe, places, weights), recipe=recipe)


def extended(folder: RunFolder, extra: int) -> Record:
    """Return the record of a finished run that gets more iterations at its last scale.

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
    """Return what differs between two recipes that should paint the same picture.

    Names are not compared: a file may be named from another folder.
    """
    if then.method != now.method:
        return [f"it paints by {then.method}, not by {now.method}"]
    before = asdict(then.settings())  # with the options that an earlier Impasto did not have
    before = {n: list(v) if isinstance(v, tuple) else v for n, v in before.items()}
    changes = [
        f"{flag_of(name)} was {before.get(name)} and is {value}"
        for name, value in now.config.items()
        if name != "region" and before.get(name) != value
    ]
    for role in ROLES:
        old, new = ([(x.digest, x.use) for x in r.of(role)] for r in (then, now))
        if old != new:
            changes.append(f"its {role} was different")
    if _uses(then) != _uses(now):
        changes.append("its --region was different")
    if then.backbone_digest != now.backbone_digest:
        changes.append("its weights were different")
    return changes


def _uses(recipe: Recipe) -> list[str]:
    """Return what happens in the regions, without the names of their styles."""
    names = {entry.use: entry.name for entry in recipe.of("region")}
    texts = recipe.config.get("region", [])
    return [text.replace(names.get(text.partition("=")[0], "\0"), "", 1) for text in texts]


def _located(entry: Input, place: str, folder: Path, problems: list[str]) -> str:
    """Return where an input is: where it was, or beside the folder if all was moved.

    Args:
        problems: is extended by what is wrong with it.
    """
    is_file = Path(place).is_absolute()
    if is_file:
        candidates = [Path(place), folder.absolute().parent / Path(place).name]
    else:
        is_built_in = entry.role in ("style", "region") and place in gallery.names()
        candidates = [gallery.path(place)] if is_built_in else []
    files = [path for path in candidates if path.is_file()]
    if not files:
        problems.append(f"the {entry.role} {place} is missing")
        return place
    digests = [of_file(path, PictureError) for path in files]
    if entry.digest not in digests:
        problems.append(
            f"the {entry.role} {place} has changed: {short(digests[0])} now, "
            f"{short(entry.digest)} then"
        )
        return place
    return str(files[digests.index(entry.digest)]) if is_file else place
