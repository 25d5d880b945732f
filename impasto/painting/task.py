"""The task that is made of a run's sources before anything is painted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PictureConfig
from impasto.config.recipe import Recipe
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.step import Step
from impasto.engine.workload import Workload
from impasto.features.extractor import Extractor
from impasto.image.picture import Picture

__all__ = ["Task", "finish", "opaque", "paint"]


@dataclass(frozen=True)
class Task:
    """Everything a run needs, read and checked.

    Attributes:
        recipe: to be written into the picture.
        config: the method's options, with its backbone's own layers filled in.
        run: starts or continues the method; yields after every iteration.
        finish: turns a step's pixels into the picture that is written.
        workload: how much there is to compute.
        network: the backbone.
    """

    recipe: Recipe
    config: PictureConfig
    run: Callable[..., Iterator[Step]]
    finish: Callable[[Float[Tensor, "1 3 h w"]], Picture]
    workload: Workload
    network: Extractor


def paint(task: Task, execution: Execution = DEFAULT_EXECUTION) -> Iterator[Step]:
    """Run the task; yields after every iteration."""
    yield from task.run(execution=execution)


def finish(task: Task, step: Step) -> Picture:
    """Return the picture at a step, with the photograph's transparency, and colours if kept."""
    return task.finish(step.image().cpu())


def opaque(pixels: Float[Tensor, "1 3 h w"]) -> Picture:
    """Return a picture of painted pixels alone, for a task without a photograph."""
    return Picture(pixels)
