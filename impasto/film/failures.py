"""Why a film cannot be written."""

from __future__ import annotations

from pathlib import Path

from impasto.errors import PictureError
from impasto.files import atomic

__all__ = ["unwritten"]


def unwritten(path: Path, problem: Exception) -> PictureError:
    """Return the error for a film that cannot be written.

    Args:
        problem: of the system, or of FFmpeg.
    """
    if isinstance(problem, OSError):
        return PictureError(atomic.explained(path, problem))
    words = getattr(problem, "strerror", None) or problem
    return PictureError(
        f"{path} cannot be written, FFmpeg says: {words}. Choose another codec, size or format."
    )
