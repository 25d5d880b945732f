"""The sources of a run, and the task that is made of them before anything is painted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from impasto.config.bases import PictureConfig
from impasto.config.recipe import Recipe
from impasto.config.specs import StyleSpec
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution
from impasto.engine.step import Step
from impasto.engine.workload import Workload
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.image.picture import Picture

__all__ = ["Source", "Sources", "Task", "finish", "opaque", "paint"]

Source = str | Path | Image.Image


@dataclass(frozen=True)
class Sources:
    """The pictures of a run, as files or in memory.

    Attributes:
        content: the photograph, for methods that have one.
        styles: paintings, cards or built-in names; several are blended.
        init: a picture to start from, instead of `config.init`.
        content_map: a picture whose flat colours say what belongs to which region.
        style_maps: the same for the styles: none, or one for each.
        weights: a file of weights for the backbone, instead of the embedded or cached ones.
    """

    content: Source | None = None
    styles: tuple[StyleSpec, ...] = ()
    init: Source | None = None
    content_map: Source | None = None
    style_maps: tuple[Source, ...] = ()
    weights: Path | None = None

    @staticmethod
    def of(content: Source | None, *styles: Any, **more: Any) -> Sources:
        """Return the sources of a photograph and styles.

        Args:
            styles: each a `StyleSpec`, a text such as `b.jpg:0.3`, a path or a picture, or one of
                these two and a weight.
            more: the other attributes.
        """
        return Sources(content, tuple(_style_spec(style) for style in styles), **more)


def _style_spec(style: Any) -> StyleSpec:
    if isinstance(style, StyleSpec):
        return style
    if isinstance(style, tuple) and len(style) == 2:
        return StyleSpec(style[0], float(style[1]))
    if not isinstance(style, (str, Path, Image.Image)):
        raise OptionError(
            f"A style is given as {type(style).__name__}. It may be a file's name, a path or a "
            "Pillow image (of an array, Image.fromarray makes one)."
        )
    return StyleSpec.parse(style) if isinstance(style, str) else StyleSpec(style)


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
