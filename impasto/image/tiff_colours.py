"""Turn the numbers of a TIFF into sRGB and alpha, as its tags say what they mean."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped
from PIL import Image

from impasto.errors import PictureError
from impasto.image.icc import deep_to_srgb, srgb_colorants, to_srgb
from impasto.image.icc_matrix import encode
from impasto.image.pixel_modes import Levels, unit
from impasto.image.samples import levels, straight

if TYPE_CHECKING:
    from tifffile import TiffPage

__all__ = ["colours_of"]

_log = logging.getLogger(__name__)

# TIFF 6.0, PhotometricInterpretation, and the channels of each.
_WHITE, _BLACK, _RGB, _PALETTE, _MASK, _CMYK, _CHROMA, _LAB, _ICC_LAB = 0, 1, 2, 3, 4, 5, 6, 8, 9
_CHANNELS = {
    _WHITE: 1, _BLACK: 1, _RGB: 3, _PALETTE: 1, _MASK: 1, _CMYK: 4, _CHROMA: 3, _LAB: 3, _ICC_LAB: 3
}  # fmt: skip
_ASSOCIATED, _STRAIGHT = 1, 2  # ExtraSamples
_INK_SET, _COLOUR_MAP = 332, 320
_JPEG = {6, 7, 33007, 34892}  # compressions whose decoder returns RGB
_FLOAT_RANGES = (1, 255, 65535)
_BAND = 64  # rows that are converted at a time


def colours_of(
    values: Shaped[np.ndarray, "h w c"], page: TiffPage, name: str
) -> tuple[Levels, Levels | None]:
    """Return sRGB and alpha.

    Raises:
        PictureError: its colours are of a kind that is not read.
    """
    space, number = _space(page, values.shape[-1], name)
    extra = values.shape[-1] - number
    kinds = tuple(page.extrasamples)[:extra]
    # Programs that do not say what a fourth channel is mean alpha by it; others are not alpha.
    kinds = kinds or ((_STRAIGHT,) if extra == 1 and space == _RGB else ())
    at = next((i for i, kind in enumerate(kinds) if kind in (_ASSOCIATED, _STRAIGHT)), None)
    if extra > (at is not None):
        _log.warning("%s has %d more channels than a picture: they are left out.", name, extra)
    if space == _PALETTE:
        return _painted(values[..., 0], page, name), None
    if space in (_LAB, _ICC_LAB):
        return _of_lab(values[..., :3], space, page, name), None
    colours = _scaled(values[..., :number], page, name)
    alpha = None if at is None else _scaled(values[..., number + at :][..., :1], page, name)
    if space == _WHITE:
        colours = (1 if colours.dtype == np.float32 else np.iinfo(colours.dtype).max) - colours
    if alpha is not None and kinds[at or 0] == _ASSOCIATED:
        colours = straight(colours, alpha)
    return _to_srgb(colours, page, name), alpha


def _space(page: TiffPage, channels: int, name: str) -> tuple[int, int]:
    """Return what the numbers mean, and how many of them make a colour."""
    space = int(page.photometric)
    if space == _BLACK and channels == 3 and not page.extrasamples:
        space = _RGB  # three channels of which nothing is said
    if space == _CHROMA and page.compression in _JPEG:
        space = _RGB
    number = _CHANNELS.get(space)
    if number is None or (space == _CHROMA):
        raise PictureError(
            f"{name} is a TIFF of a rare colour space (number {space}): save it as RGB first."
        )
    if space == _CMYK and (page.tags.valueof(_INK_SET, 1) != 1 or channels < number):
        raise PictureError(
            f"{name} is separated into {channels} inks that are not CMYK: save it as RGB first."
        )
    if channels < number:
        raise ValueError(f"{channels} channels where {number} make a colour")
    return space, number


def _scaled(values: Shaped[np.ndarray, "h w c"], page: TiffPage, name: str) -> Levels:
    """Return numbers by the range of their type, floats by the least usual one that holds them."""
    kind, bits = values.dtype.kind, page.bitspersample
    if kind in "bu" and values.dtype.itemsize <= 2:
        whole = values.view(np.uint8) if kind == "b" else values
        return levels(whole, bits if isinstance(bits, int) else 8 * values.dtype.itemsize)
    if kind == "f":
        return unit(values, _FLOAT_RANGES, name)
    size = bits if isinstance(bits, int) else 8 * values.dtype.itemsize
    # Signed numbers, and small ones in 32 bits, as instruments write them.
    top = 2 ** (size - (kind == "i")) - 1
    return unit(values, (65535, top) if size > 16 else (top,), name)


def _painted(indices: Shaped[np.ndarray, "h w"], page: TiffPage, name: str) -> Levels:
    """Return the colours of a palette."""
    palette = page.tags.valueof(_COLOUR_MAP)
    if palette is None or indices.dtype.kind not in "bu":
        raise ValueError("its palette is missing")
    table = np.asarray(palette, np.uint16).reshape(3, -1).T
    if table.max(initial=0) < 256:  # by programs that take it for bytes
        table = (table * 257).astype(np.uint16)
    return _to_srgb(table.take(indices.astype(np.intp), axis=0, mode="clip"), page, name)


def _of_lab(values: Shaped[np.ndarray, "h w 3"], space: int, page: TiffPage, name: str) -> Levels:
    """Convert L*a*b* (D50) of 8 or 16 bits: TIFF 6.0, section 23, and TIFF Technical Note 4."""
    size = 8 * values.dtype.itemsize
    if values.dtype.kind not in "ui" or size not in (8, 16) or page.bitspersample != size:
        raise PictureError(f"{name} is L*a*b* of other than 8 or 16 bits: save it as RGB first.")
    converted = np.empty(values.shape, np.float32)
    to_rgb = np.linalg.inv(srgb_colorants())
    step = 2 ** (size - 8)
    for first in range(0, len(values), _BAND):
        rows = slice(first, first + _BAND)
        words = values[rows].view(f"u{size // 8}").astype(np.float64)
        whites = 255 * step if space == _ICC_LAB else 2**size - 1
        lightness, a, b = words[..., 0] * (100 / whites), words[..., 1], words[..., 2]
        if space == _ICC_LAB:
            a, b = a / step - 128, b / step - 128
        else:
            a, b = ((c - (c >= 2 ** (size - 1)) * 2**size) / step for c in (a, b))
        converted[rows] = encode((_xyz(lightness, a, b) @ to_rgb.T).clip(0, 1).astype(np.float32))
    return converted


def _xyz(lightness: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return XYZ relative to D50 (ISO 13655) of L*a*b* (CIE 1976)."""
    f = np.stack([(lightness + 16) / 116] * 3, axis=-1)
    f[..., 0] += a / 500
    f[..., 2] -= b / 200
    cubes: np.ndarray = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    return cubes * [0.9642, 1.0, 0.8249]


def _to_srgb(colours: Levels, page: TiffPage, name: str) -> Levels:
    profile = page.iccprofile
    profile = bytes(profile) if isinstance(profile, bytes) else None
    if colours.dtype != np.uint8:
        return deep_to_srgb(colours, profile, name)
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[colours.shape[-1]]
    image = Image.frombytes(mode, colours.shape[1::-1], np.ascontiguousarray(colours).tobytes())
    return np.asarray(to_srgb(image, profile, name))
