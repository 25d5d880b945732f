"""What `import impasto` offers for whole pictures: one call, one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from impasto.config.bases import StyledConfig
from impasto.config.memory import parse_memory
from impasto.config.methods import DoodleConfig, TextureConfig, configs_with
from impasto.config.specs import StyleSpec, start_of
from impasto.config.validation import checked_config
from impasto.errors import OptionError, suggestion
from impasto.image.writing import to_pil
from impasto.painting.doodle import doodle_task
from impasto.painting.prepare import prepare
from impasto.painting.sources import Source, Sources
from impasto.painting.task import Task
from impasto.painting.texture import texture_task
from impasto.run.events import Events, consume
from impasto.run.launch import RunOptions, resume_run
from impasto.run.runner import run

__all__ = ["doodle", "resume", "stylize", "texture"]


def stylize(
    content: Source,
    style: Source | StyleSpec | Sequence[Any] = (),
    method: str = "gatys",
    *,
    content_map: Source | None = None,
    style_map: Source | Sequence[Source] = (),
    memory: str | None = None,
    **options: Any,
) -> Image.Image:
    """Give a photograph the look of a painting.

    Args:
        content: a photograph: a file or a Pillow image.
        style: a painting, a style card, or the name of a built-in one such as `starry-night`; or
            several of them, with weights and layers: `["a.jpg", "b.jpg:0.3:fine"]`; for `fast` a
            trained style, such as `mine.impasto#b`.
        method: `gatys`, `nnst`, `mrf` or `laplacian`, which optimise pixels; `instant`, which
            paints at once; `instant+refine`, which optimises what that paints; or `fast`, which
            paints in styles that a network was trained for.
        content_map: a picture whose flat colours are regions; `region=[…]` says what they get.
        style_map: the same for the style, or for each of the styles.
        memory: how much the process may hold, such as `4GB`; by default four fifths of what is
            free. A picture that does not fit is painted in tiles.
        options: fields of the method's config, such as `size=1024` or `strength=0.7`; besides,
            `init` may be a picture, and `weights` a file.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`.

    Raises:
        ImpastoError: an input or option that cannot be used.
    """
    kinds = configs_with(StyledConfig)
    if method not in kinds:
        raise OptionError(
            f"There is no method {method!r}{suggestion(method, kinds)} It may be "
            f"{', '.join(kinds)}."
        )
    weights = options.pop("weights", None)
    options, init = start_of(options)
    sources = Sources.of(
        content,
        *_several(style),
        init=init,
        content_map=content_map,
        style_maps=tuple(_several(style_map)),
        weights=None if weights is None else Path(weights),
    )
    config = checked_config(kinds[method], options, has_map=content_map is not None)
    task = prepare(sources, config)
    return _painted(task, memory)


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else (value,)


def doodle(
    map: Source,
    style: Source,
    style_map: Source,
    *,
    memory: str | None = None,
    **options: Any,
) -> Image.Image:
    """Paint a picture from a map of colours, each as the part of a painting that has it.

    Args:
        map: a drawing in a few flat colours: a file or a Pillow image.
        style: a painting: a file or a Pillow image.
        style_map: a drawing over the painting, in the same colours.
        memory: how much the process may hold, as in `stylize`.
        options: fields of `DoodleConfig`, such as `size=1024` or `engine="patches"`; besides,
            `weights` may be a file.

    Returns:
        An 8-bit picture in the map's proportions, with the recipe as JSON in `.info["impasto"]`.

    Raises:
        ImpastoError: an input or option that cannot be used.
    """
    weights = options.pop("weights", None)
    sources = Sources.of(
        None,
        style,
        content_map=map,
        style_maps=(style_map,),
        weights=None if weights is None else Path(weights),
    )
    return _painted(doodle_task(sources, checked_config(DoodleConfig, options)), memory)


def texture(*styles: Any, memory: str | None = None, **options: Any) -> Image.Image:
    """Paint a texture of any size from the statistics of pictures, cards or built-in styles.

    Args:
        styles: one, or several that are blended, as in `stylize`.
        memory: how much the process may hold, as in `stylize`.
        options: fields of `TextureConfig`, such as `size=1024`, `width`, `height` or `seamless`.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`.

    Raises:
        ImpastoError: an input or option that cannot be used.
    """
    if {"width", "height"} & set(options):
        options.setdefault("size", max(options.get("width", 0), options.get("height", 0)))
    task = texture_task(Sources.of(None, *styles), checked_config(TextureConfig, options))
    return _painted(task, memory)


def resume(path: Path | str) -> Image.Image:
    """Continue a stopped run to its end, as `impasto resume` does, without writing the picture.

    The folder stays, with the state at the end: the same call again gives the picture at once.

    Args:
        path: the run's folder, such as `out.run`.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`: the same pixels as those
        of a run that was never stopped.

    Raises:
        ImpastoError: the run cannot continue.
    """
    return _picture_of(resume_run(Path(path), None, RunOptions(timed=False)))


def _painted(task: Task, memory: str | None = None) -> Image.Image:
    """Paint a task by a plan that fits into memory, such as `4GB`."""
    allowed = None if memory is None else parse_memory(memory)
    return _picture_of(run(task, memory=allowed))


def _picture_of(events: Events) -> Image.Image:
    result = consume(events)
    assert result is not None
    return to_pil(result.painted, recipe=result.recipe.to_json())
