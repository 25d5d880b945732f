"""Read TIFF of every kind by tifffile, whose rarer codecs imagecodecs holds.

What Pillow is known to read right is left to it: 8 bits or fewer of the common kinds, whose pixels
are then the same with and without imagecodecs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.image import header_limits, tiff_segments
from impasto.image.pixel_modes import Levels
from impasto.image.samples import ORIENTATION, turned
from impasto.image.size_limits import check_memory, check_size
from impasto.image.tiff_colours import colours_of

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPages

__all__ = ["is_deep", "read", "read_whatever_kind", "size"]

_log = logging.getLogger(__name__)

_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_PILLOW_COMPRESSIONS = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946}
_PALETTE = 3
_OF_LIBTIFF = {5, 32773}  # tifffile cannot unpack these without imagecodecs
_PHOTOMETRIC_OF_PILLOW = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}  # → colour channels


def read(path: Path, name: str, max_pixels: int) -> tuple[Levels, Levels | None] | None:
    """Return sRGB and alpha of the file's first picture, upright; None if Pillow shall read it.

    The first picture is the first directory that is neither a smaller copy nor a mask.

    Args:
        name: of the file, for messages.

    Raises:
        PictureError: the picture is too large, of a kind that is not read, or imagecodecs is needed
            and missing.
        Exception: the file is damaged.
    """
    with _opened(path) as (file, page):
        check_size((page.imagewidth, page.imagelength), name, max_pixels)
        if _has_more(file, page):
            _log.warning("%s holds several pictures: the first is taken.", name)
        if page.treeindex == (0,) and _pillow_reads(page):
            return None
        return _read(page, name)


def read_whatever_kind(path: Path, name: str, max_pixels: int) -> tuple[Levels, Levels | None]:
    """Return the same for a file that Pillow could not read."""
    with _opened(path) as (_, page):
        check_size((page.imagewidth, page.imagelength), name, max_pixels)
        return _read(page, name)


def _read(page: TiffPage, name: str) -> tuple[Levels, Levels | None]:
    tiff_segments.check(page, name)
    check_memory((page.imagewidth, page.imagelength), _bytes(page), name)
    colours, alpha = colours_of(tiff_segments.decode(page), page, name)
    orientation = page.tags.valueof(ORIENTATION, 1)
    code = orientation if isinstance(orientation, int) else 1
    return turned(colours, code), None if alpha is None else turned(alpha, code)


def size(path: Path) -> tuple[int, int]:
    """Return width and height of the file's first picture, as they are stored.

    Raises:
        Exception: the file is damaged.
    """
    with _opened(path) as (_, page):
        return int(page.imagewidth), int(page.imagelength)


def is_deep(path: Path) -> bool:
    """Return whether the file's first picture has more than 8 bits of a channel.

    Raises:
        Exception: the file is damaged.
    """
    with _opened(path) as (_, page):
        bits = page.bitspersample
        return max(bits if isinstance(bits, tuple) else (bits,)) > 8


@contextmanager
def _opened(path: Path) -> Iterator[tuple[TiffFile, TiffPage]]:
    import tifffile

    with (
        _silence(),
        path.open("rb") as stream,
        # Not of kinds whose further directories tifffile would read at once, whatever they hold.
        tifffile.TiffFile(
            stream, name="picture", is_lsm=False, is_scanimage=False, is_ndpi=False
        ) as file,
    ):
        yield file, _first_picture(file)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep tifffile's messages, which are for programmers, from the terminal."""
    logger = logging.getLogger("tifffile")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _first_picture(file: TiffFile) -> TiffPage:
    for page in _pages(file.pages):
        # The whole picture may be within the directory of its smaller copy.
        has_inner = page.subfiletype & _REDUCED and len(page.subifds or ()) == 1
        inner = _pages(page.pages) if has_inner and page.pages is not None else ()
        candidates: list[TiffPage] = [page, *inner]
        for candidate in candidates:
            if _is_picture(candidate):
                return candidate
    return file.pages.first


def _is_picture(page: TiffPage) -> bool:
    return page.imagewidth > 0 and not page.subfiletype & (_REDUCED | _MASK)


def _pages(pages: TiffPages) -> Iterator[TiffPage]:
    """Yield the first directories of a chain; damage ends it."""
    for index in range(header_limits.MAX_DIRECTORIES):
        try:
            yield pages[index].aspage()
        except (IndexError, ValueError):
            return


def _has_more(file: TiffFile, picture: TiffPage) -> bool:
    """Return whether a directory beside the picture's is a picture of its own."""
    return any(page.offset != picture.offset and _is_picture(page) for page in _pages(file.pages))


def _pillow_reads(page: TiffPage) -> bool:
    """Return whether Pillow reads such a picture right."""
    colours = _PHOTOMETRIC_OF_PILLOW.get(page.photometric)
    if page.planarconfig != 1 or colours is None or page.imagedepth != 1:
        return False
    extra = page.samplesperpixel - colours
    if page.compression not in _PILLOW_COMPRESSIONS or extra not in (0, 1):
        return False
    if page.photometric == _PALETTE and _palette_top(page) < 256:
        return False  # of bytes, which are black to Pillow
    if page.bitspersample in (16, 32):
        return page.compression in _OF_LIBTIFF and _is_plain(page)
    if page.sampleformat != 1 or len(page.extrasamples) > 1 or (colours == 1 and extra):
        return False
    return page.bitspersample == 8 or (colours == 1 and page.bitspersample in (1, 2, 4))


def _palette_top(page: TiffPage) -> int:
    return 0 if page.colormap is None else int(page.colormap.max(initial=0))


def _is_plain(page: TiffPage) -> bool:
    """Return whether deep numbers are of those kinds that Pillow reads exactly."""
    if page.bitspersample == 32:
        return page.sampleformat == 3 and page.photometric == 1 and page.samplesperpixel == 1
    if page.sampleformat != 1 or page.extrasamples not in ((), (2,)):
        return False
    return page.photometric == 2 or (page.photometric == 1 and page.samplesperpixel == 1)


def _bytes(page: TiffPage) -> int:
    """Return the most bytes that a pixel takes: as decoded, as a copy, converted, as floats."""
    size = 8 if page.dtype is None else page.dtype.itemsize
    return 2 * size * page.samplesperpixel + 32
