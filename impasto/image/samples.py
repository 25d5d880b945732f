"""From Pillow's many modes to one kind of array: sRGB in [0, 1], and the alpha channel."""

from __future__ import annotations

import logging

import numpy as np
from jaxtyping import Float32, UInt16
from PIL import Image

from impasto.image.profiles import to_srgb

__all__ = ["Colours", "Mask", "Words", "from_deep", "from_image"]

Colours = Float32[np.ndarray, "h w 3"]
Mask = Float32[np.ndarray, "h w"]
Words = UInt16[np.ndarray, "h w c"]

_log = logging.getLogger(__name__)


def from_image(image: Image.Image, name: str) -> tuple[Colours, Mask | None]:
    """sRGB and alpha of a loaded image of any mode.

    `name` is what the log calls it. Modes of one number for a pixel (I;16, I, F) have no fixed
    range in Pillow: see `_unit`.
    """
    profile = _profile(image)
    if image.mode[0] in "IF":
        values = np.asarray(image)
        return _grey(_unit(values, image.mode, name), profile, name), _keyed(values, image)
    alpha = _unit8(image.convert("RGBA").getchannel("A")) if image.has_transparency_data else None
    return _unit8(to_srgb(_opaque(image), profile, name)), alpha


def from_deep(words: Words, image: Image.Image, name: str) -> tuple[Colours, Mask | None]:
    """sRGB and alpha of 16-bit RGB or RGBA; `image` is the same at 8 bits, with its metadata.

    LittleCMS is reached through Pillow at 8 bits only, so a picture whose profile is not sRGB
    keeps 8 bits of its colours.
    """
    plain = image.convert("RGB")
    converted = to_srgb(plain, _profile(image), name)
    colours = words[..., :3].astype(np.float32) / 65535
    if converted.tobytes() != plain.tobytes():
        colours = _unit8(converted)
    if words.shape[-1] == 4:
        return colours, words[..., 3].astype(np.float32) / 65535
    return colours, _keyed(words, image)


def _profile(image: Image.Image) -> bytes | None:
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) else None


def _unit8(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(np.float32) / 255


def _opaque(image: Image.Image) -> Image.Image:
    """The image without its alpha channel, as L, RGB, CMYK or LAB."""
    if image.mode in {"L", "RGB", "CMYK", "LAB"}:
        return image
    if image.mode in {"1", "LA"}:
        return image.convert("L")
    if image.mode == "La":
        return image.convert("LA").convert("L")
    # By way of RGBA, as palettes may hold alpha and premultiplied modes convert to nothing else.
    return image.convert("RGBA").convert("RGB")


def _keyed(values: np.ndarray, image: Image.Image) -> Mask | None:
    """Alpha of a picture in which one colour means transparent (tRNS in PNG), at its full depth."""
    key = image.info.get("transparency")
    if not isinstance(key, int | tuple):
        return None
    equal = values == np.asarray(key)
    if equal.ndim == 3:
        equal = equal.all(axis=-1)
    mask: Mask = 1 - equal.astype(np.float32)
    return mask


def _unit(values: np.ndarray, mode: str, name: str) -> Mask:
    """Numbers without a fixed range, brought to [0, 1].

    I;16 and I count to 65535, as in Pillow. Floats count to the least of 1, 255 and 65535 that
    holds them all. What lies outside these ranges is stretched from its least to its greatest.
    """
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    ranges = (1, 255, 65535) if mode == "F" else (65535,)
    top = next((top for top in ranges if low >= 0 and high <= top), None)
    if top is None:
        _log.warning("%s: its values, %g to %g, are stretched to 0 to 1.", name, low, high)
        values = (values - low) / (high - low or 1)
    else:
        values = values / top
    return np.nan_to_num(values, nan=0, posinf=1, neginf=0).astype(np.float32)


def _grey(values: Mask, profile: bytes | None, name: str) -> Colours:
    """Grey to RGB by the curve that its profile makes of the 256 greys; no profile, no curve."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    curve = np.asarray(to_srgb(ramp, profile, name))[0]
    if np.array_equal(curve[:, 0], np.arange(256)):
        return np.repeat(values[..., None], 3, axis=-1)
    at = np.linspace(0, 1, 256)
    bands = [np.interp(values, at, curve[:, c] / 255.0) for c in range(3)]
    return np.stack(bands, axis=-1).astype(np.float32)
