"""Open pictures' files: their headers, checked, and what is in their metadata. Needs no PyTorch.

Anybody may have written a file. Before it is opened it must be a regular file of a known format,
with bounded metadata (`header_limits`). `reading` decodes it.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from impasto.errors import PictureError
from impasto.files import digests
from impasto.image import header_limits, metadata
from impasto.image.formats import FORMATS

__all__ = [
    "MAX_PIXELS",
    "PILLOW_FORMATS",
    "check_size",
    "decoding",
    "digest",
    "opened",
    "read_recipe",
    "recipe_in",
]

MAX_PIXELS = 2**28
"""The most pixels that are read by default: 16,384×16,384."""

PILLOW_FORMATS = [row.pillow for row in FORMATS]
"""The formats that are read, as Pillow calls them."""

_log = logging.getLogger(__name__)
_lock = threading.RLock()


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open a picture's file with its header read and nothing decoded.

    Raises:
        PictureError: the file is missing, not a picture, or its header names too large sizes.
    """
    with decoding(str(path), None):
        header_limits.check(path)
        image = Image.open(path, formats=PILLOW_FORMATS)
    with image:
        yield image


def check_size(size: tuple[int, int], name: str, max_pixels: int = MAX_PIXELS) -> None:
    """Check that a picture has pixels, and no more than are read.

    Raises:
        PictureError: it has none, or too many.
    """
    width, height = size
    if width < 1 or height < 1:
        raise PictureError(f"{name} has no pixels: it measures {width}×{height}.")
    if width * height > max_pixels:
        raise PictureError(
            f"{name} measures {width}×{height}, which is {width * height:,} pixels; at most "
            f"{max_pixels:,} are read. Make it smaller first."
        )


def read_recipe(path: Path) -> str | None:
    """Return the recipe that `write` put into a file, or None.

    Raises:
        PictureError: the file cannot be read, or its recipe is longer than a megabyte.
    """
    with opened(path) as image:
        return metadata.recipe_of(image, str(path))


def recipe_in(picture: Any) -> str | None:
    """Return the recipe, as JSON, that a file or a Pillow image has in its metadata, or None.

    Raises:
        PictureError: the file cannot be read, or its recipe is too long.
    """
    if isinstance(picture, Image.Image):
        return metadata.recipe_of(picture, "the picture")
    if isinstance(picture, (str, os.PathLike)):
        return read_recipe(Path(picture))
    return None


def digest(path: Path) -> str:
    """Return `sha256:` and the hexadecimal SHA-256 of the file's bytes.

    Raises:
        PictureError: the file cannot be read.
    """
    return digests.of_file(path, PictureError)


@contextmanager
def decoding(name: str, max_pixels: int | None) -> Iterator[None]:
    """Set Pillow's limit to ours, log its warnings, and turn its errors into one.

    The limit and the warnings are global to the process, hence the lock.
    """
    with _lock, warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, max_pixels
        try:
            yield
        except PictureError:
            raise
        # Damaged data makes decoders raise a dozen kinds of exceptions.
        except Exception as problem:
            raise PictureError(_explain(name, problem)) from problem
        finally:
            Image.MAX_IMAGE_PIXELS = before
            for note in notes:
                _log.info("%s: %s", name, note.message)


def _explain(name: str, problem: Exception) -> str:
    if isinstance(problem, UnidentifiedImageError):
        return (
            f"{name} is not a picture that can be read, or its beginning is damaged: give a "
            f"{', '.join(row.name for row in FORMATS[:-1])} or {FORMATS[-1].name}."
        )
    if isinstance(problem, Image.DecompressionBombError):
        return f"{name} unpacks to far more pixels than it should: it is damaged or malicious."
    if isinstance(problem, MemoryError):
        return f"{name} needs more memory than there is: make it smaller first."
    if isinstance(problem, OSError) and problem.strerror:
        return f"{name} cannot be read: {problem.strerror}."
    detail = str(problem).rstrip(".") or type(problem).__name__
    return f"{name} is damaged or cut short ({detail}): get it again from where it came from."
