"""A training as a job in a queue: packed with its pictures, and carried out by a worker."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from impasto.config.fields import from_dict
from impasto.config.methods import InstantConfig
from impasto.config.training import TrainingSettings
from impasto.files.names import safe_name
from impasto.files.strict_json import Shape
from impasto.jobs.queue.assignment import Assignment
from impasto.jobs.queue.packing import kept, kept_style
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work
from impasto.networks.trained_metadata import SUFFIX
from impasto.training.fast import FastTraining
from impasto.training.loop import Loop
from impasto.training.preflight import BUILTIN, PREVIEW, folder_of, photographs
from impasto.training.run_training import TrainingSpec, run_training

__all__ = ["carry_out", "packed_training"]

_NUMBERS = {spec.name: type(spec.default) for spec in fields(TrainingSettings)}
_OPTIONS: Shape = {name: (kind, int) for name, kind in _NUMBERS.items()} | {"is_builtin": (bool,)}


def packed_training(spec: TrainingSpec, store: Store) -> Work:
    """Return the job of a training, all of whose files are in the store.

    Raises:
        ImpastoError: a file that cannot be read, or a store that cannot be written.
    """
    is_builtin = spec.content == BUILTIN
    sources = [] if is_builtin else [kept(store, "content", p) for p in photographs(spec.content)]
    sources += [kept_style(store, "style", p, "", InstantConfig()) for p in spec.paintings]
    if spec.extends is not None:
        sources.append(kept(store, "extended", spec.extends))
    options = {name: getattr(spec.options, name) for name in _NUMBERS}
    name = safe_name(spec.out.stem)
    options["is_builtin"] = is_builtin
    return Work("train", name, options, tuple(sources), name, spec.device)


def carry_out(assignment: Assignment) -> Path | None:
    """Train; return the folder of the file of styles, its card and its sheet, or None if stopped.

    Raises:
        ImpastoError: it cannot be trained.
    """
    with assignment.room() as room:
        spec = _spec_of(assignment, room)
        # The file comes last: where it is there, only handing in was missed.
        if not spec.out.exists():
            made = run_training(spec, lambda line, loop: _watch(assignment, spec, line, loop))
            if made is None:
                return None
        return assignment.hand_in(room)


def _spec_of(assignment: Assignment, room: Path) -> TrainingSpec:
    """Return what a job trains.

    Raises:
        ImpastoError: numbers that are not allowed.
    """
    work = assignment.work
    options = work.table(_OPTIONS)
    is_builtin = options.pop("is_builtin")
    settings = from_dict(TrainingSettings, options)
    extended = work.place_of("extended")
    return TrainingSpec(
        paintings=[source.place for source in work.all_of("style")],
        content=BUILTIN if is_builtin else str(_together(assignment)),
        out=room / f"{work.name}{SUFFIX}",
        options=FastTraining(**asdict(settings)),
        extends=None if extended is None else Path(extended),
        device=work.device,
        resume=True,
        force=True,  # the folder is the job's own
    )


def _together(assignment: Assignment) -> Path:
    """Return a folder of all photographs, by the names that they had."""
    folder = assignment.folder.run / ".photographs"  # no job has this name
    folder.mkdir(exist_ok=True)
    for source in assignment.work.all_of("content"):
        target = folder / source.name
        if not target.exists():
            try:
                os.link(source.place, target)
            except OSError:  # a file system without links
                shutil.copyfile(source.place, target)
    return folder


def _watch(assignment: Assignment, spec: TrainingSpec, line: Mapping[str, Any], loop: Loop) -> bool:
    """Tell how far it is, and show photographs as they would be painted now."""
    step, steps = line["step"], loop.schedule.steps
    assignment.step(step / steps, lambda: {"place": f"step {step}/{steps}"})
    if "held_out" in line:
        with contextlib.suppress(OSError):
            assignment.preview(lambda: _opened(folder_of(spec.out) / PREVIEW))
    return not assignment.is_stopped()


def _opened(path: Path) -> Any:
    from PIL import Image

    return Image.open(path)
