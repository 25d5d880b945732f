"""The formats of picture files. Needs neither PyTorch nor Pillow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = [
    "FORMATS",
    "READ_SUFFIXES",
    "WRITTEN",
    "Keeping",
    "PictureFormat",
    "WrittenName",
    "format_of",
]

WrittenName = Literal["png", "jpg", "webp", "tiff", "avif", "jxl"]
"""What an option calls the formats that are written: their first suffixes, without the dot."""

Keeping = Literal["keep", "all", "none"]
"""What of a photograph's metadata is written: all but the place, all, or nothing."""


@dataclass(frozen=True)
class PictureFormat:
    """A format that is read, and perhaps written.

    Attributes:
        name: as a message calls it.
        pillow: as Pillow calls it; empty for a format that Pillow does not read.
        suffixes: in small letters, with the dot; the first is the usual one.
        read_suffixes: further ones under which such pictures are read, but not written.
        is_written: whether it is also written.
        bits: the most bits of a channel that are written.
        is_lossy: whether a quality below 100 loses detail.
        longest_side: the most pixels along a side, where the format has a limit.
        extra: what has to be installed to read it, such as the extra `heif`; None for
            what is always read.
    """

    name: str
    pillow: str
    suffixes: tuple[str, ...]
    read_suffixes: tuple[str, ...] = ()
    is_written: bool = False
    bits: Literal[8, 16] = 8
    is_lossy: bool = False
    longest_side: int | None = None
    extra: str | None = None


# Pillow reads thirty more: some of them start programs, and many are rarely looked after.
FORMATS = (
    PictureFormat("PNG", "PNG", (".png",), (".apng",), is_written=True, bits=16),
    PictureFormat(
        "JPEG",
        "JPEG",
        (".jpg", ".jpeg"),
        (".jpe", ".jfif", ".mpo"),
        is_written=True,
        is_lossy=True,
        longest_side=65_500,
    ),
    PictureFormat("WebP", "WEBP", (".webp",), is_written=True, is_lossy=True, longest_side=16_383),
    PictureFormat("TIFF", "TIFF", (".tiff", ".tif"), is_written=True, bits=16),
    PictureFormat("AVIF", "AVIF", (".avif",), is_written=True, is_lossy=True, longest_side=32_768),
    PictureFormat("JPEG 2000", "JPEG2000", (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx")),
    PictureFormat("GIF", "GIF", (".gif",)),
    PictureFormat("BMP", "BMP", (".bmp", ".dib")),
    PictureFormat("PPM", "PPM", (".ppm", ".pgm", ".pbm", ".pnm")),
    PictureFormat("TGA", "TGA", (".tga",)),
    PictureFormat(
        "JPEG XL", "", (".jxl",), is_written=True, bits=16, is_lossy=True, extra="codecs"
    ),
    PictureFormat("HEIC", "", (".heic", ".heif", ".hif"), extra="heif"),
    PictureFormat(
        "camera RAW",
        "",
        (
            ".dng", ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".erf", ".fff", ".iiq", ".kdc",
            ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2",
            ".srf", ".srw", ".x3f",
        ),
        extra="raw",
    ),
)  # fmt: skip

READ_SUFFIXES = frozenset(suffix for row in FORMATS for suffix in row.suffixes + row.read_suffixes)
"""Suffixes of the pictures in a folder; a file that is named may have any."""

WRITTEN = {suffix: row for row in FORMATS if row.is_written for suffix in row.suffixes}
"""The formats that are written, by suffix."""


def format_of(path: Path) -> PictureFormat | None:
    """Return the format in which a file of that name is written, or None."""
    return WRITTEN.get(path.suffix.lower())
