"""A study as a job in a queue: packed with its pictures, and carried out by a worker."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from impasto.config.bases import PhotoConfig
from impasto.config.methods import method_of
from impasto.evaluation.studies.registry import variants_of
from impasto.evaluation.studies.run_study import Progress, StudySpec, run_study
from impasto.features import sources as networks
from impasto.files.names import safe_name
from impasto.files.strict_json import Shape
from impasto.image.writing import to_pil
from impasto.jobs.queue.assignment import Assignment
from impasto.jobs.queue.packing import kept, kept_style, plain
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work, refuse

__all__ = ["carry_out", "packed_study"]

_OPTIONS: Shape = {
    "study": (str,),
    "method": (str,),
    "config": (dict,),
    "backbone_digest": (str,),
    "values": (list,),
    "film": (bool,),
    "command": (str,),
}


def packed_study(spec: StudySpec, store: Store) -> Work:
    """Return the job of a study, all of whose files are in the store.

    Raises:
        ImpastoError: a file that cannot be read, or a store that cannot be written.
    """
    base = spec.base
    sources = [kept(store, "content", Path(spec.content))]
    sources.append(kept_style(store, "style", spec.style, "", base))
    for role, file in (("init", spec.init), ("weights", spec.weights)):
        sources += [] if file is None else [kept(store, role, file)]
    # Of a study of starts a value may be a picture: it is named as the store has it.
    starts = {str(v.init): v.init for v in variants_of(spec.kind, base, spec.values) if v.init}
    places = {text: kept(store, "start", file) for text, file in starts.items()}
    values = [places[value].place if value in places else value for value in spec.values]
    options = {
        "study": spec.kind,
        "method": method_of(base).name,
        "config": plain(asdict(base)),
        "backbone_digest": networks.digest(base.eye, spec.weights),
        "values": values,
        "film": spec.film,
        "command": spec.command,
    }
    name = safe_name(spec.folder.name)
    sources += places.values()
    return Work("study", name, options, tuple(dict.fromkeys(sources)), name, base.device)


def carry_out(assignment: Assignment) -> Path | None:
    """Paint a study; return its folder.

    Raises:
        ImpastoError: it cannot be painted.
        StoppedError: it was stopped; what is painted is kept.
    """
    with assignment.room() as room:
        run_study(_spec_of(assignment, room), lambda progress: _watch(assignment, progress))
        return assignment.hand_in(room)


def _spec_of(assignment: Assignment, room: Path) -> StudySpec:
    """Return what a job studies.

    Raises:
        ImpastoError: options that this Impasto does not have.
    """
    work = assignment.work
    options = work.table(_OPTIONS)
    base = assignment.settings(options["backbone_digest"])
    content, style = work.place_of("content"), work.place_of("style")
    if not isinstance(base, PhotoConfig) or content is None or style is None:
        refuse("it studies no photograph in a style")
    values = tuple(str(value) for value in options["values"])
    places = {source.place for source in work.all_of("start")}
    variants = variants_of(options["study"], base, values)
    if any(variant.init and str(variant.init) not in places for variant in variants):
        refuse("a start is none of its files")
    init, weights = work.place_of("init"), work.place_of("weights")
    return StudySpec(
        kind=options["study"],
        content=content,
        style=style,
        base=base,
        folder=room,
        values=values,
        film=options["film"],
        force=True,  # the folder is the job's own
        command=options["command"],
        init=Path(init) if init else None,
        weights=Path(weights) if weights else None,
    )


def _watch(assignment: Assignment, progress: Progress) -> bool:
    def values() -> dict[str, Any]:
        return {"place": f"{progress.number}/{progress.total} {progress.label}"}

    assignment.step(progress.done, values)
    if (step := progress.step) is not None:
        assignment.preview(lambda: to_pil(step.picture(), metadata="none"))
    assignment.check_going()  # before a page of what is painted so far would be written
    return True
