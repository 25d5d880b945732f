"""The sources of a run: its pictures and styles, as files or in memory. Needs no PyTorch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from impasto.config.specs import StyleSpec
from impasto.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from impasto.image.picture import Picture

    Source = str | os.PathLike[str] | Image.Image | Picture | np.ndarray
else:
    Source = object  # what `image.exchange.read` takes; it names the kinds where it refuses one

__all__ = ["STANDARD_INPUT", "Source", "Sources", "StandardInput", "is_named"]

STANDARD_INPUT = "standard input"
"""What a recipe and messages call a picture that came from there."""


@dataclass(frozen=True)
class StandardInput(os.PathLike[str]):
    """A picture that came from standard input: a path to its bytes, which people do not see.

    Attributes:
        file: where its bytes are as long as the run lasts.
    """

    file: Path

    def __fspath__(self) -> str:
        return str(self.file)

    def __str__(self) -> str:
        return STANDARD_INPUT


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


def is_named(source: object) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether a source is the name of something, rather than a picture in memory."""
    return isinstance(source, (str, os.PathLike))


def _style_spec(style: Any) -> StyleSpec:
    if isinstance(style, StyleSpec):
        return style
    if isinstance(style, tuple) and len(style) == 2:
        source, weight = style
        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            raise OptionError(
                f"The weight of a style is {weight!r}. It takes a number, such as 0.3."
            )
        return StyleSpec(source, float(weight))
    return StyleSpec.parse(style) if isinstance(style, str) else StyleSpec(style)
