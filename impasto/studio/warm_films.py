"""Films in the warm process: what a file holds, its frames, a trial, and the job of painting it."""

from __future__ import annotations

import base64
import contextlib
import io
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.config.specs import StyleSpec
from impasto.errors import ImpastoError, PictureError
from impasto.files.strict_json import MAX_TEXT
from impasto.jobs.queue.store import Store

if TYPE_CHECKING:
    from PIL.Image import Image

    from impasto.film.clip import Clip
    from impasto.film.spec import FilmSpec

__all__ = ["QUESTIONS", "facts_of", "poster", "recipe_in"]

_POSTER = 0.25  # where in a film the frame is that stands for it: many begin and end in the dark
_KEPT = 4  # films that stay open while somebody looks through them
_SIDE = 480  # of a trial's frames, in pixels, at least
_clips: OrderedDict[str, Clip] = OrderedDict()


def facts_of(path: Path) -> dict[str, Any]:
    """Return what is known of a film.

    Raises:
        ImpastoError: it is no film that can be read.
    """
    info = _opened(str(path)).info
    return {
        "seconds": round(info.seconds, 3),
        "frames": info.frames,
        "rate": None if info.rate is None else round(float(info.rate), 3),
        "width": info.width,
        "height": info.height,
        "has_sound": info.has_sound,
        "has_alpha": info.has_alpha,
        "bits": info.bits,
        "range": info.transfer,
    }


def recipe_in(path: Path) -> str | None:
    """Return the recipe that a film holds, if it was painted by Impasto."""
    from impasto.film.recipes import film_recipe

    with contextlib.suppress(ImpastoError):
        text = film_recipe(path)
        return text if text and len(text) <= MAX_TEXT else None
    return None


def poster(path: Path) -> Image:
    """Return the frame that stands for a film.

    Raises:
        ImpastoError: none can be decoded.
    """
    clip = _opened(str(path))
    return _image_at(clip, int(_POSTER * clip.info.frames), None)


def _opened(path: str) -> Clip:
    """Return a film that is open; one's packets are read once while one looks through it."""
    from impasto.film.clip import open_clip

    if path not in _clips:
        _clips[path] = open_clip(path)
        if len(_clips) > _KEPT:
            _clips.popitem(last=False)
    _clips.move_to_end(path)
    return _clips[path]


def _image_at(clip: Clip, index: int, size: int | None) -> Image:
    """Return a frame, or the first after it that can be decoded, else the first of all."""
    for start in dict.fromkeys((index, 0)):
        for frame in clip.frames(start, None, size):
            return _image(frame.pixels, frame.alpha)
    raise PictureError(f"{clip.path} holds no frame that can be decoded: send it again.")


def _image(pixels: Any, alpha: Any = None) -> Image:
    from impasto.image.picture import Picture
    from impasto.image.writing import to_pil

    return to_pil(Picture(pixels.cpu(), alpha), metadata="none")


def _frame(path: str, at: float, size: int) -> dict[str, Any]:
    """Return what a film shows at a time, as a JPEG file."""
    from bisect import bisect_right

    clip = _opened(path)
    pts = clip.times[0] + at / float(clip.info.time_base)
    index = max(0, bisect_right(clip.times, pts + 1e-6) - 1)
    side = min(size, max(clip.info.width, clip.info.height))
    return {"jpeg": _jpeg(_image_at(clip, index, side))}


def _jpeg(image: Image) -> str:
    file = io.BytesIO()
    if image.mode == "RGBA":  # JPEG has no coverage
        import PIL.Image

        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image)
    image.convert("RGB").save(file, "JPEG", quality=85)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _tried(**film: Any) -> dict[str, Any]:
    """Return three painted frames as JPEG files, and what the whole film takes."""
    from impasto.film.trial import tried

    trial, frames = tried(_spec(**film))
    return {
        "seconds": round(trial.seconds, 1),
        "bytes": trial.room,
        "frames": trial.frames,
        "width": trial.width,
        "height": trial.height,
        "pictures": [
            {"seconds": round(frame.seconds, 3), "jpeg": _jpeg(_reduced(_image(painted)))}
            for frame, painted in frames
        ],
    }


def _reduced(image: Image) -> Image:
    import PIL.Image

    image.thumbnail((2 * _SIDE, 2 * _SIDE), PIL.Image.Resampling.LANCZOS)
    return image


def _packed(store: str, store_name: str, **film: Any) -> dict[str, Any]:
    """Return the job of painting a film."""
    from impasto.film.prepared import prepared
    from impasto.jobs.queue.filming import packed_film

    spec = _spec(**film)
    prepared(spec)  # refuses what would be refused only by the worker
    return {"job": packed_film(spec, Store(Path(store), store_name)).to_json()}


def _spec(
    clip: str,
    styles: list[list[Any]],
    content_map: str | None,
    method: str | None,
    preset: str | None,
    options: dict[str, Any],
    name: str,
    suffix: str,
) -> FilmSpec:
    """Return what is to be painted.

    Args:
        styles: source, weight and layers of each.
        name: of the film's file, without its suffix.
        suffix: "" for the clip's own, or what is nearest to it.

    Raises:
        ImpastoError: something in it cannot be used.
    """
    from impasto.film.request import requested
    from impasto.film.spec import PlacedFile

    spec = requested(
        clip,
        [StyleSpec(source, weight, layers) for source, weight, layers in styles],
        Path(f"film{suffix}") if suffix else None,
        method=method,
        preset=preset,
        options=options,
        maps=[] if content_map is None else [PlacedFile(0, Path(content_map))],
    )
    return replace(spec, out=Path(name + spec.out.suffix))


QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "frame": _frame,
    "try film": _tried,
    "pack film": _packed,
}
"""What the process is asked about films."""
