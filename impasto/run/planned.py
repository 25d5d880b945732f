"""From a task to a picture, within the memory that there is: what Python's calls share."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PIL import Image

from impasto.config.memory import parse_memory
from impasto.engine.snapshots import Execution
from impasto.engine.step import last
from impasto.image.writing import to_pil
from impasto.painting.sources import Task, finish, paint
from impasto.run.execution import recorded
from impasto.run.forecast import forecast
from impasto.run.memory_fallback import paint_leaner

__all__ = ["painted"]


def painted(task: Task, memory: str | None = None) -> Image.Image:
    """Paint a task by a plan that fits.

    Args:
        memory: how much the process may hold, such as `4GB`; by default four fifths of what is
            free.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`.

    Raises:
        OptionError: no plan needs so little memory.
        ImpastoError: whatever cannot be done.
    """
    allowed = None if memory is None else parse_memory(memory)
    plans = [forecast(task, allowed).plan]
    # Without a state that could be gone on from, a leaner plan begins anew.
    steps = paint_leaner(
        partial(paint, task), task.workload, Execution(plan=plans[0]), lambda: None, plans.append
    )
    step = last(steps)
    recipe = recorded(task.recipe, Execution(plan=plans[-1]))
    return to_pil(finish(replace(task, recipe=recipe), step), recipe=recipe.to_json())
