"""What `import impasto` offers for whole pictures: one call, one picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from impasto.config.bases import StyledConfig
from impasto.config.fields import from_text
from impasto.config.memory import parse_memory
from impasto.config.methods import DoodleConfig, SketchConfig, TextureConfig, configs_with
from impasto.config.presets import expanded
from impasto.config.specs import StyleSpec, start_of
from impasto.config.validation import check_owners, checked_config
from impasto.engine.snapshots import Execution
from impasto.errors import OptionError, RecipeError, ResumeError, suggestion
from impasto.image.exchange import path_of
from impasto.image.writing import keeping_of, to_pil
from impasto.painting import rerun as repeated
from impasto.painting.misplaced import check_photograph, has_card
from impasto.painting.prepare import prepare
from impasto.painting.recipe_inputs import locate
from impasto.painting.recipes import recipe_of
from impasto.painting.sources import Source, Sources
from impasto.painting.task import Task
from impasto.run.events import Events, consume
from impasto.run.launch import RunOptions, planned_task, resume_run
from impasto.run.runner import run

if TYPE_CHECKING:
    from impasto.film.progress import Progress

__all__ = ["doodle", "film", "rerun", "resume", "sketch", "stylize", "texture"]


def stylize(
    content: Source,
    style: Source | StyleSpec | Sequence[Any] = (),
    method: str | None = None,
    *,
    preset: str | None = None,
    content_map: Source | None = None,
    style_map: Source | Sequence[Source] = (),
    memory: str | int | None = None,
    metadata: str = "keep",
    **options: Any,
) -> Image.Image:
    """Give a photograph the look of a painting.

    Args:
        content: a photograph: a file, a Pillow image or an array, as `impasto.read` takes them.
        style: a painting, likewise, a style card, or the name of a built-in one such as
            `starry-night`; or several of them, with weights and layers:
            `["a.jpg", "b.jpg:0.3:fine", (array, 0.5)]`; for `fast` a trained style, such as
            `mine.impasto#b`.
        method: `gatys`, `nnst`, `mrf` or `laplacian`, which optimise pixels; `instant`, which
            paints at once; `quick` and `instant+refine`, which optimise what that paints; or
            `fast`, which paints in styles that a network was trained for. By default that of the
            preset.
        preset: `draft`, `good` or `best`: a method and its options, for those who do not want to
            choose them; `good` by default. Options that are given win.
        content_map: a picture whose flat colours are regions; `region=[…]` says what they get.
        style_map: the same for the style, or for each of the styles.
        memory: how much the process may hold, such as `4GB`, or in bytes; by default four fifths of
            what is free. A picture that does not fit is painted in tiles.
        metadata: what the result has of the photograph's: `keep` leaves out where it was taken,
            `all` keeps that too, `none` leaves out all.
        options: fields of the method's config, such as `size=1024`, `size="50%"`, `strength=0.7` or
            `strength="70%"`; besides, `init` may be a picture, and `weights` a file.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`, and the metadata in
        `.info["exif"]`, `.info["xmp"]` and `.info["dpi"]`, which Pillow's `save` takes.

    Raises:
        ImpastoError: an input or option that cannot be used.
    """
    keeping_of(metadata)
    kinds = configs_with(StyledConfig)
    specs = Sources.of(None, *_several(style)).styles
    texts = [text for text in _several(options.get("region")) if isinstance(text, str)]
    is_a_card = has_card([spec.source for spec in specs], texts)
    method, options = expanded(preset, method, options, has_card=is_a_card)
    if not isinstance(method, str) or method not in kinds:
        raise OptionError(
            f"There is no method {method!r}{suggestion(str(method), kinds)} It may be "
            f"{', '.join(kinds)}."
        )
    weights = _weights(options)
    options, init = start_of(options)
    check_owners(kinds, method, options, preset)
    sources = Sources.of(
        content,
        *_several(style),
        init=init,
        content_map=content_map,
        style_maps=tuple(_several(style_map)),
        weights=weights,
    )
    check_photograph(content)
    config = checked_config(
        kinds[method], options, has_map=content_map is not None, photograph=content
    )
    task = prepare(sources, config)
    return _painted(task, memory, metadata)


def film(
    clip: str | os.PathLike[str],
    style: str | os.PathLike[str] | StyleSpec | Sequence[Any] = (),
    out: str | os.PathLike[str] | None = None,
    method: str | None = None,
    *,
    preset: str | None = None,
    content_map: str | os.PathLike[str] | Mapping[int, Any] | None = None,
    style_map: str | os.PathLike[str] | Sequence[Any] = (),
    keys: Mapping[int, Any] | None = None,
    force: bool = False,
    resume: bool = False,
    watch: Callable[[Progress], bool] = lambda _: True,
    **options: Any,
) -> Path:
    """Give a film the look of a painting, without flicker.

        impasto.film("clip.mp4", "starry-night", start="0:12", stop="0:20")

    Args:
        clip: a film's file, a folder of numbered pictures, or a pattern such as `frames/%05d.png`.
        style: a painting's file, a style card, or the name of a built-in one; or several, with
            weights and layers, as in `stylize`.
        out: the film's file or a pattern; by default named after the clip and its styles, in the
            working directory.
        method: as in `stylize`; `instant` by default.
        preset: as in `stylize`.
        content_map: a picture whose flat colours are regions, for the first frame; or several, by
            the numbers of their frames. They are carried along with what moves.
        style_map: as in `stylize`.
        keys: frames as an artist painted them, by their numbers, which are carried along.
        force: replace existing files, and begin again.
        resume: go on with a film that was stopped.
        watch: is called after every frame with how far the film is; when it returns False, the film
            is stopped, and what is painted of it kept.
        options: fields of the method's config and of `FilmSettings`, such as `size="720p"`,
            `start="0:12"` or `steady=0.5`; besides, `weights` may be a file.

    Returns:
        Where the film is.

    Raises:
        ImpastoError: an input or option that cannot be used; or the film was stopped.
    """
    from impasto.film.request import placed, requested
    from impasto.film.run_film import run_film

    weights = _weights(options)
    styles = Sources.of(None, *_several(style)).styles
    spec = requested(
        clip,
        styles,
        None if out is None else Path(out),
        method=method,
        preset=preset,
        options=options,
        maps=placed(content_map),
        keys=placed(keys),
        style_maps=tuple(map(Path, _several(style_map))),
        weights=weights,
        force=force,
        resume=resume,
    )
    outcome = run_film(spec, watch)
    if outcome.path is None:
        raise ResumeError(f"The film was stopped: --resume goes on from {outcome.folder}.")
    return outcome.path


def doodle(
    map: Source,
    style: Source,
    style_map: Source,
    *,
    memory: str | int | None = None,
    **options: Any,
) -> Image.Image:
    """Paint a picture from a map of colours, each as the part of a painting that has it.

    Args:
        map: a drawing in a few flat colours: a file, a Pillow image or an array.
        style: a painting, likewise.
        style_map: a drawing over the painting, in the same colours.
        memory: how much the process may hold, as in `stylize`.
        options: fields of `DoodleConfig`, such as `size=1024` or `engine="patches"`; besides,
            `weights` may be a file.

    Returns:
        An 8-bit picture in the map's proportions, with the recipe as JSON in `.info["impasto"]`.

    Raises:
        ImpastoError: an input or option that cannot be used.
    """
    weights = _weights(options)
    sources = Sources.of(None, style, content_map=map, style_maps=(style_map,), weights=weights)
    return _painted(prepare(sources, checked_config(DoodleConfig, options)), memory)


def sketch(
    drawing: Source,
    style: Source,
    *,
    parts: Source | None = None,
    style_parts: Source | None = None,
    memory: str | int | None = None,
    metadata: str = "keep",
    **options: Any,
) -> Image.Image:
    """Give a drawing the colours and the look of a picture, area by area.

    Args:
        drawing: lines on paper: a file, a Pillow image or an array.
        style: a photograph or painting, likewise.
        parts: a picture over the drawing whose flat colours are its areas, instead of those found.
        style_parts: the same over `style`. With both, an area has the part of its own colour.
        memory: how much the process may hold, as in `stylize`.
        metadata: what the result has of the drawing's, as in `stylize`.
        options: fields of `SketchConfig`, such as `size=1024`, `engine="gatys"`, `line_weight=0.5`
            or `pair=["3=0", "4=none"]`; besides, `weights` may be a file.

    Returns:
        An 8-bit picture in the drawing's proportions, with the recipe as JSON in
        `.info["impasto"]`.

    Raises:
        ImpastoError: an input or option that cannot be used.
    """
    keeping_of(metadata)
    sources = Sources.of(
        drawing,
        style,
        content_map=parts,
        style_maps=tuple(_several(style_parts)),
        weights=_weights(options),
    )
    config = checked_config(SketchConfig, options)
    return _painted(prepare(sources, config), memory, metadata)


def texture(*styles: Any, memory: str | int | None = None, **options: Any) -> Image.Image:
    """Paint a texture of any size from the statistics of pictures, cards or built-in styles.

    Args:
        styles: one, or several that are blended, as in `stylize`.
        memory: how much the process may hold, as in `stylize`.
        options: fields of `TextureConfig`, such as `size=1024`, `width`, `height` or `seamless`;
            besides, `weights` may be a file.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`.

    Raises:
        ImpastoError: an input or option that cannot be used.
    """
    options = from_text(TextureConfig, options)
    sources = Sources.of(None, *styles, weights=_weights(options))
    sides = [options[name] for name in ("width", "height") if name in options]
    if sides and all(isinstance(side, int) for side in sides):
        options.setdefault("size", max(sides))
    return _painted(prepare(sources, checked_config(TextureConfig, options)), memory)


def rerun(
    picture: str | os.PathLike[str] | Image.Image,
    *,
    content: Source | None = None,
    style: Source | Sequence[Source] = (),
    content_map: Source | None = None,
    style_map: Source | Sequence[Source] = (),
    init: Source | None = None,
    region: Sequence[str] = (),
    weights: str | os.PathLike[str] | None = None,
    anyway: bool = False,
    metadata: str = "keep",
) -> Image.Image:
    """Paint a picture again from the recipe that it carries: the same pixels on the same machine.

    Args:
        picture: a file, or a Pillow image with a recipe in its `info`.
        content: where the recipe's photograph is now, if it is neither where it was nor beside the
            file; or the picture that it was. The same holds for the other inputs.
        style: the style, or all of several.
        content_map: the map of the photograph.
        style_map: the map of the style, or all of several.
        init: the picture that it started from.
        region: the same for the styles of regions: `["#ff0000=painting.jpg"]`.
        weights: a file of weights, if the recipe's were from one.
        anyway: paint even though an input has changed.
        metadata: as in `stylize`.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`.

    Raises:
        RecipeError: there is no recipe, or an input is missing or has changed.
        ImpastoError: an input that cannot be used.
    """
    keeping_of(metadata)
    recipe = recipe_of(picture)
    file = None if weights is None else path_of(weights)
    moved = {
        "content": _several(content),
        "style": _several(style),
        "content-map": _several(content_map),
        "style-map": _several(style_map),
        "init": _several(init),
        "region": _several(region),
    }
    folder = Path(picture).parent if isinstance(picture, (str, os.PathLike)) else Path()
    places = locate(recipe, moved, folder)
    of_weights = repeated.change_of_weights(recipe, recipe.settings(), file)
    repeated.take_threads(recipe)
    task = repeated.prepare_again(recipe, places, file)
    changes = [*filter(None, [of_weights]), *repeated.changes(recipe, task.recipe)]
    if changes and not anyway:
        raise RecipeError(
            f"This would be another picture: {'; '.join(changes)}. --anyway paints it even so."
        )
    task, expected = planned_task(task, RunOptions(timed=False), recipe)
    execution = Execution(plan=expected.plan, extra=task.recipe.extended)
    return _picture_of(run(task, execution=execution, expected=expected), metadata)


def resume(path: str | os.PathLike[str], *, metadata: str = "keep") -> Image.Image:
    """Continue a stopped run to its end, as `impasto resume` does, without writing the picture.

    The folder stays, with the state at the end: the same call again gives the picture at once.

    Args:
        path: the run's folder, such as `out.run`.
        metadata: as in `stylize`.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`: the same pixels as those
        of a run that was never stopped.

    Raises:
        ImpastoError: the run cannot continue.
    """
    keeping_of(metadata)
    return _picture_of(resume_run(path_of(path), None, RunOptions(timed=False)), metadata)


def _several(value: Any) -> Sequence[Any]:
    """Return what was passed as several things, as one, or as None."""
    if value is None:
        return ()
    return value if isinstance(value, (list, tuple)) else (value,)


def _weights(options: dict[str, Any]) -> Path | None:
    """Take the file of weights out of a function's options."""
    weights = options.pop("weights", None)
    return None if weights is None else path_of(weights)


def _painted(task: Task, memory: str | int | None, metadata: str = "keep") -> Image.Image:
    """Paint a task by a plan that fits into memory, such as `4GB`."""
    allowed = None if memory is None else parse_memory(str(memory))
    return _picture_of(run(task, memory=allowed), metadata)


def _picture_of(events: Events, metadata: str) -> Image.Image:
    result = consume(events)
    assert result is not None
    return to_pil(result.painted, recipe=result.recipe.to_json(), metadata=metadata)
