"""What a run will take, told before it starts. Imports PyTorch."""

from __future__ import annotations

import json
from typing import Any

from impasto.cli.console import remark
from impasto.cli.outputs import Wanted
from impasto.config.memory import MemoryPlan, gigabytes, parse_memory
from impasto.engine.snapshots import Snapshot
from impasto.painting.sources import Task
from impasto.run.forecast import Forecast, forecast

__all__ = ["as_dict", "foretold", "leaner", "show"]

# A smaller picture is painted before anybody has read how long it will take.
_LARGE = 1_000_000


def foretold(
    task: Task,
    wanted: Wanted,
    plan: MemoryPlan | None = None,
    *,
    snapshot: Snapshot | None = None,
    extra: int = 0,
) -> Forecast:
    """How the task will be done, and of a large one a remark about it.

    Args:
        plan: the one to do it by, if that is decided.
        snapshot: what it will go on from.
        extra: iterations of the last scale beyond the config's.

    Raises:
        OptionError: it cannot be done in as much memory as it may take.
        ResumeError: a snapshot that is damaged.
    """
    memory = None if wanted.memory is None else parse_memory(wanted.memory)
    is_large = task.workload.pixels >= _LARGE
    timed = is_large or wanted.dry_run
    found = forecast(task, memory, plan=plan, snapshot=snapshot, extra=extra, timed=timed)
    if found.seconds is not None and is_large and not wanted.quiet and not wanted.dry_run:
        remark(
            f"this takes {_time(found.seconds)} and {gigabytes(found.memory)}; {_told(task, found)}"
        )
    return found


def show(task: Task, found: Forecast, *, as_json: bool) -> None:
    """All that is known of a run before it starts, on standard output."""
    scales = task.workload.scales
    if as_json:
        print(json.dumps({"forecast": as_dict(found), "recipe": json.loads(task.recipe.to_json())}))
        return
    first, last = scales[0], scales[-1]
    count = sum(scale.iterations for scale in scales)
    print(f"size     {first.width}×{first.height} to {last.width}×{last.height}")
    if found.seconds is not None:
        print(f"work     {count} iterations at {len(scales)} scales")
    print(f"memory   {gigabytes(found.memory)} of {gigabytes(found.allowed)} that it may take")
    if found.seconds is None:
        print("plan     painted at once, in parts if it is large")
        return
    print(f"time     {_time(found.seconds)}")
    print(f"plan     {_told(task, found)}")


def as_dict(found: Forecast) -> dict[str, Any]:
    """A forecast as JSON holds it; bytes and seconds."""
    seconds = None if found.seconds is None else round(found.seconds, 2)
    return {"plan": found.plan.to_dict(), "memory": found.memory, "seconds": seconds}


def leaner(plan: MemoryPlan) -> None:
    """Say that memory could not be had, and what is done about it."""
    remark(f"memory could not be had: going on, {_seen(plan)}")


def _told(task: Task, found: Forecast) -> str:
    """How a run is done."""
    return "; ".join([_seen(found.plan), *_remembered(task, found.plan)])


def _seen(plan: MemoryPlan) -> str:
    if not plan.tile:
        return "the picture is looked at as a whole"
    return f"the picture is looked at in windows of {plan.tile // 2**20} MiB"


def _remembered(task: Task, plan: MemoryPlan) -> list[str]:
    found = []
    if plan.history:
        found.append(f"L-BFGS remembers {plan.history} steps instead of {task.workload.history}")
    if plan.dtype == "float16":
        found.append("the optimiser's memory is kept in half precision")
    return found


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 6000 else f"about {seconds / 3600:.1f} h"
