"""Plans from the fastest to the leanest, and painting by a leaner one when memory cannot be had."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace

from impasto.config.memory import MemoryPlan
from impasto.engine.snapshots import Snapshot, Way
from impasto.engine.step import Step
from impasto.engine.workload import Load
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
    MemoryPlan(128 * MEBIBYTE, held="float16"),
    MemoryPlan(64 * MEBIBYTE, held="float16"),
    MemoryPlan(64 * MEBIBYTE, history=5, held="float16"),
    MemoryPlan(32 * MEBIBYTE, history=5, held="float16"),
    MemoryPlan(32 * MEBIBYTE, history=3, held="float16"),
    MemoryPlan(32 * MEBIBYTE, history=2, held="float16"),
)


def ladder(load: Load) -> Iterator[MemoryPlan]:
    """The plans that a run can be done by, from the fastest to the leanest."""
    seen: set[MemoryPlan] = set()
    for plan in _PLANS:
        if plan.tile and not load.can_tile:
            plan = replace(plan, tile=0)
        if load.optimizer != "lbfgs" or plan.history >= load.history:
            plan = replace(plan, history=0)
        if load.optimizer == "gd":
            plan = replace(plan, held="float32")
        if plan not in seen:
            seen.add(plan)
            yield plan


def smaller(load: Load, than: MemoryPlan, itemsize: int = 2) -> MemoryPlan | None:
    """The first leaner plan that is worth another attempt; None if there is none.

    Args:
        itemsize: bytes of a number inside the network.
    """
    enough = _WORTH * load.bytes(than, itemsize)
    return next((plan for plan in ladder(load) if load.bytes(plan, itemsize) <= enough), None)


def paint_leaner(
    paint: Callable[[Way], Iterator[Step]],
    load: Load,
    way: Way,
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
            yield from paint(way)
        except Exception as error:
            plan = smaller(load, way.plan) if is_out_of_memory(error) else None
            if plan is None:
                raise
            error.__traceback__ = None  # it holds what the run held
        else:
            return
        gc.collect()
        changed(plan)
        way = replace(way, plan=plan, since=saved())
