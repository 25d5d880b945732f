"""The process behind `warm`: it reads pictures, paints looks and estimates what a job takes.

A question is a line of JSON on standard input, its answer one on standard output. It ends when
standard input is closed, as the studio is gone then.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from impasto.config.bases import PhotoConfig
from impasto.config.fields import from_dict
from impasto.config.methods import METHODS
from impasto.config.specs import StyleSpec
from impasto.errors import ImpastoError, OptionError, is_out_of_memory, speaking_flags
from impasto.jobs.queue.store import Store
from impasto.painting.sources import Sources
from impasto.studio import warm_films
from impasto.studio.film_files import is_film_name

__all__ = ["main"]

_VIEW, _THUMBNAIL = 2048, 320  # long sides in pixels
_FEW_COLOURS = 32  # at most, of a map of regions
_MOVING = (".gif", ".webp", ".png", ".apng")  # pictures that may be films
_KEPT = 6  # reduced pictures that looks are painted from
_pictures: OrderedDict[tuple[str, int], Any] = OrderedDict()


def main() -> int:
    """Answer questions until there are no more."""
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what others print is no answer
    _load()
    _say(stream, {"is_ready": True})
    with speaking_flags():
        for line in sys.stdin.buffer:
            _answer(json.loads(line), stream)
    return 0


def _load() -> None:
    """Load what the first question needs, so that it waits less."""
    import impasto.api
    import impasto.image.reading  # noqa: F401


def _answer(question: dict[str, Any], stream: BinaryIO) -> None:
    try:
        answer = _QUESTIONS[question.pop("question")](**question)
    except ImpastoError as error:
        answer = {"refused": str(error), "kind": type(error).__name__}
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        answer = {"refused": "There is not enough memory for this: try a smaller size."}
    _say(stream, answer)


def _say(stream: BinaryIO, answer: dict[str, Any]) -> None:
    stream.write(json.dumps(answer).encode("ascii") + b"\n")
    stream.flush()


def _inspected(path: str, name: str, folder: str) -> dict[str, Any]:
    """Return what a file is, and write what the page shows of it into a folder.

    Args:
        name: of the file as it was sent, for messages.
    """
    from impasto.networks.trained_metadata import SUFFIX as TRAINED
    from impasto.networks.trained_metadata import read_metadata
    from impasto.styles.about import SUFFIX, read_about, read_swatch

    file, suffix = Path(path), Path(name).suffix.lower()
    if suffix == SUFFIX:
        about = read_about(file)
        _write_views(io.BytesIO(read_swatch(file)), Path(folder))
        return {"kind": "card", "width": 0, "height": 0, "recipe": None, "title": about.title}
    if suffix == TRAINED:
        read_metadata(file)
        return {"kind": "trained", "width": 0, "height": 0, "recipe": None, "title": ""}
    if is_film_name(name):
        film = warm_films.facts_of(file)
        _write_views(warm_films.poster(file), Path(folder))
        sides = {"width": film["width"], "height": film["height"]}
        recipe = warm_films.recipe_in(file)
        return {"kind": "film", **sides, "recipe": recipe, "title": "", "film": film}
    width, height = _viewed(path, folder)
    return {
        "kind": "picture",
        "width": width,
        "height": height,
        "recipe": _recipe_in(file),
        "title": "",
        "film": _film_in(file),
    }


def _film_in(file: Path) -> dict[str, Any] | None:
    """Return what is known of a picture that moves; None for all others."""
    from PIL import Image

    if file.suffix.lower() in _MOVING:
        with contextlib.suppress(ImpastoError, OSError, ValueError):
            with Image.open(file) as image:
                moves = getattr(image, "n_frames", 1) > 1
            return warm_films.facts_of(file) if moves else None
    return None


def _recipe_in(file: Path) -> str | None:
    from impasto.painting.recipes import recipe_of

    with contextlib.suppress(ImpastoError):
        return recipe_of(file).to_json()
    return None


def _shown(path: str, folder: str) -> dict[str, Any]:
    """Write what the page shows of a picture, a card or a film into a folder; return its size."""
    from impasto.styles.about import SUFFIX, read_swatch

    if Path(path).suffix.lower() == SUFFIX:
        _write_views(io.BytesIO(read_swatch(Path(path))), Path(folder))
        return {"width": 0, "height": 0}
    if is_film_name(path):
        image = warm_films.poster(Path(path))
        sides = image.size
        _write_views(image, Path(folder))
        return {"width": sides[0], "height": sides[1]}
    width, height = _viewed(path, folder)
    return {"width": width, "height": height}


def _viewed(path: str, folder: str) -> tuple[int, int]:
    from impasto.image.reading import read
    from impasto.image.writing import to_pil

    picture = read(Path(path))
    image = to_pil(picture, metadata="none")
    _write_views(image, Path(folder))
    return picture.width, picture.height


def _write_views(image: Any, folder: Path) -> None:
    """Write a picture in the two sizes that a page shows, as JPEG.

    One that is transparent, or has few colours as a map has, is written as PNG.
    """
    from PIL import Image

    from impasto.files import atomic

    image = Image.open(image) if isinstance(image, io.BytesIO) else image
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    folder.mkdir(parents=True, exist_ok=True)
    is_map = image.getcolors(_FEW_COLOURS) is not None
    resampling = Image.Resampling.NEAREST if is_map else Image.Resampling.LANCZOS
    for name, side in (("view", _VIEW), ("thumbnail", _THUMBNAIL)):
        image.thumbnail((side, side), resampling)
        with atomic.opened(folder / name) as file:
            if image.mode == "RGBA" or is_map:
                image.save(file, "PNG")
            else:
                image.save(file, "JPEG", quality=88)


def _look(
    sources: dict[str, Any], method: str, config: dict[str, Any], size: int
) -> dict[str, Any]:
    """Return a small picture of a painting, as a JPEG file."""
    from impasto.image.writing import to_pil
    from impasto.painting.prepare import prepare
    from impasto.run.events import consume
    from impasto.run.runner import run

    taken = _sources(sources)
    styles = [replace(spec, source=_reduced(spec.source, 2 * size)) for spec in taken.styles]
    taken = replace(taken, content=_reduced(taken.content, size), styles=tuple(styles))
    task = prepare(taken, from_dict(METHODS[method].config, {**config, "size": size}))
    result = consume(run(task))
    assert result is not None
    file = io.BytesIO()
    to_pil(result.painted, metadata="none").convert("RGB").save(file, "JPEG", quality=85)
    return {"jpeg": base64.b64encode(file.getvalue()).decode("ascii")}


def _reduced(source: Any, side: int) -> Any:
    """Return a picture that was read before, or its file, reduced; a style's name stays one."""
    from PIL import Image

    from impasto.image.reading import read
    from impasto.image.writing import to_pil

    path = Path(source)
    if not path.is_file() or path.suffix.lower() == ".style":
        return source
    key = (str(path), side)
    if key not in _pictures:
        image = to_pil(read(path), metadata="none")
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        _pictures[key] = image
        if len(_pictures) > _KEPT:
            _pictures.popitem(last=False)
    _pictures.move_to_end(key)
    return _pictures[key]


def _estimated(
    sources: dict[str, Any], method: str, config: dict[str, Any], timed: bool
) -> dict[str, Any]:
    """Return the time and the memory that a job takes on this machine."""
    from impasto.painting.prepare import prepare
    from impasto.run.forecast import forecast

    task = prepare(_sources(sources), from_dict(METHODS[method].config, config))
    expected = forecast(task, timed=timed)
    return {
        "seconds": expected.seconds,
        "bytes": expected.memory,
        "fits": expected.memory <= expected.allowed,
    }


def _sources(sources: dict[str, Any]) -> Sources:
    """Return sources from what `desks` made of them."""
    styles = tuple(
        StyleSpec(source, weight, layers) for source, weight, layers in sources["styles"]
    )
    return Sources(
        sources["content"],
        styles,
        sources["init"],
        sources["content_map"],
        tuple(sources["style_maps"]),
    )


def _packed_training(
    store: str,
    store_name: str,
    paintings: list[str],
    content: str | None,
    settings: dict[str, Any],
    name: str,
) -> dict[str, Any]:
    from impasto.networks.trained_metadata import SUFFIX
    from impasto.training.fast import FastTraining
    from impasto.training.preflight import BUILTIN, check_training
    from impasto.training.queued import packed_training
    from impasto.training.run_training import TrainingSpec

    out = Path(store, f"{name}{SUFFIX}")
    spec = TrainingSpec(paintings, content or BUILTIN, out, FastTraining(**settings))
    check_training(spec.paintings, spec.content, out, None, force=True)
    return {"job": packed_training(spec, Store(Path(store), store_name)).to_json()}


def _packed_study(
    store: str,
    store_name: str,
    study: str,
    content: str,
    style: str,
    method: str,
    config: dict[str, Any],
    values: list[str],
    name: str,
) -> dict[str, Any]:
    from impasto.evaluation.studies.preflight import check_study
    from impasto.evaluation.studies.queued import packed_study
    from impasto.evaluation.studies.registry import variants_of
    from impasto.evaluation.studies.run_study import StudySpec

    base = from_dict(METHODS[method].config, config)
    assert isinstance(base, PhotoConfig)
    chosen, folder = tuple(values), Path(store, name)
    variants = variants_of(study, base, chosen, None)
    if any(variant.init for variant in variants):
        raise OptionError("A start of a study is content, noise or grey here.")
    check_study(variants, content, style, folder, weights=None, film=True)
    spec = StudySpec(study, content, style, base, folder, chosen)
    return {"job": packed_study(spec, Store(Path(store), store_name)).to_json()}


def _live(**values: Any) -> dict[str, Any]:
    """Paint a picture of a camera: see `live_child`."""
    from impasto.studio.live_child import painted

    return painted(**values)


_QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "inspect": _inspected,
    "show": _shown,
    "look": _look,
    "estimate": _estimated,
    "live": _live,
    "pack training": _packed_training,
    "pack study": _packed_study,
    **warm_films.QUESTIONS,
}


if __name__ == "__main__":
    sys.exit(main())
