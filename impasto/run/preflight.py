"""Whether a run could begin or continue, as far as files' headers say. Needs no PyTorch.

`launch` checks all of it again, in the folder that it keeps locked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from impasto.config.bases import PictureConfig
from impasto.config.methods import method_of
from impasto.config.recipe import ROLES, Input, Recipe
from impasto.errors import PictureError
from impasto.features import sources as networks
from impasto.files.digests import of_file
from impasto.networks.trained_metadata import split_source
from impasto.painting.kinds import card_file, kind_of
from impasto.painting.preflight import check_sources
from impasto.painting.sources import Sources, is_named
from impasto.run import continuing
from impasto.run.folder import RunFolder, locked_folder
from impasto.run.output import Output
from impasto.run.record import Record

# Its role, its name and use as the recipe has them, and where it is.
InputFile = tuple[str, str, Path, str]

__all__ = ["check_begin", "check_output", "check_resume", "check_unkept"]


def check_begin(
    sources: Sources,
    config: PictureConfig,
    output: Output,
    *,
    chosen: Path | None = None,
    resume: bool = False,
) -> None:
    """Check what `launch.begin` does with a task of these sources.

    Args:
        chosen: the run's folder, if it is not beside the picture.
        resume: continue a run that was stopped, if there is one.

    Raises:
        ImpastoError: a folder, an output, a source or an option that cannot be used.
    """
    record = check_output(output, config.size, chosen=chosen, resume=resume)
    check_sources(sources, config)
    files = _files(sources, config)
    _spare_inputs(files, output)
    if record is not None:
        inputs = [Input(r, n, of_file(file, PictureError), use) for r, n, file, use in files]
        folder = RunFolder(continuing.folder_of(output, chosen))
        continuing.refuse_another(folder, record.recipe, _expected(record.recipe, config, inputs))


def check_unkept(sources: Sources, config: PictureConfig, output: Output) -> None:
    """Check what `launch.begin_unkept` does with a task of these sources.

    Raises:
        ImpastoError: an output, a source or an option that cannot be used.
    """
    output.check(config.size)
    check_sources(sources, config)
    _spare_inputs(_files(sources, config), output)


def _spare_inputs(files: Sequence[InputFile], output: Output) -> None:
    places = {role: [str(file) for r, _, file, _ in files if r == role] for role in ROLES}
    continuing.spare_inputs(places, output)


def check_output(
    output: Output, long_side: int, *, chosen: Path | None = None, resume: bool = False
) -> Record | None:
    """Check the run's folder and what it writes; return the run that continues, if one does.

    Raises:
        ImpastoError: one of them cannot be used.
    """
    with locked_folder(continuing.folder_of(output, chosen)) as folder:
        record = continuing.unfinished(folder, resume=resume)
        if record is None:
            folder.check_free(force=output.force)
        else:
            output = continuing.resuming(output, record)
        output.check(long_side)
    return record


def check_resume(
    path: Path, output_of: Callable[[Record], Output], *, extra: int = 0, force: bool = False
) -> None:
    """Check what `launch.resume_run` does, with the same arguments.

    Raises:
        ImpastoError: the run cannot continue.
    """
    with locked_folder(path) as folder:
        record, _ = continuing.opened_run(folder, output_of, extra=extra, force=force)
        weights = None if record.weights is None else Path(record.weights)
        networks.digest(record.recipe.settings().eye, weights)
        continuing.refuse_changed(folder, continuing.located(folder, record)[1])


def _files(sources: Sources, config: PictureConfig) -> list[InputFile]:
    """Return the files that a run is painted from, except its regions' styles.

    Each has its role, name and use as the recipe's entry of it will have.
    """
    pictures: list[tuple[str, Any]] = [("content", sources.content)]
    pictures += [("content-map", sources.content_map)]
    pictures += [("style-map", source) for source in sources.style_maps]
    pictures += [("init", sources.init)]
    files: list[InputFile] = []
    files += [(role, str(s), Path(s), "") for role, s in pictures if s is not None and is_named(s)]
    for spec in sources.styles:
        if is_named(spec.source):
            name = split_source(str(spec.source))[0]
            is_card = kind_of(spec.source, config) == "card"
            file = card_file(spec.source) if is_card else Path(name)
            files.append(("style", name, file, spec.use))
    return files


def _expected(then: Recipe, config: PictureConfig, inputs: list[Input]) -> Recipe:
    """Return the recipe of a run that would continue another, as far as it is known already.

    Layers that are not named, the regions' styles and the weights are taken as they were.
    """
    options = {
        name: then.config.get(name, value) if value == () else value
        for name, value in asdict(config).items()
    }
    entries = (*inputs, *then.of("region"))
    return replace(then, method=method_of(config).name, config=options, inputs=entries)
