"""Whether a run can begin or continue in its folder, before anything is read. Needs no PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from impasto.config.fields import flag_of
from impasto.config.recipe import MAX_EXTENDED, ROLES, Input, Recipe, short
from impasto.errors import ImpastoError, OptionError, PictureError, ResumeError
from impasto.files.digests import of_file
from impasto.files.names import resolved
from impasto.image.opening import digest, read_recipe
from impasto.run.folder import RunFolder, folder_beside
from impasto.run.output import Output
from impasto.run.record import Record
from impasto.styles import gallery

__all__ = [
    "differences",
    "folder_of",
    "located",
    "opened_run",
    "refuse_another",
    "refuse_changed",
    "resuming",
    "spare_inputs",
    "unfinished",
]


def folder_of(output: Output, chosen: Path | None) -> Path:
    """Return a run's folder: the one that is chosen, or that beside the picture.

    Raises:
        OptionError: it would be where the picture goes.
    """
    path = chosen or folder_beside(output.path)
    if resolved(path) == resolved(output.path):
        raise OptionError(f"{path} cannot be both --run and the result.")
    return path


def unfinished(folder: RunFolder, *, resume: bool) -> Record | None:
    """Return the run to continue, if there is one and it is to be continued."""
    if resume and folder.has_run and not (record := folder.open()).finished:
        return record
    return None


def refuse_another(folder: RunFolder, then: Recipe, now: Recipe) -> None:
    """Refuse to continue a run that was to paint something else.

    Raises:
        ResumeError: a method, an option, an input or the weights are not the same.
    """
    if changes := differences(then, now):
        raise ResumeError(
            f"{folder.path} holds another run: {'; '.join(changes)}. Repeat the command as it "
            f"was, or `impasto resume {folder.path}`; --force without --resume begins again."
        )


def resuming(output: Output, record: Record) -> Output:
    """Return an output that may replace what the run may: its own pictures, or with `--force`."""
    is_own = output.path.is_file() and (
        digest(output.path) in record.goal.replaces or _is_of(output.path, record.recipe)
    )
    return replace(output, force=output.force or is_own, resumes=True)


def _is_of(path: Path, recipe: Recipe) -> bool:
    """Return whether a picture is the run's own by its recipe, as after a kill."""
    with suppress(ImpastoError):
        text = read_recipe(path)
        return text is not None and replace(Recipe.from_json(text), stopped_at=None) == replace(
            recipe, stopped_at=None
        )
    return False


def opened_run(
    folder: RunFolder,
    output_of: Callable[[Record], Output] | None,
    *,
    extra: int = 0,
    force: bool = False,
) -> tuple[Record, Output | None]:
    """Open a run that is to continue; return its record, and what it writes, which is checked.

    Args:
        folder: locked from here on.
        output_of, extra, force: as `launch.resume_run` takes them.

    Raises:
        ImpastoError: there is none, it cannot be extended, or the picture cannot be written.
    """
    record = folder.open()
    if extra:
        record = _extended(folder, extra)
    if output_of is None:
        return record, None
    output = resuming(output_of(record), record)
    if extra and not force:
        output = replace(output, force=False)  # its own picture is worth keeping, too
    output.check(record.recipe.settings().size)
    return record, output


def _extended(folder: RunFolder, extra: int) -> Record:
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


def located(folder: RunFolder, record: Record) -> tuple[dict[str, list[str]], list[str]]:
    """Return where a run's inputs are now, by role, and what is wrong with them."""
    recipe, problems = record.recipe, list[str]()
    places = {
        role: [
            _located(entry, place, folder.path, problems)
            for entry, place in zip(recipe.of(role), record.places.get(role, ()), strict=True)
        ]
        for role in ROLES
    }
    return places, problems


def refuse_changed(folder: RunFolder, problems: Sequence[str]) -> None:
    """Refuse to continue a run whose inputs are not there any more as they were.

    Raises:
        ResumeError: there are problems.
    """
    if problems:
        raise ResumeError(
            f"The run in {folder.path} cannot continue: {'; '.join(problems)}. Put it back as it "
            "was, or begin again."
        )


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


def spare_inputs(places: Mapping[str, Sequence[str]], output: Output) -> None:
    """Refuse to overwrite the run's inputs, even with `--force`.

    Raises:
        OptionError: an output is one of the inputs.
    """
    targets = {"where the result goes": output.path}
    if output.preview_every is not None:
        targets["where --preview-every puts the picture so far"] = output.preview
    for role in ROLES:
        for place in places.get(role, ()):
            for what, target in targets.items():
                if place and resolved(Path(place)) == resolved(target):
                    raise OptionError(
                        f"The {role} {place} is {what}: "
                        "move one of them, or give --out another name."
                    )
