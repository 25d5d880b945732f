"""Trainings and studies: packed by the warm process, as packing them loads PyTorch."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from pathlib import Path

from impasto.config.fields import from_dict, from_text
from impasto.config.methods import method_of
from impasto.config.training import TrainingSettings
from impasto.errors import OptionError
from impasto.files.names import safe_name
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work, read_job
from impasto.studio.bodies import JobRequest
from impasto.studio.desks import Desks
from impasto.studio.places import Places
from impasto.studio.requests import study_base
from impasto.studio.rows import new_key

__all__ = ["packed_work"]


def packed_work(
    request: JobRequest, places: Places, desks: Desks, store: Store, folder: Path
) -> Work:
    """Return the job of a training or a study, all of whose files are in the store.

    Args:
        folder: in which photographs are put together meanwhile.

    Raises:
        ImpastoError: something in the request cannot be used.
    """
    pack = _training if request.task == "train" else _study
    text = pack(request, places, desks, store, folder)
    job = read_job(text)
    assert isinstance(job, Work)
    return job


def _training(request: JobRequest, places: Places, desks: Desks, store: Store, folder: Path) -> str:
    if not request.styles:
        raise OptionError("A training learns a style: choose one, or several.")
    settings = from_dict(TrainingSettings, from_text(TrainingSettings, request.options))
    paintings = [str(places.style(style).source) for style in request.styles]
    together = folder / new_key()
    try:
        for number, ref in enumerate(request.contents):
            file = places.of(ref)
            together.mkdir(exist_ok=True)
            _link(file, together / f"{number:03d}-{file.name}")
        return desks.pack(
            "training",
            store,
            paintings=paintings,
            content=str(together) if request.contents else None,
            settings=asdict(settings),
            name=safe_name(request.title or Path(paintings[0]).stem),
        )
    finally:
        shutil.rmtree(together, ignore_errors=True)


def _study(request: JobRequest, places: Places, desks: Desks, store: Store, _: Path) -> str:
    sources, config = study_base(request, places)
    photograph, style = str(sources.content), str(sources.styles[0].source)
    title = f"{Path(photograph).stem}-{Path(style).stem}-{request.study}"
    return desks.pack(
        "study",
        store,
        study=request.study or "",
        content=photograph,
        style=style,
        method=method_of(config).name,
        config=asdict(config),
        values=request.values,
        name=safe_name(request.title or title),
    )


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # a file system without links
        shutil.copyfile(file, target)
