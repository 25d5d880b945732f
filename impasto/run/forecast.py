"""Estimates of the memory and time that a run takes, and the plan that fits."""

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
from impasto.engine.optimisers import OPTIMISERS, RATES
from impasto.engine.snapshots import Snapshot
from impasto.engine.solver import KEPT_BELOW
from impasto.engine.step import Settings
from impasto.engine.workload import Matching, Workload
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.losses.neighbours import nearest
from impasto.losses.objective import Distance, Term, Values
from impasto.losses.tiled_losses import region_measurement, variation_measurement
from impasto.losses.viewer import Viewer
from impasto.painting.task import Task
from impasto.run.memory_fallback import MEBIBYTE, ladder
from impasto.runtime import generator, keep_freed_memory, memory_of

__all__ = ["Forecast", "forecast", "resident_memory"]

# The share of free memory that is used; the system needs the remainder.
_OF_FREE = 0.8

# Bytes that the program grows by once it works, whatever the picture's size.
_AT_WORK = 60 * MEBIBYTE

# A plan is taken if this many times its estimate is allowed: estimates are a little off.
_SPARE = 1.1

# Long side of the smallest picture that is proposed; larger ones are multiples of it.
_SMALLEST = 32

# Long side of a trial's largest picture, on the processor, where a tile of the largest plan just
# covers it, and on an accelerator; and how often the trial is repeated.
_TRIAL_SIDE, _BUSY_SIDE, _TRIAL_TIMES = 768, 1024, 2

# Sides of a trial's picture are multiples of so many pixels, which every network accepts where
# opposite edges meet; at least four times that.
_STEP = 64

# Pairs with which L-BFGS is tried, and how many pairs take as long as its other work.
_TRIAL_PAIRS, _OTHER_PAIRS = 4, 2

# Positions of a picture and of a painting that are matched in a trial.
_TRIAL_ROWS, _BUSY_ROWS = (256, 4096), (4096, 16384)

# The share of an iteration's time that a region adds: measured, 18 % for five of them.
_A_REGION = 0.035

# Preparing scales, reading and writing, in iterations at the last scale.
_AROUND = 4.0

# A whole run's time by that of its trial: measured, 0.97 to 1.31 from 1 to 33 megapixels (LOG.md).
_SUSTAINED = 1.15


@dataclass(frozen=True)
class Forecast:
    """An estimate of what a run takes.

    Attributes:
        plan: how it is computed.
        memory: the most bytes that the process holds at once.
        allowed: how many it may hold.
        seconds: from now on; None if the machine's speed was not measured.
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
    """Estimate what a task takes by the fastest plan that fits into memory.

    Args:
        memory: bytes that the process may hold; by default four fifths of what is free.
        plan: the plan, if it is decided.
        snapshot: what the run continues from.
        extra: iterations of the last scale beyond the config's.
        timed: measure how fast this machine is, which takes some seconds.

    Raises:
        OptionError: no plan needs so little memory.
        ResumeError: the snapshot is damaged.
    """
    weight = next(task.network.parameters())
    device, itemsize = weight.device, weight.dtype.itemsize
    base = resident_memory(device) + (_AT_WORK if device.type == "cpu" else 0)
    allowed = memory if memory is not None else base + int(_OF_FREE * memory_of(device))
    plans = [plan] if plan is not None else list(ladder(task.workload))
    needs = [base + task.workload.bytes(candidate, itemsize) for candidate in plans]
    spare = [_SPARE] * (len(plans) - 1) + [1.0]  # no plan follows the leanest one
    fits = (i for i, need in enumerate(needs) if need * spare[i] <= allowed)
    chosen = next(fits, None)
    if chosen is None and plan is None:
        raise _refusal(task, base, needs[-1], allowed, is_typed=memory is not None)
    index = chosen or 0
    seconds = None
    if timed and task.workload.layers:  # feed-forward methods finish before a trial would
        remaining = _remaining(task.workload, snapshot, extra)
        seconds = _seconds(remaining, task.network, plans[index])
    return Forecast(plans[index], needs[index], allowed, seconds)


def resident_memory(device: torch.device) -> int:
    """Return the bytes that this process holds where pictures are painted, if that is counted."""
    return int(psutil.Process().memory_info().rss) if device.type == "cpu" else 0


def _remaining(workload: Workload, snapshot: Snapshot | None, extra: int) -> Workload:
    """Return what is left to compute of a run; each stage of a method has as many scales."""
    if snapshot is None:
        return workload.left(0, 0, extra)
    stage = snapshot.count("stage") if "stage" in snapshot.numbers else 1
    index = max(0, stage - 1) * snapshot.count("scales") + max(1, snapshot.count("scale")) - 1
    return workload.left(index, snapshot.count("iteration"), extra)


def _refusal(task: Task, base: int, need: int, allowed: int, *, is_typed: bool) -> OptionError:
    """Return the error of a task that does not fit by any plan.

    Args:
        base: bytes that the process holds before it begins.
        need: bytes by the leanest plan.
        is_typed: somebody typed how much is allowed.
    """
    amount = gigabytes(allowed)
    limit = f"--memory allows {amount}" if is_typed else f"{amount} are available"
    advice = "allow more" if is_typed else "free some memory"
    sides = range(_SMALLEST, task.config.size, _SMALLEST)
    fitting = _SMALLEST * bisect_right(sides, allowed - base, key=partial(_least, task))
    if not fitting:
        least = gigabytes(base + _least(task, _SMALLEST))
        return OptionError(f"Even a tiny picture takes {least}, and {limit}: {advice}.")
    why = "" if task.workload.can_tile else " This method looks at the picture as a whole."
    return OptionError(
        f"At {_size_options(task, task.config.size)} this takes at least {gigabytes(need)}, and "
        f"{limit}.{why} Try {_size_options(task, fitting)}, or {advice}."
    )


def _least(task: Task, side: int) -> int:
    """Return the bytes that the leanest plan needs for a picture of that long side."""
    workload = task.workload.scaled(side / task.config.size)
    itemsize = next(task.network.parameters()).dtype.itemsize
    return min(workload.bytes(plan, itemsize) for plan in ladder(workload))


def _size_options(task: Task, side: int) -> str:
    """Return the options that ask for a picture of that long side."""
    width, height = getattr(task.config, "sides", (0, 0))  # of a texture
    if width != height:
        scaled = [max(_SMALLEST, x * side // task.config.size) for x in (width, height)]
        return f"--width {scaled[0]} --height {scaled[1]}"
    return f"--size {side}"


def _seconds(workload: Workload, network: Extractor, plan: MemoryPlan) -> float:
    """Estimate the seconds of all iterations by a trial at a small size."""
    keep_freed_memory(KEPT_BELOW if plan.tile else None)
    device = next(network.parameters()).device
    side = max(4 * _STEP, _side_of_trial(workload, device))
    pixels = torch.rand(1, 3, side, side, generator=generator(0)).to(device)
    gradient = _gradient_time(workload, network, plan, pixels) * (1 + _A_REGION * workload.regions)
    a_pixel = (gradient + _optimiser_time(workload, plan, pixels)) / side**2
    matching = 0.0
    if workload.matching:
        matching = workload.comparisons * _comparison_time(workload.matching, device)
    return _SUSTAINED * (workload.work * a_pixel + workload.pixels * a_pixel * _AROUND + matching)


def _side_of_trial(workload: Workload, device: torch.device) -> int:
    """Return the sides of a trial's picture: those of the run's own, if that is small."""
    most = _TRIAL_SIDE if device.type == "cpu" else _BUSY_SIDE
    return min(most, math.isqrt(workload.pixels)) // _STEP * _STEP


def _gradient_time(
    workload: Workload, network: Extractor, plan: MemoryPlan, pixels: Tensor
) -> float:
    """Measure the seconds that the gradient of a picture takes."""
    layers = tuple(name for name in workload.layers if name in network.names)
    viewer = Viewer(network.wrapped() if workload.wrap else network, layers, plan.tile)
    terms = [
        *(
            Term(name, 1.0, Distance((region_measurement(name, [None]),), _energy))
            for name in layers
        ),
        Term("tv", 1.0, Distance.sum(variation_measurement("l2"))),
    ]
    return _timed(lambda: viewer.differentiate(terms, pixels)[1])


def _energy(values: Sequence[Values]) -> Tensor:
    return torch.stack([part.square().sum() for part in values[0]]).sum()


def _optimiser_time(workload: Workload, plan: MemoryPlan, pixels: Tensor) -> float:
    """Measure the seconds of an optimiser's step when its memory is full."""
    history = min(workload.history, plan.history or workload.history)
    pairs = min(history, _TRIAL_PAIRS)
    optimiser = OPTIMISERS[workload.optimizer](
        RATES[workload.optimizer], Settings(history=pairs, dtype=plan.dtype)
    )
    # A bowl, steeper in some directions than in others: no optimiser finds its minimum at once.
    slopes = torch.linspace(0.1, 1.0, pixels.numel(), device=pixels.device).view_as(pixels)
    point = pixels.clone()

    def step() -> Tensor:
        optimiser.step(point, (point - 0.5) * slopes)
        return point

    for _ in range(pairs):
        step()
    seconds = _timed(step)
    if workload.optimizer == "lbfgs":
        seconds *= (history + _OTHER_PAIRS) / (pairs + _OTHER_PAIRS)
    return seconds


def _comparison_time(matching: Matching, device: torch.device) -> float:
    """Measure the seconds that comparing one position with another takes."""
    ours, theirs = _TRIAL_ROWS if device.type == "cpu" else _BUSY_ROWS
    rows = torch.rand(theirs, matching.rows, generator=generator(0)).to(device, torch.bfloat16)
    bias = torch.zeros(theirs, device=device)
    return _timed(lambda: nearest(rows[:ours], rows, bias)[0]) / (ours * theirs)


def _timed(work: Callable[[], Tensor]) -> float:
    """Return the seconds that some work takes once it is warm, until its result is there."""
    float(work().sum())
    best = math.inf
    for _ in range(_TRIAL_TIMES):
        began = time.perf_counter()
        float(work().sum())
        best = min(best, time.perf_counter() - began)
    return best
