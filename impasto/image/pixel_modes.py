"""Convert Pillow's many modes to sRGB and the alpha channel, as arrays."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, UInt8, UInt16
from PIL import Image

from impasto.image.icc import deep_to_srgb, to_srgb

__all__ = ["Levels", "Words", "from_deep", "from_image", "planes", "unit"]

# Integers are converted as late as possible: floats take up to four times the memory. Floats are in
# [0, 1].
Levels = UInt8[np.ndarray, "h w _"] | UInt16[np.ndarray, "h w _"] | Float32[np.ndarray, "h w _"]
Unit = Float32[np.ndarray, "h w c"]
Words = UInt16[np.ndarray, "h w c"]

_BAND = 64  # rows that are converted at a time

_log = logging.getLogger(__name__)


def planes(levels: Levels) -> Float32[np.ndarray, "_ h w"]:
    """Return levels in [0, 1], channel by channel, with only one copy."""
    by_channel = levels.transpose(2, 0, 1)
    if levels.dtype == np.float32:
        return np.ascontiguousarray(by_channel)
    floats = np.empty(by_channel.shape, np.float32)
    return np.divide(by_channel, np.float32(np.iinfo(levels.dtype).max), out=floats)


def from_image(image: Image.Image, name: str) -> tuple[Levels, Levels | None]:
    """Return sRGB and alpha of a loaded image of any mode.

    The log calls it `name`. Modes of one number for a pixel (I;16, I, F) have no fixed
    range in Pillow: see `unit`.
    """
    profile = _profile(image)
    if image.mode[0] in "IF":
        values = np.asarray(image)
        ranges = (1, 255, 65535) if image.mode == "F" else (65535,)
        grey = unit(values[..., None], ranges, name)
        return deep_to_srgb(grey, profile, name), _keyed(values, image)
    colours = _colours(_opaque(image), profile, name)
    if not image.has_transparency_data:
        return colours, None
    return colours, np.asarray(_as(image, "RGBA").getchannel("A"))[..., None]


def from_deep(words: Words, image: Image.Image, name: str) -> tuple[Levels, Levels | None]:
    """Return sRGB and alpha of 16-bit RGB or RGBA; `image` is the same at 8 bits, with metadata."""
    colours = deep_to_srgb(words[..., :3], _profile(image), name)
    return colours, words[..., 3:] if words.shape[-1] == 4 else _keyed(words, image)


def _profile(image: Image.Image) -> bytes | None:
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) else None


def _colours(image: Image.Image, profile: bytes | None, name: str) -> UInt8[np.ndarray, "h w 3"]:
    is_plain = image.mode == "RGB" and not profile
    return np.asarray(image if is_plain else to_srgb(image, profile, name))


def _as(image: Image.Image, mode: str) -> Image.Image:
    """Return the image in another mode; the image itself if it has that mode."""
    return image if image.mode == mode else image.convert(mode)


def _opaque(image: Image.Image) -> Image.Image:
    """Return the image without its alpha channel, as L, RGB, CMYK or LAB."""
    if image.mode in {"L", "RGB", "CMYK", "LAB"}:
        return image
    if image.mode in {"1", "LA"}:
        return image.convert("L")
    if image.mode == "La":
        return image.convert("LA").convert("L")
    # Through RGBA: palettes may have alpha, and premultiplied modes convert only to it.
    return _as(image, "RGBA").convert("RGB")


def _keyed(values: np.ndarray, image: Image.Image) -> Levels | None:
    """Return the alpha of a picture in which one colour is transparent (tRNS in PNG)."""
    key = image.info.get("transparency")
    if not isinstance(key, int | tuple):
        return None
    equal = values == np.asarray(key)
    if equal.ndim == 3:
        equal = equal.all(axis=-1)
    mask: Levels = np.where(equal, np.uint8(0), np.uint8(255))[..., None]
    return mask


def unit(values: np.ndarray, ranges: tuple[int, ...], name: str) -> Unit:
    """Scale numbers without a fixed range to [0, 1]: (height, width, channels).

    Their range ends at the least of `ranges` that contains all of them. Values outside are
    stretched from their least to their greatest, with a warning in the log.
    """
    low, high = _bounds(values)
    top = next((top for top in ranges if low >= 0 and high <= top), None)
    if top is None:
        _log.warning("%s: its values, %g to %g, are stretched to 0 to 1.", name, low, high)
    start, scale = (low, high - low or 1) if top is None else (0, top)
    scaled = np.empty(values.shape, np.float32)
    for rows in _bands(values):
        band = (values[rows].astype(np.float64) - start) / scale
        scaled[rows] = np.nan_to_num(band, nan=0, posinf=1, neginf=0)
    return scaled


def _bounds(values: np.ndarray) -> tuple[float, float]:
    """Return the least and the greatest number; 0 and 0 if there is none."""
    bounds = []
    for rows in _bands(values):
        finite = values[rows][np.isfinite(values[rows])]
        bounds += [float(finite.min()), float(finite.max())] if finite.size else []
    return min(bounds, default=0.0), max(bounds, default=0.0)


def _bands(values: np.ndarray) -> Iterator[slice]:
    for top in range(0, len(values), _BAND):
        yield slice(top, top + _BAND)
