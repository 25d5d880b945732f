"""How a run was carried out, to and from its recipe."""

from __future__ import annotations

from dataclasses import asdict, replace

from impasto.config.memory import MemoryPlan
from impasto.config.recipe import Recipe
from impasto.engine.snapshots import Way

__all__ = ["plan_of", "recorded", "way_of"]


def way_of(recipe: Recipe) -> Way:
    """How the recipe's run was carried out, from its beginning."""
    return Way(plan=plan_of(recipe), extra=recipe.extended)


def plan_of(recipe: Recipe) -> MemoryPlan:
    """How the recipe's run fitted into memory."""
    return MemoryPlan() if recipe.plan is None else MemoryPlan(**recipe.plan)


def recorded(recipe: Recipe, way: Way) -> Recipe:
    """The recipe with what it says of the way that a run takes."""
    plan = None if way.plan == MemoryPlan() else asdict(way.plan)
    return replace(recipe, plan=plan, extended=way.extra)
