"""Plans from the fastest to the leanest, and which one follows when memory runs out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from impasto.config.memory import MemoryPlan
from impasto.engine.workload import Workload
from impasto.errors import is_out_of_memory

__all__ = ["MEBIBYTE", "ladder", "leaner_plan", "plan_in_words"]


MEBIBYTE = 2**20

# A plan is tried next if it needs at most this share of what was not available.
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
    MemoryPlan(32 * MEBIBYTE, history=1, dtype="float16"),
)


def ladder(workload: Workload) -> Iterator[MemoryPlan]:
    """Yield the plans that a run can be done by, from the fastest to the leanest."""
    plans: set[MemoryPlan] = set()
    for plan in _PLANS:
        if plan.tile and not workload.can_tile:
            plan = replace(plan, tile=0)
        if workload.optimizer != "lbfgs" or plan.history >= workload.history:
            plan = replace(plan, history=0)
        if workload.optimizer == "gd":
            plan = replace(plan, dtype="float32")
        if plan not in plans:
            plans.add(plan)
            yield plan


def leaner_plan(
    error: Exception, workload: Workload, than: MemoryPlan, itemsize: int
) -> MemoryPlan | None:
    """Return the first leaner plan that is worth another attempt after an error.

    Args:
        than: the plan that the run had.
        itemsize: bytes of a number inside the network.

    Returns:
        None if the error is another one, or no plan needs clearly less.
    """
    if not is_out_of_memory(error):
        return None
    enough = _WORTH * workload.bytes(than, itemsize)
    return next(
        (plan for plan in ladder(workload) if workload.bytes(plan, itemsize) <= enough), None
    )


def plan_in_words(plan: MemoryPlan) -> str:
    """Return how a picture is computed by a plan."""
    if not plan.tile:
        return "the picture is computed as a whole"
    return f"the picture is computed in tiles of {plan.tile // MEBIBYTE} MiB"
