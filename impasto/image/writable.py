"""Whether a picture could be written to a file, before it is painted. Needs no PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from impasto.errors import PictureError, suggestion
from impasto.files import atomic
from impasto.image.formats import WRITTEN, PictureFormat, format_of

__all__ = ["check_writable", "written_format"]


def check_writable(
    path: Path,
    *,
    bits: Literal[8, 16] = 8,
    force: bool = False,
    long_side: int | None = None,
) -> None:
    """Check, before the work rather than after it, that `write` could write a picture.

    Args:
        bits, force: as for `write`.
        long_side: of the picture to come, if it is known.

    Raises:
        PictureError: an unknown suffix, 16 bits or a side that the format cannot hold, an existing
            file without `force`, a codec that is not installed, or a folder that is missing or
            cannot be written to.
    """
    kind = written_format(path)
    if bits > kind.bits:
        raise PictureError(f"{path}: {kind.name} holds 8 bits, not 16. Write a .png or a .tiff.")
    _check_codec(kind, path)
    longest = kind.longest_side
    if long_side is not None and longest is not None and long_side > longest:
        raise PictureError(
            f"{path}: {kind.name} holds sides of up to {longest:,}, and the picture's long one has "
            f"{long_side:,}. Write a .png or a .tiff."
        )
    atomic.check_target(path, force=force)


def _check_codec(kind: PictureFormat, path: Path) -> None:
    if kind.name not in ("AVIF", "JPEG XL"):
        return
    from PIL import features  # the command's help, which reads this file, needs no Pillow

    from impasto.image import jpeg_xl

    if kind.name == "AVIF" and not features.check("avif"):
        raise PictureError(
            f"{path}: this Pillow was built without AVIF. Install its wheel "
            "(`pip install --force-reinstall --only-binary=:all: pillow`), or write a .webp."
        )
    if kind.name == "JPEG XL":
        try:
            jpeg_xl.writer()
        except PictureError as problem:
            raise PictureError(f"{path}: {problem}") from None


def written_format(path: Path) -> PictureFormat:
    """Return the format in which a file of that name is written.

    Raises:
        PictureError: there is none of that suffix.
    """
    if kind := format_of(path):
        return kind
    suffix = path.suffix.lower()
    arrived = f"the suffix {path.suffix!r}" if suffix else "no suffix"
    raise PictureError(
        f"{path} has {arrived}, which names no format to write; allowed are "
        f"{', '.join(WRITTEN)}{suggestion(suffix, WRITTEN)}"
    )
