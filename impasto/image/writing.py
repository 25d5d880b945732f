"""Write pictures into files: PNG, JPEG, WebP and TIFF, tagged as sRGB, with their recipe."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, PngImagePlugin

from impasto.errors import OptionError, PictureError
from impasto.files import atomic
from impasto.image import metadata
from impasto.image.deep_formats import Levels, png16, tiff
from impasto.image.icc import srgb_profile
from impasto.image.picture import Picture
from impasto.image.writable import check_writable, written_format

__all__ = ["to_pil", "write"]

_log = logging.getLogger(__name__)

_JPEG_PACKET = 65_504  # what one APP1 segment holds beside XMP's identifier
_BAND = 256  # rows that are rounded at a time


def write(
    picture: Picture,
    path: Path,
    *,
    recipe: str | None = None,
    bits: Literal[8, 16] = 8,
    force: bool = False,
    quality: int = 95,
) -> None:
    """Write a picture as PNG, JPEG, WebP or TIFF, by the suffix of `path`.

    The file has an sRGB profile. It is written completely or not at all.

    Args:
        recipe: text to keep in the metadata; None leaves it out.
        bits: of each channel; 16 in PNG and TIFF only.
        force: replace an existing file.
        quality: of JPEG and WebP, 1 to 100; a WebP of 100 is lossless. JPEG has no transparency:
            the picture is then laid over white.

    Raises:
        PictureError: the file cannot be written, or its format cannot hold it.
        OptionError: `quality` is out of range.
    """
    check_writable(path, bits=bits, force=force, long_side=max(picture.width, picture.height))
    if not 1 <= quality <= 100:
        raise OptionError(f"A quality of {quality} is not possible: give 1 to 100.")
    if not torch.isfinite(picture.pixels).all():
        raise PictureError(f"{path} is not written: the picture holds values that are not numbers.")
    data = _encode(picture, path, recipe, bits, quality)
    atomic.replace(path, data, force=force)


def to_pil(picture: Picture, *, recipe: str | None = None) -> Image.Image:
    """Return the picture as a Pillow image, RGB or RGBA with 8 bits.

    Its `info` holds the sRGB profile, which Pillow writes into files, and the recipe as
    `info["impasto"]`, which it does not: `write` does.
    """
    image = Image.fromarray(_levels(picture, 8))
    image.info["icc_profile"] = srgb_profile()
    if recipe is not None:
        image.info[metadata.KEYWORD] = recipe
    return image


def _encode(picture: Picture, path: Path, recipe: str | None, bits: int, quality: int) -> bytes:
    kind = written_format(path).name
    recipe = None if recipe is None else metadata.clean(recipe)
    xmp = None if recipe is None else metadata.packet(recipe)
    if kind == "TIFF":
        return tiff(_levels(picture, bits), profile=srgb_profile(), xmp=xmp)
    if kind == "PNG" and bits == 16:
        levels = _levels(picture, 16)
        return png16(levels, profile=srgb_profile(), keyword=metadata.KEYWORD, text=recipe)
    if kind == "PNG":
        return _png(picture, recipe)
    return _webp(picture, xmp, quality) if kind == "WebP" else _jpeg(picture, path, xmp, quality)


def _png(picture: Picture, recipe: str | None) -> bytes:
    text = PngImagePlugin.PngInfo()
    if recipe is not None:
        text.add_itxt(metadata.KEYWORD, recipe)
    return _save(to_pil(picture), "PNG", pnginfo=text)


def _webp(picture: Picture, xmp: bytes | None, quality: int) -> bytes:
    # `exact` keeps the colours under transparent places.
    lossless = quality == 100
    return _save(
        to_pil(picture), "WEBP", quality=quality, lossless=lossless, exact=True, xmp=xmp or b""
    )


def _jpeg(picture: Picture, path: Path, xmp: bytes | None, quality: int) -> bytes:
    if xmp is not None and len(xmp) > _JPEG_PACKET:
        raise PictureError(
            f"{path}: the recipe takes {len(xmp):,} bytes and JPEG holds {_JPEG_PACKET:,}. Write a "
            ".png, or leave the recipe out."
        )
    if picture.alpha is not None:
        _log.warning("%s: JPEG has no transparency, the picture is laid over white.", path)
        white = 1 - picture.alpha
        picture = Picture(picture.pixels * picture.alpha + white)
    # Colour at full resolution: halving it blurs the edges of strokes.
    return _save(to_pil(picture), "JPEG", quality=quality, subsampling=0, optimize=True, xmp=xmp)


def _save(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, icc_profile=srgb_profile(), **options)
    return buffer.getvalue()


def _levels(picture: Picture, bits: int) -> Levels:
    """Round pixels and alpha to the nearest integers: (height, width, 3 or 4)."""
    channels = [part for part in (picture.pixels, picture.alpha) if part is not None]
    shape = picture.height, picture.width, sum(part.shape[1] for part in channels)
    levels: Levels = np.empty(shape, np.uint8 if bits == 8 else np.uint16)
    for top in range(0, picture.height, _BAND):  # a whole poster in float64 would take 800 MB
        rows = [part[0, :, top : top + _BAND].detach().cpu() for part in channels]
        # 16 bits in float64: float32 cannot tell neighbours apart once multiplied by 65535.
        scaled = torch.cat(rows).double().clamp_(0, 1).mul_(2**bits - 1).round_()
        levels[top : top + _BAND] = scaled.permute(1, 2, 0).numpy()
    return levels
