"""How many bits a picture's file has."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PIL.TiffImagePlugin import TiffImageFile

from impasto.image.reading import opened

__all__ = ["depth"]

_BITS_PER_SAMPLE = 258  # TIFF's tag


def depth(picture: Path) -> Literal[8, 16]:
    """Return the bits of each channel: 16 in a deep PNG or TIFF, 8 in everything else."""
    with picture.open("rb") as file:
        head = file.read(25)
    if head.startswith(b"\x89PNG"):
        return 16 if head[24] == 16 else 8
    if head[:4] not in (b"II*\0", b"MM\0*"):
        return 8
    with opened(picture) as image:
        tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
        return 16 if max(tags.get(_BITS_PER_SAMPLE, (8,))) == 16 else 8
