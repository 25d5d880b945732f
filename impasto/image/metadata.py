"""What a picture's file says beside its pixels: a photograph's metadata, and Impasto's recipe.

The metadata is carried as it was read. It is parsed when it is written (`kept_metadata`), as most
pictures that are read are never written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

from PIL import Image

from impasto.errors import PictureError
from impasto.image import exif, heif, iptc, xmp
from impasto.image.boxes import described
from impasto.image.kept_tags import EXIF, PNG_TEXTS

__all__ = [
    "KEYWORD",
    "MAX_BYTES",
    "Metadata",
    "clean",
    "of_file",
    "of_image",
    "of_info",
    "recipe_in_file",
    "recipe_of",
]

KEYWORD = "impasto"
"""The PNG text chunk that holds the recipe, and its key in `Image.info`."""

MAX_BYTES = 1_000_000
"""Longer recipes are neither written nor read."""

# Searched as text: no XML parser is needed to know whether there is a recipe.
_ELEMENT = re.compile(rb"<impasto:recipe>([^<]*)</impasto:recipe>")

_TIFF_XMP, _TIFF_IPTC, _TIFF_PHOTOSHOP = 700, 33723, 34377


@dataclass(frozen=True)
class Metadata:
    """What a picture's file says beside its pixels, unparsed: anybody may have written it.

    Attributes:
        name: of the file, for messages.
        exif: as a TIFF stream; with an orientation, which no longer holds.
        xmp: a packet.
        iptc: IPTC's older form (IIM).
        texts: PNG's keywords and their texts.
        dpi: pixels per inch, across and down, as the format itself has them.
    """

    name: str = ""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    texts: tuple[tuple[str, str], ...] = ()
    dpi: tuple[float, float] | None = None


def of_image(image: Image.Image, path: Path, name: str) -> Metadata:
    """Return the metadata of a file that Pillow has loaded, and not yet turned upright.

    Args:
        name: of the file, for messages.
    """
    if image.format == "TIFF":
        return of_file(path, name, "tiff")
    about = of_info(image.info, name)
    return _of_boxes(path, about) if image.format == "JPEG2000" else about


def of_file(path: Path, name: str, reader: str | None) -> Metadata:
    """Return the metadata of a file that Pillow does not read, by its reader in `kinds`.

    RAW files are mostly TIFF files of a kind; others, such as Canon's CR3, have none that is read.

    Args:
        name: of the file, for messages.
    """
    if reader == "heif":
        return of_info(heif.info(path), name)
    if reader == "jxl":
        return _of_boxes(path, Metadata(name))
    return _of_tiff(path, name)


def of_info(info: Mapping[Any, Any], name: str) -> Metadata:
    """Return the metadata in the `info` of a Pillow image."""
    blocks = info.get("photoshop")
    own = blocks.get(iptc.RESOURCE, b"") if isinstance(blocks, dict) else b""
    return Metadata(
        name,
        exif=_bytes(info.get("exif")) or _profile(info, "exif") or _profile(info, "APP1"),
        xmp=_bytes(info.get("xmp") or info.get("XML:com.adobe.xmp")) or _profile(info, "xmp"),
        iptc=_bytes(own) or _iptc_profile(info),
        texts=tuple((key, str(info[key])) for key in PNG_TEXTS if isinstance(info.get(key), str)),
        dpi=_dpi(info),
    )


def _of_boxes(path: Path, about: Metadata) -> Metadata:
    """Return the metadata of JPEG 2000 or JPEG XL, beside what is known of it."""
    with suppress(OSError):
        own = described(path)
        return replace(about, exif=own.exif, xmp=own.xmp, iptc=own.iptc)
    return about


def _of_tiff(path: Path, name: str) -> Metadata:
    """Return the metadata of a TIFF file, whose first directory it is a part of.

    A file whose directory is damaged has none.
    """
    fields = exif.Tags(frozenset({_TIFF_XMP, _TIFF_IPTC, _TIFF_PHOTOSHOP}), longest=xmp.MAX_BYTES)
    try:
        with path.open("rb") as file:
            about = exif.read(file, EXIF)
            file.seek(0)
            others = exif.read(file, fields).image
    except (OSError, exif.ExifError):
        return Metadata(name)
    data = {tag: field.data for tag, field in others.items()}
    if data.get(_TIFF_IPTC, b"\x1c")[0] != 0x1C:  # as numbers of 32 bits in the file's order
        data[_TIFF_IPTC] = exif.swapped(data[_TIFF_IPTC])
    return Metadata(
        name,
        exif=exif.write(about),
        xmp=data.get(_TIFF_XMP, b""),
        iptc=data.get(_TIFF_IPTC, b"") or iptc.photoshop_data(data.get(_TIFF_PHOTOSHOP, b"")),
    )


def _bytes(value: Any) -> bytes:
    """Return a value of Pillow's `info` as bytes, without the mark that JPEG puts before EXIF."""
    data = value.encode() if isinstance(value, str) else value
    return re.sub(b"^(Exif\0\0){1,2}", b"", data) if isinstance(data, bytes) else b""


def _profile(info: Mapping[Any, Any], kind: str) -> bytes:
    """Return a `Raw profile type` of PNG, as ImageMagick writes it: lines of hexadecimal digits."""
    text = info.get(f"Raw profile type {kind}")
    if not isinstance(text, str):
        return b""
    try:
        return _bytes(bytes.fromhex(text.strip().split("\n", 2)[2]))
    except (IndexError, ValueError):
        return b""


def _iptc_profile(info: Mapping[Any, Any]) -> bytes:
    data = _profile(info, "iptc") or _profile(info, "8bim")
    return iptc.photoshop_data(data) if data.startswith(b"8BIM") else data


def _dpi(info: Mapping[Any, Any]) -> tuple[float, float] | None:
    dpi = info.get("dpi")
    # Pillow says 72 where a JPEG has EXIF data that says nothing: that has the last word.
    if not isinstance(dpi, tuple) or len(dpi) != 2 or ("exif" in info and dpi == (72, 72)):
        return None
    try:
        return float(dpi[0]), float(dpi[1])
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def clean(recipe: str) -> str:
    r"""Return the recipe as all formats can hold it.

    Control characters and lone surrogates, which XML and UTF-8 cannot hold, become `\uXXXX`:
    inside JSON that means the same character.

    Raises:
        PictureError: it is longer than `MAX_BYTES`.
    """
    recipe = xmp.UNWRITABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", recipe)
    _check_length(len(recipe.encode()), "The picture")
    return recipe


def recipe_of(image: Image.Image, name: str) -> str | None:
    """Return the recipe in the metadata of an opened image, or None.

    Raises:
        PictureError: it is longer than `MAX_BYTES`, or its text is damaged.
    """
    text = image.info.get(KEYWORD)
    if isinstance(text, str):
        _check_length(len(text.encode(errors="replace")), name)
        return str(text)  # Pillow's subclass also has the language
    packet = image.info.get("xmp")
    return _recipe_in(packet, name) if isinstance(packet, bytes) else None


def recipe_in_file(path: Path) -> str | None:
    """Return the recipe in the boxes of a JPEG XL file, or None.

    Raises:
        PictureError: as `recipe_of`.
        OSError: the file cannot be read.
    """
    return _recipe_in(described(path).xmp, str(path))


def _recipe_in(packet: bytes, name: str) -> str | None:
    """Return the recipe in an XMP packet, or None.

    Raises:
        PictureError: as `recipe_of`.
    """
    match = _ELEMENT.search(packet)
    if match is None:
        return None
    _check_length(len(match[1]), name)
    try:
        return unescape(match[1].decode(), {"&#13;": "\r"})
    except UnicodeDecodeError as problem:
        raise PictureError(f"The recipe in {name} is damaged: {problem}.") from problem


def _check_length(length: int, name: str) -> None:
    if length > MAX_BYTES:
        raise PictureError(
            f"{name} has a recipe of {length:,} bytes; at most {MAX_BYTES:,} are allowed."
        )
