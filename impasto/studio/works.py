"""Trainings, studies and films: packed by the warm process, which loads PyTorch and opens films."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from impasto.config.fields import from_dict, from_text
from impasto.config.methods import method_of
from impasto.config.training import TrainingSettings
from impasto.errors import OptionError
from impasto.files.names import safe_name
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work, read_job
from impasto.networks.trained_metadata import is_trained
from impasto.studio.bodies import JobRequest
from impasto.studio.desks import Desks
from impasto.studio.places import Places
from impasto.studio.requests import library_options, shortened, study_base
from impasto.studio.rows import new_key

__all__ = ["WORKS", "asked_film", "packed_work"]


def packed_work(
    request: JobRequest, places: Places, desks: Desks, store: Store, folder: Path
) -> Work:
    """Return the job of a training, a study or a film, all of whose files are in the store.

    Args:
        folder: in which photographs are put together meanwhile.

    Raises:
        ImpastoError: something in the request cannot be used.
    """
    text = _PACKERS[request.task](request, places, desks, store, folder)
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


def _film(request: JobRequest, places: Places, desks: Desks, store: Store, _: Path) -> str:
    return desks.pack("film", store, **asked_film(request, places))


def asked_film(request: JobRequest, places: Places) -> dict[str, Any]:
    """Return what a request asks to be made of a film, as the warm process takes it.

    Raises:
        ImpastoError: something in it cannot be used.
    """
    if len(request.contents) != 1:
        raise OptionError("A film is painted from one film: choose one.")
    output = dict(request.output)
    suffix = str(output.pop("suffix", ""))
    if output:
        raise OptionError(f"A film's file has no option {next(iter(output))!r:.40}.")
    clip = places.film(request.contents[0])
    styles = [places.style(style) for style in request.styles]
    method, preset = request.method, request.preset
    if method is None and any(is_trained(style.source) for style in styles):
        method, preset = "fast", None  # the only one that paints in those
    names = "+".join(style.label for style in styles) or "painted"
    content_map = request.content_map and str(places.of(request.content_map))
    return {
        "clip": str(clip),
        "styles": [[str(style.source), style.weight, style.layers] for style in styles],
        "content_map": content_map,
        "method": method,
        "preset": preset,
        "options": library_options(request.options, places),
        "name": shortened(request.title or f"{clip.stem}-{names}", _LONGEST_SUFFIX),
        "suffix": suffix,
    }


_LONGEST_SUFFIX = ".webm"
_PACKERS = {"train": _training, "study": _study, "film": _film}
WORKS = tuple(_PACKERS)
"""The tasks whose jobs are no single pictures."""


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # a file system without links
        shutil.copyfile(file, target)
