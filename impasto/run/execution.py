"""How a run is executed, read from its recipe and written into it."""

from __future__ import annotations

from dataclasses import replace

from impasto.config.recipe import Recipe
from impasto.engine.snapshots import Execution

__all__ = ["execution_of", "recorded"]


def execution_of(recipe: Recipe) -> Execution:
    """Return how the recipe's run is executed from its beginning."""
    return Execution(plan=recipe.plan, extra=recipe.extended)


def recorded(recipe: Recipe, execution: Execution) -> Recipe:
    """Return the recipe with the plan and the extra iterations of an execution."""
    return replace(recipe, plan=execution.plan, extended=execution.extra)
