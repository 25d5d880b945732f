"""A training as a command does it: from files to a file of styles, gone on with after a kill.

out.impasto          the styles
out.md               their card: what was done, and the figures
out-sheet.jpg        photographs that were not trained on, in every style
out-curves.png       the losses over the steps, where matplotlib is installed
out.train/           while it trains: state, log, preview.jpg and curves.png
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto.config.methods import InstantConfig
from impasto.errors import OptionError, StyleError
from impasto.features import weights
from impasto.files import atomic, digests, locks
from impasto.networks import trained
from impasto.networks.trained import Trained
from impasto.networks.trained_metadata import SUFFIX
from impasto.painting.inputs import read_style
from impasto.runtime import keep_freed_memory
from impasto.training import fast, parallel
from impasto.training.builtin import builtin_pictures
from impasto.training.curves import draw
from impasto.training.fast import FastTraining, Learnt
from impasto.training.lesson import PaintingLesson
from impasto.training.loop import Loop
from impasto.training.pictures import find_pictures
from impasto.training.previews import preview
from impasto.training.reporting import left_beside, report

__all__ = ["BUILTIN", "Order", "Told", "beside", "train"]

BUILTIN = "builtin"
"""What stands for the pictures that come with scikit-image."""

Told = Callable[[Mapping[str, Any], Loop], bool]

STATE, PREVIEW, CURVES = "state.safetensors", "preview.jpg", "curves.png"
_OURS = {STATE, PREVIEW, CURVES, "train.jsonl"}


@dataclass(frozen=True)
class Order:
    """What is to be trained.

    Attributes:
        paintings: pictures, style cards or names of built-in styles.
        content: a folder of photographs, or `BUILTIN`.
        out: the file of styles.
        extends: a file of styles that these are added to; it may be `out`.
        resume: go on with a training that was stopped.
        force: replace what is there.
    """

    paintings: Sequence[str]
    content: str
    out: Path
    options: FastTraining
    extends: Path | None = None
    device: str = "auto"
    resume: bool = False
    force: bool = False


def beside(out: Path) -> Path:
    """The folder of a training: `out.train` beside `out.impasto`."""
    return out.with_suffix(".train")


def train(order: Order, told: Told) -> Path | None:
    """Train, and write the styles with their card and their sheet.

    Args:
        told: is given each line of the log; says whether to go on.

    Returns:
        The file; None if the training was stopped before its end.

    Raises:
        ImpastoError: whatever cannot be used, before any work is done; a folder that cannot be
            written to.
    """
    keep_freed_memory()
    _check(order)
    with parallel.together(), _holding(order):
        known = None if order.extends is None else _known(order.extends)
        options = order.options
        if order.extends is not None and known is not None:
            begins = digests.of_file(order.extends, StyleError)
            options = replace(options, size=known.metadata.size, start=begins)
        photos, styles = _photos(order.content), _styles(order, options.size)
        lesson = fast.start(options, styles, photos, known, order.device)
        return _trained(order, lesson, styles, known, told)


def _known(path: Path) -> Trained:
    found = trained.load(path)
    found.metadata.check_backbone(weights.digest("compact"), path)
    return found


def _trained(
    order: Order,
    lesson: PaintingLesson,
    styles: Sequence[Learnt],
    known: Trained | None,
    told: Told,
) -> Path | None:
    names = [one.name for one in styles]
    before = [found["loss"] for found in lesson.figures(lesson.network)]
    folder = beside(order.out)
    if parallel.is_first() and not order.resume:
        _empty(folder)  # only now: all that could be wrong has been looked at
    parallel.wait()
    loop = fast.loop_of(lesson, folder)
    if not loop.run(lambda line: _tell(line, loop, names, told)):
        return None
    made = fast.result(loop, styles, before, known)
    if parallel.is_first():
        # The styles last: without them --resume does all of this again.
        report(made, styles, lesson, loop, order.out)
        trained.save_trained(made, order.out, force=True)  # asked for, or checked as it began
        _empty(folder)
    parallel.wait()
    return order.out


def _tell(line: Mapping[str, Any], loop: Loop, names: Sequence[str], told: Told) -> bool:
    """Show a training as it goes; whether to go on."""
    if "held_out" in line:
        lesson = loop.lesson
        assert isinstance(lesson, PaintingLesson)
        preview(lesson, loop.average.network, names, loop.folder / PREVIEW)
        with contextlib.suppress(ImportError):  # matplotlib is an extra
            draw(loop.log, loop.folder / CURVES, ", ".join(names))
    return told(line, loop)


def _check(order: Order) -> None:
    """Refuse, before any work, what would be lost or could not be written."""
    out, folder = order.out, beside(order.out)
    if out.suffix.lower() != SUFFIX:
        raise OptionError(f"{out} is no name for a file of styles: it should end in {SUFFIX}.")
    is_same = order.extends is not None and order.extends.resolve() == out.resolve()
    goes_on = order.resume and (folder / STATE).is_file()
    for path in (out, *left_beside(out)):
        atomic.check_target(path, force=order.force or is_same or goes_on, error=StyleError)
    if folder.exists():
        _check_folder(folder, order)


def _check_folder(folder: Path, order: Order) -> None:
    strange = [path.name for path in _inside(folder) if path.name not in {*_OURS, locks.LOCK_FILE}]
    if strange or not folder.is_dir():
        told = f"holds {strange[0]}" if strange else "is no folder"
        raise OptionError(
            f"{folder} {told}, and a training would be kept there. Give another name with -o, or "
            "move it away."
        )
    if (folder / STATE).is_file() and not (order.resume or order.force):
        raise OptionError(
            f"{folder} holds a training that was stopped: --resume goes on with it, --force begins "
            "anew."
        )


@contextlib.contextmanager
def _holding(order: Order) -> Iterator[None]:
    """The training's folder, for this training alone; removed if nothing is in it at the end.

    Raises:
        OptionError: another training has it, or it cannot be made.
    """
    folder = beside(order.out)
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
        _check_folder(folder, order)  # once more: now nobody else puts anything there
        yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):  # a state is there, or somebody has put something there
            folder.rmdir()


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _empty(folder: Path) -> None:
    """Remove what a training leaves in its folder."""
    for path in _inside(folder):
        if path.name in _OURS:
            path.unlink()


def _photos(content: str) -> list[Path]:
    if content == BUILTIN:
        return builtin_pictures()
    folder = Path(content)
    if not folder.is_dir():
        raise OptionError(
            f"There is no folder {content} of photographs to learn from. Name one (some hundreds, "
            "of all that you will paint, with 300 pixels or more on each side), or take "
            "--content builtin: the pictures that come with scikit-image."
        )
    return find_pictures(folder)


def _styles(order: Order, size: int) -> list[Learnt]:
    extractor, seen_by = weights.load("compact"), weights.digest("compact")
    config = InstantConfig(size=size)
    found = []
    for text in order.paintings:
        given = read_style(text, config, extractor, seen_by)
        found.append(Learnt(fast.name_of(text), given.input.digest, given.style))
    return found
