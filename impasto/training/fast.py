"""Train a network for some styles, or one further style for such a network.

The network that paints in any style is trained on, for the styles given: everything of it, and each
style's own scales and shifts. For a further style only those are trained (Dumoulin et al. 2017,
section 3.2), so that the styles before it stay as they are, and it takes minutes.

Nothing has to be balanced by hand: content is measured in units of the photograph's own energy, a
style in units of the photograph's own distance to it, as `--method gatys` does.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from impasto.errors import OptionError, PictureError
from impasto.features import weights
from impasto.features.extractor import Extractor
from impasto.losses.moments import Moments
from impasto.networks import checkpoint
from impasto.networks.fast import FastNetwork
from impasto.networks.instant import STYLE_LAYERS
from impasto.networks.trained import Trained
from impasto.networks.trained_metadata import MOST_STYLES, NAME, Entry, TrainedMetadata
from impasto.runtime import pick_device
from impasto.styles.statistics import Style
from impasto.training import parallel, state
from impasto.training.lesson import PaintingLesson, PaintingOptions, optimisers, squares
from impasto.training.loop import Loop, Patience, Schedule
from impasto.training.styles import StylePool

__all__ = ["LEAST_PHOTOS", "FastTraining", "Learnt", "loop_of", "name_of", "result", "start"]

LEAST_PHOTOS = 8
"""Photographs that a training asks for; some hundreds are better."""

# Of the photographs, those to be judged by: every so many, and at most.
_APART, _JUDGED_BY = 10, 12


@dataclass(frozen=True)
class FastTraining(PaintingOptions):
    """How to train.

    Attributes:
        size: the long side that the paintings are looked at with: that of the pictures to come.
        styles: digests of the paintings.
        photos: how many there are.
        extends: whether only the styles' own scales and shifts are trained.
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
class Learnt:
    """A style that is to be learnt.

    Attributes:
        name: what it will be called.
        digest: of its file.
    """

    name: str
    digest: str
    style: Style


def name_of(source: str) -> str:
    """What a painting's style is called: its file's name, with nothing that a shell minds.

    Raises:
        OptionError: nothing is left of the name.
    """
    stem = Path(source).stem
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:64]
    if not NAME.fullmatch(name):
        raise OptionError(f"No name for a style can be made of {source!r}: rename the file.")
    return name


def start(
    options: FastTraining,
    styles: Sequence[Learnt],
    photos: Sequence[Path],
    known: Trained | None = None,
    device: str = "auto",
) -> PaintingLesson:
    """A training of some styles.

    Args:
        options: `styles`, `photos` and `extends` are filled in, and `start` if it is empty.
        photos: to learn from and to be judged by.
        known: a file's styles, to which these are added.
        device: where to compute.

    Raises:
        OptionError: two styles of one name.
        PictureError: too few photographs, or one that cannot be read.
    """
    _check(styles, photos, known)
    there = pick_device(device)
    extractor = weights.load("compact").to(there)
    pool = StylePool.of_moments(_measured(styles, options.size, extractor), extractor)
    first = 0 if known is None else len(known.metadata.entries)
    pool = pool.numbered(first)
    network = _network(len(styles), known)
    begins = options.start or checkpoint.digest()
    options = replace(
        options,
        styles=tuple(one.digest for one in styles),
        photos=len(photos),
        extends=known is not None,
        start=begins,
    )
    held_out = list(photos[::_APART][:_JUDGED_BY])
    taught = [photo for photo in photos if photo not in held_out]
    cut = squares(held_out, options.crop)
    return PaintingLesson(
        options, network.to(there), extractor, taught, pool, cut, pool, parallel.rank()
    )


def loop_of(lesson: PaintingLesson, folder: Path) -> Loop:
    """The training in a folder, gone on with if it has begun there; it may end early."""
    options = lesson.options
    schedule = Schedule(options.steps, options.cool_down, warm_up=20)
    every = max(1, min(100, options.steps // 10))
    loop = Loop(
        lesson,
        schedule,
        optimisers(lesson.network, options),
        folder,
        log_every=max(1, every // 4),
        save_every=every,
        patience=Patience(times=4),
    )
    loop.average.decay = 0.98  # of some thousand steps at most: a longer memory would lag behind
    if loop.file.exists():
        loop.restore()
    elif parallel.is_first():
        state.cut_log(loop.log, 0)  # of a training that was stopped before its first state
    return loop


def result(
    loop: Loop, styles: Sequence[Learnt], before: Sequence[float], known: Trained | None = None
) -> Trained:
    """What a training has made, ready to be written.

    Args:
        before: each style's loss before it.
    """
    lesson, network = loop.lesson, loop.average.network
    assert isinstance(lesson, PaintingLesson)
    assert isinstance(network, FastNetwork)
    entries = [
        Entry(one.name, one.digest, loop.step, **_rounded(found), before=round(loss, 4))
        for one, found, loss in zip(styles, lesson.figures(network), before, strict=True)
    ]
    there = _measured(styles, _size(lesson), lesson.judge.extractor)
    cpu = torch.device("cpu")
    moments = [
        {name: Moments(m.mean[i : i + 1], m.second[i : i + 1]).to(cpu) for name, m in there.items()}
        for i in range(len(styles))
    ]
    held = () if known is None else known.metadata.entries
    kept = [] if known is None else list(known.moments)
    words = TrainedMetadata((*held, *entries), _size(lesson), weights.digest("compact"))
    frozen = copy.deepcopy(network).to(cpu).requires_grad_(False).eval()
    return Trained(words, frozen, [*kept, *moments])


def _rounded(found: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in found.items()}


def _size(lesson: PaintingLesson) -> int:
    assert isinstance(lesson.options, FastTraining)
    return lesson.options.size


def _check(styles: Sequence[Learnt], photos: Sequence[Path], known: Trained | None) -> None:
    names = [one.name for one in styles]
    names += [] if known is None else [entry.name for entry in known.metadata.entries]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise OptionError(
            f"Two styles would be called {twice[0]!r}, after their files. Rename one of them."
        )
    if len(names) > MOST_STYLES:
        raise OptionError(
            f"A file would hold {len(names)} styles, and it takes {MOST_STYLES}. Make two of it."
        )
    if len(photos) < LEAST_PHOTOS:
        raise PictureError(
            f"There are {len(photos)} photographs to learn from, and {LEAST_PHOTOS} at least are "
            "needed; some hundreds are better: your own, of all that you will paint, with 300 "
            "pixels or more on each side. --content builtin takes those of scikit-image."
        )


def _measured(styles: Sequence[Learnt], size: int, extractor: Extractor) -> dict[str, Moments]:
    each = [one.style.at(size, extractor, list(STYLE_LAYERS)) for one in styles]
    device = next(extractor.parameters()).device
    return {
        name: Moments.stack([found[name].to(device) for found in each]) for name in STYLE_LAYERS
    }


def _network(count: int, known: Trained | None) -> FastNetwork:
    if known is None:
        base = copy.deepcopy(checkpoint.load_instant()).train().requires_grad_(True)
        return FastNetwork(base, count)
    network = copy.deepcopy(known.network).grown(count).train()
    network.base.requires_grad_(False)
    return network
