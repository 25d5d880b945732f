"""Plans from the fastest to the leanest, and painting by a leaner one when memory cannot be had."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace

from impasto.config.memory import MemoryPlan
from impasto.engine.snapshots import Execution, Snapshot
from impasto.engine.step import Step
from impasto.engine.workload import Workload
from impasto.errors import is_out_of_memory

__all__ = ["MEBIBYTE", "ladder", "paint_leaner", "smaller"]


MEBIBYTE = 2**20


# Of what could not be had, so much may be asked for next.
_WORTH = 0.8


# From the fastest to the leanest, for optimisers whose memory is long.
_PLANS = (
    MemoryPlan(),
    MemoryPlan(128 * MEBIBYTE),
    MemoryPlan(64 * MEBIBYTE),
    MemoryPlan(128 * MEBIBYTE, dtype="float16"),
    MemoryPlan(64 * MEBIBYTE, dtype="float16"),
    MemoryPlan(64 * MEBIBYTE, history=5, dtype="float16"),
    MemoryPlan(32 * MEBIBYTE, history=5, dtype="float16"),
    MemoryPlan(32 * MEBIBYTE, history=3, dtype="float16"),
    MemoryPlan(32 * MEBIBYTE, history=2, dtype="float16"),
)


def ladder(workload: Workload) -> Iterator[MemoryPlan]:
    """The plans that a run can be done by, from the fastest to the leanest."""
    seen: set[MemoryPlan] = set()
    for plan in _PLANS:
        if plan.tile and not workload.can_tile:
            plan = replace(plan, tile=0)
        if workload.optimizer != "lbfgs" or plan.history >= workload.history:
            plan = replace(plan, history=0)
        if workload.optimizer == "gd":
            plan = replace(plan, dtype="float32")
        if plan not in seen:
            seen.add(plan)
            yield plan


def smaller(workload: Workload, than: MemoryPlan, itemsize: int = 2) -> MemoryPlan | None:
    """The first leaner plan that is worth another attempt; None if there is none.

    Args:
        itemsize: bytes of a number inside the network.
    """
    enough = _WORTH * workload.bytes(than, itemsize)
    return next(
        (plan for plan in ladder(workload) if workload.bytes(plan, itemsize) <= enough), None
    )


def paint_leaner(
    paint: Callable[[Execution], Iterator[Step]],
    workload: Workload,
    execution: Execution,
    saved: Callable[[], Snapshot | None],
    changed: Callable[[MemoryPlan], None],
) -> Iterator[Step]:
    """Paint; whenever memory cannot be had, go on by the next leaner plan, from the last state.

    Args:
        paint: goes some way.
        saved: gives the last state that was saved; None begins anew.
        changed: is told of another plan, before it is taken.
    """
    while True:
        try:
            yield from paint(execution)
        except Exception as error:
            plan = smaller(workload, execution.plan) if is_out_of_memory(error) else None
            if plan is None:
                raise
            error.__traceback__ = None  # it holds what the run held
        else:
            return
        gc.collect()
        changed(plan)
        execution = replace(execution, plan=plan, snapshot=saved())
