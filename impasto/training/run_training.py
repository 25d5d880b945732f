"""Run a training: from pictures to a file of styles; a stopped one can be resumed.

out.impasto          the styles
out.md               their card: how they were trained, and the figures
out-sheet.jpg        held-out photographs in every style
out-curves.png       the losses over the steps, where matplotlib is installed
out.train/           during the training: state, log, preview.jpg and curves.png
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto.config.methods import InstantConfig
from impasto.errors import OptionError, StyleError
from impasto.features import sources, weights
from impasto.files import atomic, digests, locks
from impasto.networks import trained
from impasto.networks.trained import Trained
from impasto.networks.trained_metadata import SUFFIX
from impasto.painting.inputs import read_style
from impasto.runtime import keep_freed_memory
from impasto.sheets.plots import can_plot
from impasto.training import fast, parallel
from impasto.training.builtin import builtin_pictures
from impasto.training.curves import plot_log
from impasto.training.fast import FastTraining, NamedStyle
from impasto.training.loop import Loop
from impasto.training.painting_lesson import PaintingLesson
from impasto.training.pictures import find_pictures
from impasto.training.previews import preview
from impasto.training.reporting import report_files, write_report

__all__ = ["BUILTIN", "TrainingSpec", "Watch", "folder_of", "run_training"]

BUILTIN = "builtin"
"""The name of the pictures that come with scikit-image."""

Watch = Callable[[Mapping[str, Any], Loop], bool]

STATE, PREVIEW, CURVES = "state.safetensors", "preview.jpg", "curves.png"
_OURS = {STATE, PREVIEW, CURVES, "train.jsonl"}


@dataclass(frozen=True)
class TrainingSpec:
    """What to train.

    Attributes:
        paintings: pictures, style cards or names of built-in styles.
        content: a folder of photographs, or `BUILTIN`.
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


def folder_of(out: Path) -> Path:
    """Return the folder of a training: `out.train` for `out.impasto`."""
    return out.with_suffix(".train")


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
    _check(spec)
    with parallel.together(), _lock(spec):
        base, options = None, spec.options
        if spec.extends is not None:
            base = _load(spec.extends)
            digest = digests.of_file(spec.extends, StyleError)
            options = replace(options, size=base.metadata.size, start=digest)
        photos, styles = _photos(spec.content), _styles(spec, options.size)
        lesson = fast.start(options, styles, photos, base, spec.device)
        return _train(spec, lesson, styles, base, watch)


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


def _check(spec: TrainingSpec) -> None:
    """Check, before any work, that nothing would be lost and everything can be written."""
    out, folder = spec.out, folder_of(spec.out)
    if out.suffix.lower() != SUFFIX:
        raise OptionError(f"{out} is not the name of a file of styles: it should end in {SUFFIX}.")
    is_same = spec.extends is not None and spec.extends.resolve() == out.resolve()
    is_resumed = spec.resume and (folder / STATE).is_file()
    for path in (out, *report_files(out)):
        atomic.check_target(path, force=spec.force or is_same or is_resumed, error=StyleError)
    if folder.exists():
        _check_folder(folder, spec)


def _check_folder(folder: Path, spec: TrainingSpec) -> None:
    foreign = [path.name for path in _files(folder) if path.name not in _OURS]
    if foreign or not folder.is_dir():
        problem = f"holds {foreign[0]}" if foreign else "is not a folder"
        raise OptionError(
            f"{folder} {problem}, and the training's files would go there. Give another name with "
            "-o, or move it away."
        )
    if (folder / STATE).is_file() and not (spec.resume or spec.force):
        raise OptionError(
            f"{folder} holds a training that was stopped: --resume continues it, --force starts "
            "again."
        )


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
        _check_folder(folder, spec)  # a second time: from here on it is locked
        yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):  # not empty
            folder.rmdir()


def _files(folder: Path) -> list[Path]:
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in files if path.name != locks.LOCK_FILE]


def _empty(folder: Path) -> None:
    """Remove a training's files from its folder."""
    for path in _files(folder):
        if path.name in _OURS:
            path.unlink()


def _photos(content: str) -> list[Path]:
    if content == BUILTIN:
        return builtin_pictures()
    folder = Path(content)
    if not folder.is_dir():
        raise OptionError(
            f"There is no folder {content} of photographs to learn from. Name one (some hundreds, "
            "of everything that you will paint, with 300 pixels or more on each side), or use "
            "--content builtin: the pictures that come with scikit-image."
        )
    return find_pictures(folder)


def _styles(spec: TrainingSpec, size: int) -> list[NamedStyle]:
    extractor, backbone = weights.load("compact"), sources.digest("compact")
    config = InstantConfig(size=size)
    styles = []
    for source in spec.paintings:
        painting = read_style(source, config, extractor, backbone)
        assert painting.style is not None
        styles.append(NamedStyle(fast.name_of(source), painting.input.digest, painting.style))
    return styles
