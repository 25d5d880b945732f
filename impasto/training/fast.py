"""Train a network for some styles, or one more style for such a network.

A first training starts from the network that paints in any style and trains all of it, and scales
and shifts of each style. One more style trains only its scales and shifts (Dumoulin et al. 2017,
section 3.2): the styles before it stay as they are, and it takes minutes.

Nothing has to be balanced by hand: content is measured in units of the photograph's own energy, a
style in units of the photograph's own distance to it, as in `--method gatys`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from impasto.features import sources, weights
from impasto.features.extractor import Extractor
from impasto.losses.moments import Moments
from impasto.networks import checkpoint
from impasto.networks.fast import FastNetwork
from impasto.networks.instant import STYLE_LAYERS
from impasto.networks.trained import Trained
from impasto.networks.trained_metadata import Entry, TrainedMetadata
from impasto.runtime import pick_device
from impasto.styles.statistics import Style
from impasto.training import parallel, state
from impasto.training.loop import Loop
from impasto.training.painting_lesson import (
    PaintingLesson,
    PaintingOptions,
    optimisers,
    squares,
)
from impasto.training.preflight import check_names, check_photos
from impasto.training.schedule import Patience, Schedule
from impasto.training.styles import StylePool

__all__ = ["FastTraining", "NamedStyle", "loop_of", "result", "start"]

# Held-out photographs: every tenth, and at most twelve.
_HELD_OUT_EVERY, _HELD_OUT = 10, 12


@dataclass(frozen=True)
class FastTraining(PaintingOptions):
    """How to train.

    Attributes:
        size: the long side that the paintings are measured at: that of the pictures to come.
        styles: digests of the paintings.
        photos: how many there are.
        extends: whether only the styles' scales and shifts are trained.
    """

    steps: int = 1_500
    crop: int = 160
    cool_down: float = 0.8
    steady: float = 0.0
    usual: float = 0.75
    size: int = 512
    styles: tuple[str, ...] = ()
    photos: int = 0
    extends: bool = False


@dataclass(frozen=True, eq=False)
class NamedStyle:
    """A style to learn.

    Attributes:
        name: its name in the file of styles.
        digest: of the painting's file.
    """

    name: str
    digest: str
    style: Style


def start(
    options: FastTraining,
    styles: Sequence[NamedStyle],
    photos: Sequence[Path],
    base: Trained | None = None,
    device: str = "auto",
) -> PaintingLesson:
    """Prepare a training of some styles.

    Args:
        options: `styles`, `photos` and `extends` are filled in, and `start` if it is empty.
        photos: to learn from and to measure with.
        base: a file's styles, to which these are added.
        device: where to compute.

    Raises:
        OptionError: two styles of one name.
        PictureError: too few photographs, or one that cannot be read.
    """
    check_names([one.name for one in styles], None if base is None else base.metadata)
    check_photos(photos)
    place = pick_device(device)
    extractor = weights.load("compact").to(place)
    pool = StylePool.of_moments(_measured(styles, options.size, extractor), extractor)
    pool = pool.numbered(0 if base is None else len(base.metadata.entries))
    network = _network(len(styles), base)
    options = replace(
        options,
        styles=tuple(one.digest for one in styles),
        photos=len(photos),
        extends=base is not None,
        start=options.start or checkpoint.digest(),
    )
    held_out = list(photos[::_HELD_OUT_EVERY][:_HELD_OUT])
    learnt = [photo for photo in photos if photo not in held_out]
    cut = squares(held_out, options.crop)
    return PaintingLesson(
        options, network.to(place), extractor, learnt, pool, cut, pool, parallel.rank()
    )


def loop_of(lesson: PaintingLesson, folder: Path) -> Loop:
    """Return the training in a folder, restored if it was stopped there; it may end early."""
    options = lesson.options
    schedule = Schedule(options.steps, options.cool_down, warm_up=20)
    interval = max(1, min(100, options.steps // 10))
    loop = Loop(
        lesson,
        schedule,
        optimisers(lesson.network, options),
        folder,
        log_every=max(1, interval // 4),
        save_every=interval,
        patience=Patience(times=4),
    )
    loop.average.decay = 0.98  # for some thousand steps at most: a longer average would lag
    if loop.file.exists():
        loop.restore()
    elif parallel.is_first():
        state.cut_log(loop.log, 0)  # of a training stopped before its first state
    return loop


def result(
    loop: Loop, styles: Sequence[NamedStyle], before: Sequence[float], base: Trained | None = None
) -> Trained:
    """Return what a training has made, ready to be written.

    Args:
        before: each style's loss before the training.
        base: a file's styles, to which these are added.
    """
    lesson, network = loop.lesson, loop.average.network
    assert isinstance(lesson, PaintingLesson)
    assert isinstance(network, FastNetwork)
    entries = [
        Entry(one.name, one.digest, loop.step, **_rounded(figures), before=round(loss, 4))
        for one, figures, loss in zip(styles, lesson.figures(network), before, strict=True)
    ]
    measured = _measured(styles, _size(lesson), lesson.painting_loss.extractor)
    cpu = torch.device("cpu")
    moments = [
        {
            name: Moments(m.mean[i : i + 1], m.second[i : i + 1]).to(cpu)
            for name, m in measured.items()
        }
        for i in range(len(styles))
    ]
    if base is not None:
        entries = [*base.metadata.entries, *entries]
        moments = [*map(dict, base.moments), *moments]
    words = TrainedMetadata(tuple(entries), _size(lesson), sources.digest("compact"))
    frozen = copy.deepcopy(network).to(cpu).requires_grad_(False).eval()
    return Trained(words, frozen, moments)


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}


def _size(lesson: PaintingLesson) -> int:
    assert isinstance(lesson.options, FastTraining)
    return lesson.options.size


def _measured(styles: Sequence[NamedStyle], size: int, extractor: Extractor) -> dict[str, Moments]:
    each = [one.style.at(size, extractor, list(STYLE_LAYERS)) for one in styles]
    device = extractor.device
    return {
        name: Moments.stack([moments[name].to(device) for moments in each]) for name in STYLE_LAYERS
    }


def _network(count: int, base: Trained | None) -> FastNetwork:
    if base is None:
        instant = copy.deepcopy(checkpoint.load_instant()).train().requires_grad_(True)
        return FastNetwork(instant, count)
    network = copy.deepcopy(base.network).grown(count).train()
    network.base.requires_grad_(False)
    return network
