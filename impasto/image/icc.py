"""ICC colour profiles: convert pixels to sRGB, and the sRGB profile of written pictures."""

from __future__ import annotations

import functools
import io
import logging
from types import ModuleType

import numpy as np
from jaxtyping import Float32, Float64, UInt8, UInt16
from PIL import Image, ImageCms

from impasto.image import icc_matrix
from impasto.image.extras import optional
from impasto.installation import install_hint

__all__ = ["deep_to_srgb", "srgb_colorants", "srgb_profile", "to_srgb"]

Deep = UInt16[np.ndarray, "h w _"] | Float32[np.ndarray, "h w _"]
Levels = UInt8[np.ndarray, "h w _"] | Deep

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


def deep_to_srgb(values: Deep, profile: bytes | None, name: str) -> Levels:
    """Convert grey, RGB or CMYK of 16 bits, or floats in [0, 1], to sRGB of three channels.

    As `to_srgb`, but at the precision of the values. LittleCMS has 8 bits in Pillow, so a profile
    of curves is applied here, and one with tables by imagecodecs; without imagecodecs such a
    picture keeps 8 bits of its colours, with a warning in the log.
    """
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[values.shape[-1]]
    if profile:
        try:
            return _convert_deep(values, mode, profile, name)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError, RuntimeError) as problem:
            _log.warning("%s: its colour profile is ignored (%s).", name, problem)
    if mode != "CMYK":
        return np.broadcast_to(values, (*values.shape[:2], 3))
    top = 65535 if values.dtype == np.uint16 else 1
    light = (1 - values[..., :3] / np.float32(top)) * (1 - values[..., 3:] / np.float32(top))
    plain: Levels = (light * top).round().astype(values.dtype) if top > 1 else light
    return plain


def _convert_deep(values: Deep, mode: str, profile: bytes, name: str) -> Levels:
    source, space = _opened(profile, mode)
    if space != "CMYK" and _is_identity(_transform(source, space), space):
        return np.broadcast_to(values, (*values.shape[:2], 3))
    if space == "RGB" and mode == "L":  # a grey picture with an RGB profile
        values = np.broadcast_to(values, (*values.shape[:2], 3))
    curves = icc_matrix.parse(profile)
    if curves is not None:
        return curves.to_srgb(values, srgb_colorants())
    if (codecs := optional("imagecodecs")) is not None:
        return _by_tables(values, space, profile, codecs)
    _log.warning(
        "%s: its colour profile has tables, so that 8 bits of its colours are kept; %s keeps 16.",
        name,
        f"`{install_hint('codecs')}`",
    )
    return np.asarray(_apply(_image(values, space), _transform(source, space)))


def _by_tables(values: Deep, space: str, profile: bytes, codecs: ModuleType) -> Levels:
    words = values if values.dtype == np.uint16 else (values * 65535).round().astype(np.uint16)
    converted: Levels = codecs.cms_transform(
        np.ascontiguousarray(words if words.shape[-1] > 1 else words[..., 0]),
        profile,
        srgb_profile(),
        colorspace={"L": "gray"}.get(space, space.lower()),
        outcolorspace="rgb",
        intent=int(ImageCms.Intent.RELATIVE_COLORIMETRIC),
        flags=int(ImageCms.Flags.BLACKPOINTCOMPENSATION),
    )
    return converted


def _image(values: Deep, mode: str) -> Image.Image:
    scale = 1 / 257 if values.dtype == np.uint16 else 255
    levels = (values * np.float32(scale)).round().astype(np.uint8)
    if mode == "L":
        return Image.fromarray(levels[..., 0])
    return Image.frombytes(mode, (values.shape[1], values.shape[0]), levels.tobytes())


@functools.cache
def srgb_colorants() -> Float64[np.ndarray, "3 3"]:
    """Return XYZ of the primaries of sRGB, adapted to D50, as columns."""
    profile = icc_matrix.parse(srgb_profile())
    assert profile is not None
    assert profile.colorants is not None
    return profile.colorants


def _convert(image: Image.Image, profile: bytes) -> Image.Image:
    source, mode = _opened(profile, image.mode)
    transform = _transform(source, mode)
    if mode != "CMYK" and _is_identity(transform, mode):
        return image.convert("RGB")
    return _apply(image.convert(mode), transform)


def _opened(profile: bytes, pixels: str) -> tuple[ImageCms.ImageCmsProfile, str]:
    """Return the profile for pixels of this mode, and the mode that it converts from."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    mode = _MODES.get(space)
    # A grey picture may have an RGB profile, but CMYK and RGB exclude each other.
    if mode is None or (pixels != mode and "CMYK" in (pixels, mode)):
        raise ValueError(f"it is for {space} pixels, these are {pixels}")
    if mode == "L" and pixels != "L":
        raise ValueError(f"it is for grey pixels, these are {pixels}")
    return source, mode


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
