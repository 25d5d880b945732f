"""The most pixels and memory that reading a picture may take, whatever reads it.

Needs no PyTorch before a picture is decoded.
"""

from __future__ import annotations

from impasto.errors import PictureError

__all__ = ["MAX_PIXELS", "check_memory", "check_size"]

MAX_PIXELS = 2**28
"""The most pixels that are read by default: 16,384×16,384."""

_FEW_PIXELS = 2**24  # below it memory is not checked


def check_size(size: tuple[int, int], name: str, max_pixels: int = MAX_PIXELS) -> None:
    """Check a picture's width and height before it is decoded.

    Raises:
        PictureError: it has no pixels, or more than `max_pixels`.
    """
    width, height = size
    if width < 1 or height < 1:
        raise PictureError(f"{name} has no pixels: it measures {width}×{height}.")
    if width * height > max_pixels:
        raise PictureError(
            f"{name} measures {width}×{height}, which is {width * height:,} pixels; at most "
            f"{max_pixels:,} are read. Make it smaller first."
        )


def check_memory(size: tuple[int, int], pixel_bytes: int, name: str) -> None:
    """Check that so many bytes for each pixel are free, unless there are few pixels.

    Raises:
        PictureError: they are not.
    """
    width, height = size
    if width * height <= _FEW_PIXELS:
        return
    import torch

    from impasto.runtime import memory_of

    needed, free = width * height * pixel_bytes, memory_of(torch.device("cpu"))
    if needed > free:
        raise PictureError(
            f"{name} measures {width}×{height}, which takes {needed / 1e9:.1f} GB to read, and "
            f"{free / 1e9:.1f} GB of memory are free. Make it smaller first."
        )
