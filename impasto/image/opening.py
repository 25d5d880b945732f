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
from impasto.image.kinds import kind_of, refusal

__all__ = [
    "PILLOW_FORMATS",
    "decoding",
    "digest",
    "opened",
    "read_recipe",
    "recipe_in",
]

# TGA has no signature: it is read where a file's name or its end says so.
PILLOW_FORMATS = [row.pillow for row in FORMATS if row.pillow not in ("", "TGA")]
"""The formats that Pillow reads, as it calls them."""

_log = logging.getLogger(__name__)
_lock = threading.RLock()


@contextmanager
def opened(path: Path, name: str | None = None) -> Iterator[Image.Image]:
    """Open a picture's file with its header read and nothing decoded.

    Args:
        name: of the file, for messages; by default its path.

    Raises:
        PictureError: the file is missing, not a picture, or its header names too large sizes.
    """
    name = name or str(path)
    with decoding(name, None):
        header_limits.check(path)
        kind = kind_of(path)
        if kind is not None and kind.reader not in ("pillow", "tiff"):
            raise refusal(kind, name)
        formats = [kind.pillow] if kind is not None and kind.pillow else PILLOW_FORMATS
        image = Image.open(path, formats=formats)
    with image:
        yield image


def read_recipe(path: Path) -> str | None:
    """Return the recipe that `write` put into a file, or None.

    Raises:
        PictureError: the file cannot be read, or its recipe is longer than a megabyte.
    """
    with decoding(str(path), None):
        header_limits.check(path)
        kind = kind_of(path)
        if kind is not None and kind.reader == "jxl":
            return metadata.recipe_in_file(path)
    if kind is not None and kind.reader in ("heif", "raw"):
        return None  # which none of them is written with
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
        return str(refusal(None, name))
    if isinstance(problem, Image.DecompressionBombError):
        return f"{name} unpacks to far more pixels than it should: it is damaged or malicious."
    if isinstance(problem, MemoryError):
        return f"{name} needs more memory than there is: make it smaller first."
    if isinstance(problem, OSError) and problem.strerror:
        return f"{name} cannot be read: {problem.strerror}."
    words = "".join(c if c.isprintable() else " " for c in str(problem)[:300])
    detail = " ".join(words.split()).rstrip(".") or type(problem).__name__
    return f"{name} is damaged or cut short ({detail}): get it again from where it came from."
