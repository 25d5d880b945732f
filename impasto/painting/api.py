"""One call from Python: a photograph, a style, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from impasto.errors import OptionError, suggestion
from impasto.image.files import to_pil
from impasto.methods.choices import StyleChoice
from impasto.methods.configs import STYLIZERS
from impasto.methods.options import from_dict
from impasto.methods.solver import last
from impasto.painting.task import Source, Sources, finish, paint
from impasto.painting.tasks import prepare

__all__ = ["stylize"]


def stylize(
    content: Source,
    style: Source | StyleChoice | Sequence[Any] = (),
    method: str = "gatys",
    *,
    content_map: Source | None = None,
    style_map: Source | Sequence[Source] = (),
    **options: Any,
) -> Image.Image:
    """Give a photograph the look of a painting.

    Args:
        content: a photograph: a file or a Pillow image.
        style: a painting, a style card, or the name of a built-in one such as `starry-night`; or
            several of them, with weights and layers: `["a.jpg", "b.jpg:0.3:fine"]`.
        method: `gatys`, `nnst` or `mrf`.
        content_map: a picture whose flat colours are regions; `region=[…]` says what they get.
        style_map: the same for the style, or for each of the styles.
        options: fields of the method's config, such as `size=1024` or `strength=0.7`; besides,
            `init` may be a picture, and `weights` a file.

    Returns:
        An 8-bit picture, with the recipe as JSON in `.info["impasto"]`.

    Raises:
        ImpastoError: whatever cannot be used or done.
    """
    if method not in STYLIZERS:
        raise OptionError(
            f"There is no method {method!r}{suggestion(method, STYLIZERS)} It may be "
            f"{', '.join(STYLIZERS)}."
        )
    weights = options.pop("weights", None)
    init = options.get("init", "content")
    is_picture = not isinstance(init, str) or Path(init).is_file()
    sources = Sources.of(
        content,
        *_several(style),
        init=options.pop("init") if is_picture else None,
        content_map=content_map,
        style_maps=tuple(_several(style_map)),
        weights=None if weights is None else Path(weights),
    )
    task = prepare(sources, from_dict(STYLIZERS[method], options))
    return to_pil(finish(task, last(paint(task))), recipe=task.recipe.to_json())


def _several(given: Any) -> Sequence[Any]:
    return given if isinstance(given, (list, tuple)) else (given,)
