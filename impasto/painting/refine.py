"""The task that goes on by optimising from what was painted at once."""

from __future__ import annotations

from dataclasses import fields, replace

from impasto.config.memory import MemoryPlan
from impasto.config.methods import InstantConfig, RefineConfig
from impasto.engine.workload import Workload
from impasto.features.extractor import Extractor
from impasto.features.sources import digest
from impasto.networks.checkpoint import load_instant
from impasto.painting.instant import bytes_at_once, digest_with
from impasto.painting.photograph import photograph_task
from impasto.painting.sources import Sources, Task

__all__ = ["digest_of_both", "refine_task"]


class _Refining(Workload):
    """An optimiser's work, and a pass through a network before it."""

    def bytes(self, plan: MemoryPlan, itemsize: int) -> int:
        """What it takes beside the program, the network and the pictures that were read."""
        return max(super().bytes(plan, itemsize), bytes_at_once(self.pixels))


def refine_task(sources: Sources, config: RefineConfig, extractor: Extractor | None = None) -> Task:
    """Read the pictures and the networks, and write down the recipe.

    Args:
        extractor: the backbone of the losses, if it is loaded already.

    Raises:
        ImpastoError: whatever cannot be used, before any work is done.
    """
    if sources.init is not None:
        raise config.another_start()
    task = photograph_task(sources, config, extractor)
    load_instant()  # what is wrong with it is told before any work is done
    recipe = replace(task.recipe, backbone_digest=digest_of_both(task.recipe.backbone_digest))
    load = _Refining(**{spec.name: getattr(task.workload, spec.name) for spec in fields(Workload)})
    return replace(task, recipe=recipe, workload=load)


def digest_of_both(seen_by: str) -> str:
    """Of the backbone, and of all that paints at once: pixels depend on each of them."""
    return digest_with(f"{seen_by} {digest(InstantConfig().eye)}")
