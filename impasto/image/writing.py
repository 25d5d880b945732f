"""Write pictures into files, tagged as sRGB, with their recipe and the photograph's metadata."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np
import torch
from PIL import Image, PngImagePlugin

from impasto.errors import OptionError, PictureError
from impasto.files import atomic
from impasto.image import jpeg_xl
from impasto.image.deep_formats import Chunk, Levels, png16, png_physical, png_text, tiff
from impasto.image.formats import Keeping
from impasto.image.icc import srgb_profile
from impasto.image.iptc import photoshop_block
from impasto.image.kept_metadata import Kept, kept
from impasto.image.metadata import KEYWORD, clean
from impasto.image.picture import Picture
from impasto.image.transparency import on_white
from impasto.image.writable import check_writable, written_format

__all__ = ["keeping_of", "to_pil", "write"]

_log = logging.getLogger(__name__)

_JPEG_PACKET = 65_504  # what one APP1 segment holds beside XMP's identifier
_EXIF, _PHOTOSHOP = b"Exif\0\0", b"Photoshop 3.0\0"  # what these segments of a JPEG begin with
_APP13 = 0xED
_BAND = 256  # rows that are rounded at a time


def write(
    picture: Picture,
    path: Path,
    *,
    recipe: str | None = None,
    bits: Literal[8, 16] = 8,
    force: bool = False,
    quality: int = 95,
    metadata: str = "keep",
) -> None:
    """Write a picture as PNG, JPEG, WebP, TIFF, AVIF or JPEG XL, by the suffix of `path`.

    The file says that its colours are sRGB. It is written completely or not at all.

    Args:
        recipe: text to keep in the metadata; None leaves it out.
        bits: of each channel; 16 in PNG, TIFF and JPEG XL only.
        force: replace an existing file.
        quality: of JPEG, WebP, AVIF and JPEG XL, 1 to 100; a WebP or JPEG XL of 100 is lossless.
            JPEG has no transparency: the picture is then laid over white.
        metadata: what is written of `picture.metadata`: `keep` leaves out where the photograph was
            taken, `all` keeps that too, `none` writes nothing.

    Raises:
        PictureError: the file cannot be written, or its format cannot hold it.
        OptionError: `quality` or `metadata` is not allowed.
    """
    check_writable(path, bits=bits, force=force, long_side=max(picture.width, picture.height))
    if not 1 <= quality <= 100:
        raise OptionError(f"A quality of {quality} is not possible: give 1 to 100.")
    keeping = keeping_of(metadata)
    if not torch.isfinite(picture.pixels).all():
        raise PictureError(f"{path} is not written: the picture holds values that are not numbers.")
    recipe = None if recipe is None else clean(recipe)
    about = kept(picture.metadata, keeping, (picture.width, picture.height))
    atomic.replace(path, _encode(picture, path, about, recipe, bits, quality), force=force)


def to_pil(picture: Picture, *, recipe: str | None = None, metadata: str = "keep") -> Image.Image:
    """Return the picture as a Pillow image, RGB or RGBA with 8 bits.

    Its `info` holds the sRGB profile, which Pillow writes into files, and what Pillow writes where
    it is passed to `save`: `exif`, `xmp` (with the recipe) and `dpi`. `info["impasto"]` is the
    recipe alone.

    Args:
        metadata: as for `write`.

    Raises:
        OptionError: `metadata` is not allowed.
    """
    keeping = keeping_of(metadata)
    image = Image.fromarray(_levels(picture, 8))
    image.info["icc_profile"] = srgb_profile()
    about = kept(picture.metadata, keeping, image.size)
    if data := about.exif_data():
        image.info["exif"] = _EXIF + data
    if packet := about.packet(None if recipe is None else clean(recipe)):
        image.info["xmp"] = packet
    if about.dpi is not None:
        image.info["dpi"] = about.dpi
    if recipe is not None:
        image.info[KEYWORD] = recipe
    return image


def keeping_of(word: str) -> Keeping:
    """Return a word that says what is kept of a photograph's metadata.

    Raises:
        OptionError: there is no such word.
    """
    if word not in get_args(Keeping):
        raise OptionError(f"metadata is {word!r}. It may be {', '.join(get_args(Keeping))}.")
    return cast(Keeping, word)


def _encode(
    picture: Picture, path: Path, about: Kept, recipe: str | None, bits: int, quality: int
) -> bytes:
    kind = written_format(path).name
    if kind == "PNG":
        return _png(picture, about, recipe, bits)
    if kind == "JPEG":
        return _jpeg(picture, path, about, recipe, quality)
    packet = about.packet(recipe, name=str(path))
    if kind == "JPEG XL":
        exif = about.exif_data()
        return jpeg_xl.encoded(_levels(picture, bits), quality=quality, exif=exif, xmp=packet)
    if kind == "TIFF":
        levels = _levels(picture, bits)
        profile = srgb_profile()
        return tiff(levels, profile=profile, about=about.exif, xmp=packet, iptc=about.iptc)
    return (_webp if kind == "WebP" else _avif)(picture, about, packet, quality)


def _png(picture: Picture, about: Kept, recipe: str | None, bits: int) -> bytes:
    chunks: list[Chunk] = [] if recipe is None else [png_text(KEYWORD, recipe)]
    chunks += [png_text(keyword, text) for keyword, text in about.texts.items()]
    # The recipe has a chunk of its own, which is easier to find.
    if packet := about.packet(None):
        chunks.append(png_text("XML:com.adobe.xmp", packet.decode()))
    exif = about.exif_data()
    if bits == 16:
        chunks += [(b"eXIf", exif)] if exif else []
        chunks += [] if about.dpi is None else [png_physical(about.dpi)]
        return png16(_levels(picture, 16), profile=srgb_profile(), chunks=chunks)
    texts = PngImagePlugin.PngInfo()
    for chunk in chunks:
        texts.add(*chunk)
    return _save(_plain(picture), "PNG", pnginfo=texts, exif=exif, dpi=about.dpi)


def _webp(picture: Picture, about: Kept, xmp: bytes | None, quality: int) -> bytes:
    # `exact` keeps the colours under transparent places.
    return _save(
        _plain(picture),
        "WEBP",
        quality=quality,
        lossless=quality == 100,
        exact=True,
        exif=about.exif_data(),
        xmp=xmp or b"",
    )


def _avif(picture: Picture, about: Kept, xmp: bytes | None, quality: int) -> bytes:
    # Pillow would rewrite EXIF data with an orientation, and lose letters beyond ASCII.
    exif = about.exif_data(with_orientation=False)
    # Colour at full resolution, as in a JPEG.
    return _save(
        _plain(picture), "AVIF", quality=quality, subsampling="4:4:4", exif=exif, xmp=xmp or b""
    )


def _jpeg(picture: Picture, path: Path, about: Kept, recipe: str | None, quality: int) -> bytes:
    xmp = about.packet(recipe, _JPEG_PACKET, str(path))
    if xmp is not None and len(xmp) > _JPEG_PACKET:
        raise PictureError(
            f"{path}: the recipe takes {len(xmp):,} bytes and JPEG holds {_JPEG_PACKET:,}. Write a "
            ".png, or leave the recipe out."
        )
    if picture.alpha is not None:
        _log.warning("%s: JPEG has no transparency, the picture is laid over white.", path)
        picture = Picture(on_white(picture))
    exif = about.exif_data()
    return _save(
        _plain(picture),
        "JPEG",
        quality=quality,
        subsampling=0,  # colour at full resolution: halving it blurs the edges of strokes
        optimize=True,
        exif=_EXIF + exif if exif else b"",
        xmp=xmp,
        extra=_segment(_APP13, _PHOTOSHOP + photoshop_block(about.iptc)) if about.iptc else b"",
        dpi=about.dpi or (0, 0),
    )


def _segment(marker: int, data: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return b"\xff" + bytes([marker]) + (len(data) + 2).to_bytes(2, "big") + data


def _plain(picture: Picture) -> Image.Image:
    return Image.fromarray(_levels(picture, 8))


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
