"""ICC colour profiles: convert pixels to sRGB, and the sRGB profile of written pictures."""

from __future__ import annotations

import functools
import io
import logging

import numpy as np
from PIL import Image, ImageCms

__all__ = ["srgb_profile", "to_srgb"]

_log = logging.getLogger(__name__)

# Colour space of a profile → Pillow's mode for its pixels.
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


@functools.cache
def srgb_profile() -> bytes:
    """Return the sRGB profile of LittleCMS, the same bytes in all processes."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24 to 35 are the profile's date (ICC.1:2010, 7.2.8); a fixed one, so that the same
    # pixels make the same file.
    date = b"".join(part.to_bytes(2, "big") for part in (2026, 1, 1, 0, 0, 0))
    return profile[:24] + date + profile[36:]


def to_srgb(image: Image.Image, profile: bytes | None, name: str) -> Image.Image:
    """Convert an image without alpha, of mode L, RGB, CMYK or LAB, to mode RGB in sRGB.

    A profile that cannot be used is ignored, with a warning in the log. CMYK without a profile is
    converted by Pillow's simple formula. A profile that differs from sRGB by at most one level
    counts as sRGB and does not change the values.
    """
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return _apply(image, _transform(lab, "LAB"))
    if profile:
        try:
            return _convert(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as problem:
            _log.warning("%s: its colour profile is ignored (%s).", name, problem)
    return image.convert("RGB")


def _convert(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    mode = _MODES.get(space)
    # A grey picture may have an RGB profile, but CMYK and RGB exclude each other.
    if mode is None or (image.mode != mode and "CMYK" in (image.mode, mode)):
        raise ValueError(f"it is for {space} pixels, these are {image.mode}")
    if mode == "L" and image.mode != "L":
        raise ValueError(f"it is for grey pixels, these are {image.mode}")
    transform = _transform(source, mode)
    if mode != "CMYK" and _is_identity(transform, mode):
        return image.convert("RGB")
    return _apply(image.convert(mode), transform)


def _transform(source: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    target = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode == "L":
        # LittleCMS would use a coarse table for the grey curve, ten levels off in dark tones.
        flags |= ImageCms.Flags.NOOPTIMIZE
    return ImageCms.buildTransform(
        source,
        target,
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=flags,
    )


def _apply(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # None is only for inPlace=True
    return converted


def _is_identity(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Return whether no colour of a probe changes by more than a level, as with sRGB profiles."""
    levels = np.linspace(0, 255, 256 if mode == "L" else 9).round().astype(np.uint8)
    if mode == "L":
        probe = Image.fromarray(levels[None])
    else:
        grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
        probe = Image.fromarray(grid.reshape(1, -1, 3))
    before = np.asarray(probe.convert("RGB")).astype(int)
    after = np.asarray(_apply(probe, transform)).astype(int)
    return bool(np.abs(before - after).max() <= 1)
