"""How a run is made to fit: what it will take of memory and time, and the plan that follows."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import psutil
import torch
from torch import Tensor

from impasto.config.memory import MemoryPlan, gigabytes
from impasto.config.methods import TextureConfig
from impasto.engine.optimisers import OPTIMISERS, RATES
from impasto.engine.snapshots import Snapshot
from impasto.engine.solver import KEPT_BELOW
from impasto.engine.workload import Matching, Workload
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.losses.neighbours import nearest
from impasto.losses.objective import Distance, Term, Values
from impasto.losses.tiled_losses import region_measurement, variation_measurement
from impasto.losses.viewer import Viewer
from impasto.painting.sources import Task
from impasto.run.memory_fallback import MEBIBYTE, ladder
from impasto.runtime import generator, keep_freed_memory, memory_of

__all__ = ["Forecast", "forecast"]


# Of what is free, so much is taken: the rest is for what the system and others do meanwhile.
_OF_FREE = 0.8

# Bytes that the program grows by once it works, whatever the picture's size.
_AT_WORK = 60 * MEBIBYTE

# A plan is taken if so many times what is foretold of it may be had: forecasts are a little off.
_SPARE = 1.1

# Long side of the smallest picture that is ever proposed; others are multiples of it.
_SMALLEST = 32


# Long side of the largest picture of a trial, and how often it is looked at. A window of the
# largest plan just covers it on the processor; an accelerator needs more to be busy.
_TRIAL_SIDE, _BUSY_SIDE, _TRIAL_TIMES = 768, 1024, 2

# Sides of a trial's picture are multiples of so many pixels, which every network can look at where
# opposite edges meet; and no less than four times that.
_STEP = 64

# L-BFGS is tried with so many pairs; each more takes as long as half of the rest.
_TRIAL_PAIRS, _APART = 4, 2

# Positions of a picture and of a painting that are matched in a trial.
_TRIAL_ROWS, _BUSY_ROWS = (256, 4096), (4096, 16384)

# What a region adds to an iteration, of the whole: measured, 18 % for five of them.
_A_REGION = 0.035

# Beginning each scale, reading and writing, in iterations at the last one.
_AROUND = 4.0

# How much longer a whole run takes than a trial of seconds would have it: measured, between 0.97
# and 1.31 from 1 to 33 megapixels (LOG.md).
_SUSTAINED = 1.15


@dataclass(frozen=True)
class Forecast:
    """What a run will take.

    Attributes:
        plan: how it will be done.
        memory: the most bytes that the process will hold at once.
        allowed: how many it may.
        seconds: from now on; None if nobody tried how fast this machine is.
    """

    plan: MemoryPlan
    memory: int
    allowed: int
    seconds: float | None = None


def forecast(
    task: Task,
    memory: int | None = None,
    *,
    plan: MemoryPlan | None = None,
    snapshot: Snapshot | None = None,
    extra: int = 0,
    timed: bool = False,
) -> Forecast:
    """How a task will be done within some memory.

    Args:
        memory: bytes that the process may hold; by default four fifths of what is free.
        plan: the one to do it by, if that is decided.
        snapshot: what it will go on from.
        extra: iterations of the last scale beyond the config's.
        timed: try how fast this machine is, which takes some seconds.

    Raises:
        OptionError: there is no plan that needs so little.
        ResumeError: a snapshot that is damaged.
    """
    weight = next(task.network.parameters())
    device, itemsize = weight.device, weight.dtype.itemsize
    here = _resident() + _AT_WORK if device.type == "cpu" else 0
    allowed = memory if memory is not None else here + int(_OF_FREE * memory_of(device))
    plans = [plan] if plan is not None else list(ladder(task.workload))
    needs = [here + task.workload.bytes(each, itemsize) for each in plans]
    spare = [_SPARE] * (len(plans) - 1) + [1.0]  # the leanest plan has none after it
    fits = (i for i, need in enumerate(needs) if need * spare[i] <= allowed)
    chosen = next(fits, None)
    if chosen is None and plan is None:
        raise _too_little(task, here, needs[-1], allowed, given=memory is not None)
    index = chosen or 0
    seconds = None
    if timed and task.workload.layers:  # what is painted at once is painted before it is tried
        seconds = _seconds(_left(task.workload, snapshot, extra), task.network, plans[index])
    return Forecast(plans[index], needs[index], allowed, seconds)


def _resident() -> int:
    """Bytes that this process holds now."""
    return int(psutil.Process().memory_info().rss)


def _left(workload: Workload, snapshot: Snapshot | None, extra: int) -> Workload:
    """What is left to do of a run; of methods in stages, each has as many scales."""
    if snapshot is None:
        return workload.left(0, 0, extra)
    stage = snapshot.count("stage") if "stage" in snapshot.numbers else 1
    index = max(0, stage - 1) * snapshot.count("scales") + max(1, snapshot.count("scale")) - 1
    return workload.left(index, snapshot.count("iteration"), extra)


def _too_little(task: Task, here: int, needed: int, allowed: int, *, given: bool) -> OptionError:
    """What to say of a task that does not fit by any plan.

    Args:
        here: bytes that the process holds before it begins.
        needed: by the leanest plan.
    """
    told = f"--memory allows {gigabytes(allowed)}" if given else f"{gigabytes(allowed)} can be had"
    remedy = "allow more" if given else "free some memory"
    room = allowed - here
    fitting = _fitting(task, room)
    if not fitting:
        least = here + _least(task, _SMALLEST)
        return OptionError(
            f"Without any picture to speak of this takes {gigabytes(least)}, and {told}: {remedy}."
        )
    why = "" if task.workload.can_tile else " This method looks at the picture as a whole."
    return OptionError(
        f"At {_size_told(task, task.config.size)} this takes at least {gigabytes(needed)}, and "
        f"{told}.{why} Try {_size_told(task, fitting)}, or {remedy}."
    )


def _fitting(task: Task, room: int) -> int:
    """The largest long side whose leanest plan fits into so many bytes; 0 if none does."""
    sides = range(_SMALLEST, task.config.size, _SMALLEST)
    return _SMALLEST * bisect_right(sides, room, key=partial(_least, task))


def _least(task: Task, side: int) -> int:
    """Bytes that the leanest plan needs for a picture of that long side."""
    workload = task.workload.scaled(side / task.config.size)
    itemsize = next(task.network.parameters()).dtype.itemsize
    return min(workload.bytes(plan, itemsize) for plan in ladder(workload))


def _size_told(task: Task, side: int) -> str:
    """The options that ask for a picture of that long side."""
    config = task.config
    if isinstance(config, TextureConfig) and config.sides[0] != config.sides[1]:
        width, height = (max(_SMALLEST, x * side // config.size) for x in config.sides)
        return f"--width {width} --height {height}"
    return f"--size {side}"


def _seconds(workload: Workload, network: Extractor, plan: MemoryPlan) -> float:
    """Of all iterations, from a trial at a small size."""
    keep_freed_memory(KEPT_BELOW if plan.tile else None)
    device = next(network.parameters()).device
    side = max(4 * _STEP, _side_of_trial(workload, device))
    pixels = torch.rand(1, 3, side, side, generator=generator(0)).to(device)
    looking = _looking(workload, network, plan, pixels) * (1 + _A_REGION * workload.regions)
    each = (looking + _moving(workload, plan, pixels)) / side**2
    matching = (
        workload.comparisons * _comparing(workload.matching, device) if workload.matching else 0.0
    )
    return _SUSTAINED * (workload.work * each + workload.pixels * each * _AROUND + matching)


def _side_of_trial(workload: Workload, device: torch.device) -> int:
    """Pixels along the sides of a trial's picture: as large as the run's own, if that is small."""
    most = _TRIAL_SIDE if device.type == "cpu" else _BUSY_SIDE
    return min(most, math.isqrt(workload.pixels)) // _STEP * _STEP


def _looking(workload: Workload, network: Extractor, plan: MemoryPlan, pixels: Tensor) -> float:
    """Seconds for the gradient of a picture."""
    layers = tuple(name for name in workload.layers if name in network.names)
    eye = Viewer(network.wrapped() if workload.wrap else network, layers, plan.tile)
    terms = [
        *(
            Term(name, 1.0, Distance((region_measurement(name, [None]),), _energy))
            for name in layers
        ),
        Term("tv", 1.0, Distance.sum(variation_measurement("l2"))),
    ]
    return _timed(lambda: eye.differentiate(terms, pixels)[1])


def _energy(found: Sequence[Values]) -> Tensor:
    return torch.stack([part.square().sum() for part in found[0]]).sum()


def _moving(workload: Workload, plan: MemoryPlan, pixels: Tensor) -> float:
    """Seconds for a step of the optimiser, when it remembers as much as it may."""
    history = min(workload.history, plan.history or workload.history)
    pairs = min(history, _TRIAL_PAIRS)
    optimiser = OPTIMISERS[workload.optimizer](RATES[workload.optimizer], pairs, plan.dtype)
    # A bowl that is steeper in one direction than in another, whose bottom no method finds at once.
    slopes = torch.linspace(0.1, 1.0, pixels.numel(), device=pixels.device).view_as(pixels)
    moved = pixels.clone()

    def step() -> Tensor:
        optimiser.step(moved, (moved - 0.5) * slopes)
        return moved

    for _ in range(pairs):
        step()
    share = (history + _APART) / (pairs + _APART) if workload.optimizer == "lbfgs" else 1.0
    return _timed(step) * share


def _comparing(matching: Matching, device: torch.device) -> float:
    """Seconds for comparing one position with another."""
    ours, theirs = _TRIAL_ROWS if device.type == "cpu" else _BUSY_ROWS
    rows = torch.rand(theirs, matching.rows, generator=generator(0)).to(device, torch.bfloat16)
    bias = torch.zeros(theirs, device=device)
    return _timed(lambda: nearest(rows[:ours], rows, bias)[0]) / (ours * theirs)


def _timed(work: Callable[[], Tensor]) -> float:
    """Seconds that some work takes once it is warm; its result is waited for."""
    float(work().sum())
    best = math.inf
    for _ in range(_TRIAL_TIMES):
        began = time.perf_counter()
        float(work().sum())
        best = min(best, time.perf_counter() - began)
    return best
