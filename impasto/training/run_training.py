"""Run a training: from pictures to a file of styles; a stopped one can be resumed.

out.impasto          the styles
out.md               their card: how they were trained, and the figures
out-sheet.jpg        held-out photographs in every style
out-curves.png       the losses over the steps, where matplotlib is installed
out.train/           during the training: state, log, preview.jpg and curves.png
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto.config.methods import InstantConfig
from impasto.errors import OptionError, StyleError
from impasto.features import sources, weights
from impasto.files import digests, locks
from impasto.networks import trained
from impasto.networks.trained import Trained
from impasto.painting.inputs import read_style
from impasto.runtime import keep_freed_memory
from impasto.sheets.plots import can_plot
from impasto.training import fast, parallel
from impasto.training.curves import plot_log
from impasto.training.fast import FastTraining, NamedStyle
from impasto.training.loop import Loop
from impasto.training.painting_lesson import PaintingLesson
from impasto.training.photographs import left_out_of
from impasto.training.preflight import (
    BUILTIN,
    CURVES,
    OURS,
    PREVIEW,
    check_files,
    check_folder,
    files_of,
    folder_of,
    name_of,
    photographs,
)
from impasto.training.previews import preview
from impasto.training.reporting import write_report

__all__ = ["TrainingSpec", "Watch", "run_training"]

_log = logging.getLogger(__name__)

Watch = Callable[[Mapping[str, Any], Loop], bool]


@dataclass(frozen=True)
class TrainingSpec:
    """What to train.

    Attributes:
        paintings: pictures, style cards or names of built-in styles.
        content: a folder of photographs, or `preflight.BUILTIN`.
        out: the file of styles.
        extends: a file of styles that these are added to; it may be `out`.
        resume: continue a training that was stopped.
        force: replace existing files.
    """

    paintings: Sequence[str]
    content: str
    out: Path
    options: FastTraining
    extends: Path | None = None
    device: str = "auto"
    resume: bool = False
    force: bool = False


def run_training(spec: TrainingSpec, watch: Watch) -> Path | None:
    """Train, and write the styles with their card and their sheet.

    Args:
        watch: called with each line of the log; when it returns False the training stops.

    Returns:
        The file; None if the training was stopped before its end.

    Raises:
        ImpastoError: anything that cannot be used, before any work; a folder that cannot be
            written to.
    """
    keep_freed_memory()
    check_files(spec.out, spec.extends, resume=spec.resume, force=spec.force)
    with parallel.together(), _lock(spec):
        base, options = None, spec.options
        if spec.extends is not None:
            base = _load(spec.extends)
            digest = digests.of_file(spec.extends, StyleError)
            options = replace(options, size=base.metadata.size, start=digest)
        photos = photographs(spec.content)
        _note_left_out(spec.content)
        styles = _styles(spec, options.size)
        lesson = fast.start(options, styles, photos, base, spec.device)
        return _train(spec, lesson, styles, base, watch)


def _note_left_out(content: str) -> None:
    if content != BUILTIN and (left_out := left_out_of(Path(content))):
        _log.warning("left out of %s: %s", content, left_out)


def _load(path: Path) -> Trained:
    styles = trained.load(path)
    styles.metadata.check_backbone(sources.digest("compact"), path)
    return styles


def _train(
    spec: TrainingSpec,
    lesson: PaintingLesson,
    styles: Sequence[NamedStyle],
    base: Trained | None,
    watch: Watch,
) -> Path | None:
    names = [one.name for one in styles]
    before = [figures["loss"] for figures in lesson.figures(lesson.network)]
    folder = folder_of(spec.out)
    if parallel.is_first() and not spec.resume:
        _empty(folder)  # only now, when everything that could be wrong is checked
    parallel.wait()
    loop = fast.loop_of(lesson, folder)
    if not loop.run(lambda line: _show(line, loop, names, watch)):
        return None
    made = fast.result(loop, styles, before, base)
    if parallel.is_first():
        # The styles last: without them --resume does all of this again.
        write_report(made, styles, lesson, loop, spec.out)
        trained.save_trained(made, spec.out, force=True)  # with --force, or checked before
        _empty(folder)
    parallel.wait()
    return spec.out


def _show(line: Mapping[str, Any], loop: Loop, names: Sequence[str], watch: Watch) -> bool:
    """Write preview and curves after a measurement; return whether to go on."""
    if "held_out" in line:
        lesson = loop.lesson
        assert isinstance(lesson, PaintingLesson)
        preview(lesson, loop.average.network, names, loop.folder / PREVIEW)
        if can_plot():
            plot_log(loop.log, loop.folder / CURVES, ", ".join(names))
    return watch(line, loop)


@contextlib.contextmanager
def _lock(spec: TrainingSpec) -> Iterator[None]:
    """Lock the training's folder; remove it at the end if it is empty.

    Raises:
        OptionError: another training has it, or it cannot be made.
    """
    folder = folder_of(spec.out)
    if not parallel.is_first():
        yield
        return
    lock = locks.FolderLock(folder)
    try:
        folder.mkdir(exist_ok=True)
        lock.acquire()
    except BlockingIOError:
        raise OptionError(
            f"Another training works in {folder}. Wait for it, or give another name with -o."
        ) from None
    except OSError as problem:
        raise OptionError(
            f"{folder} cannot be used: {problem.strerror}. Give another name with -o."
        ) from None
    try:
        # A second time: from here on it is locked.
        check_folder(folder, resume=spec.resume, force=spec.force)
        yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):  # not empty
            folder.rmdir()


def _empty(folder: Path) -> None:
    """Remove a training's files from its folder."""
    for path in files_of(folder):
        if path.name in OURS:
            path.unlink()


def _styles(spec: TrainingSpec, size: int) -> list[NamedStyle]:
    extractor, backbone = weights.load("compact"), sources.digest("compact")
    config = InstantConfig(size=size)
    styles = []
    for source in spec.paintings:
        painting = read_style(source, config, extractor, backbone)
        assert painting.style is not None
        styles.append(NamedStyle(name_of(source), painting.input.digest, painting.style))
    return styles
