"""A training as a command does it: from files to a file of styles, gone on with after a kill.

out.impasto          the styles
out.md               their card: what was done, and the figures
out-sheet.jpg        photographs that were not trained on, in every style
out-curves.png       the losses over the steps, where matplotlib is installed
out.train/           while it trains: state, log, preview.jpg and curves.png
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import OptionError, StyleError
from impasto.features import weights
from impasto.image import atomic
from impasto.methods.bases import PictureConfig
from impasto.methods.choices import StyleChoice
from impasto.networks import trained
from impasto.networks.trained import Trained
from impasto.networks.words import SUFFIX
from impasto.painting.reading import read_style
from impasto.runtime import keep_freed_memory
from impasto.training import fast, parallel
from impasto.training.builtin import builtin_pictures
from impasto.training.curves import draw
from impasto.training.fast import FastTraining, Learnt
from impasto.training.lesson import PaintingLesson
from impasto.training.loop import Loop
from impasto.training.pictures import find_pictures
from impasto.training.previews import preview
from impasto.training.reporting import report

__all__ = ["BUILTIN", "Order", "Told", "beside", "train"]

BUILTIN = "builtin"
"""What stands for the pictures that come with scikit-image."""

Told = Callable[[Mapping[str, Any], Loop], bool]


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
    folder = beside(order.out)
    _check(order, folder)
    with parallel.together():
        known = None if order.extends is None else trained.load(order.extends)
        photos = _photos(order.content)
        styles = _styles(order)
        lesson = fast.start(order.options, styles, photos, known, order.device)
        return _trained(order, lesson, styles, known, folder, told)


def _trained(
    order: Order,
    lesson: PaintingLesson,
    styles: Sequence[Learnt],
    known: Trained | None,
    folder: Path,
    told: Told,
) -> Path | None:
    names = [one.name for one in styles]
    before = [found["loss"] for found in lesson.figures(lesson.network)]
    folder.mkdir(exist_ok=True)
    loop = fast.loop_of(lesson, folder)
    stopped = _Stopped(loop, names, told)
    with contextlib.suppress(_Stop):
        loop.run(stopped.tell)
    if stopped.is_so:
        loop.save()
        return None
    made = fast.result(loop, styles, before, known)
    if parallel.is_first():
        trained.save_trained(made, order.out, force=True)  # asked for, or checked as it began
        report(made, styles, lesson, loop, order.out)
        shutil.rmtree(folder)
    return order.out


class _Stop(Exception):  # noqa: N818 (no error: the way out of a loop that yields nothing)
    """Somebody asked to stop."""


@dataclass
class _Stopped:
    """Shows a training as it goes, and ends it when that is asked for."""

    loop: Loop
    names: Sequence[str]
    told: Told
    is_so: bool = False

    def tell(self, line: Mapping[str, Any]) -> None:
        """A line of the log has come."""
        if "held_out" in line:
            self._show()
        if not self.told(line, self.loop) and self.loop.step < self.loop.schedule.steps:
            self.is_so = True
            raise _Stop

    def _show(self) -> None:
        lesson = self.loop.lesson
        assert isinstance(lesson, PaintingLesson)
        network = self.loop.average.network
        preview(lesson, network, self.names, self.loop.folder / "preview.jpg")
        with contextlib.suppress(ImportError):  # matplotlib is an extra
            draw(self.loop.log, self.loop.folder / "curves.png", ", ".join(self.names))


def _check(order: Order, folder: Path) -> None:
    if order.out.suffix.lower() != SUFFIX:
        raise OptionError(
            f"{order.out} is no name for a file of styles: it should end in {SUFFIX}."
        )
    is_same = order.extends is not None and order.extends.resolve() == order.out.resolve()
    atomic.check_target(order.out, force=order.force or is_same, error=StyleError)
    has_state = (folder / "state.safetensors").is_file()
    if has_state and not (order.resume or order.force):
        raise OptionError(
            f"{folder} holds a training that was stopped: --resume goes on with it, --force begins "
            "anew."
        )
    if folder.exists() and not order.resume and order.force:
        shutil.rmtree(folder)


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


def _styles(order: Order) -> list[Learnt]:
    extractor, seen_by = weights.load("compact"), weights.digest("compact")
    config = PictureConfig(size=order.options.size)
    found = []
    for text in order.paintings:
        choice = StyleChoice(text)
        given = read_style(choice.source, config, extractor, seen_by)
        assert given.style is not None
        found.append(Learnt(fast.name_of(text), given.input.digest, given.style))
    return found
