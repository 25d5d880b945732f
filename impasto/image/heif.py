"""Read HEIC and HEIF by pillow-heif, at the depth that the file has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from impasto.image import cicp
from impasto.image.extras import needed
from impasto.image.icc import deep_to_srgb, to_srgb
from impasto.image.pixel_modes import Levels
from impasto.image.samples import levels, straight
from impasto.image.size_limits import check_memory, check_size

__all__ = ["info", "is_deep", "read"]

_BYTES = 32  # a pixel while it is read: decoded twice, converted, as floats


def read(path: Path, name: str, what: str, max_pixels: int) -> tuple[Levels, Levels | None]:
    """Return sRGB and alpha of the file's primary picture.

    libheif turns it upright as the file's own properties say; EXIF's orientation repeats these and
    does not count (ISO/IEC 23008-12, 6.5.10).

    Args:
        name: of the file, for messages.
        what: the file is, for the message if pillow-heif is missing.

    Raises:
        PictureError: pillow-heif is not installed, or the picture is too large.
        Exception: the file is damaged.
    """
    library = needed("pillow_heif", "heif", name, what)
    image = library.open_heif(path, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    check_size(image.size, name, max_pixels)
    check_memory(image.size, _BYTES, name)
    bands, _, depth = image.mode.partition(";")
    bits = int(depth.rstrip("L") or 8)
    # A copy: the library's own memory may be freed with `image`, whatever still looks at it.
    values = np.array(image[image.primary_index]).reshape(*image.size[::-1], len(bands))
    return _colours(levels(values, bits), bands, image.info, name)


def is_deep(path: Path, what: str) -> bool:
    """Return whether the file's primary picture has more than 8 bits of a channel.

    Raises:
        PictureError: pillow-heif is not installed.
        Exception: the file is damaged.
    """
    library = needed("pillow_heif", "heif", str(path), what)
    return bool(library.open_heif(path, convert_hdr_to_8bit=False).info["bit_depth"] > 8)


def info(path: Path) -> dict[Any, Any]:
    """Return what pillow-heif, which is installed, says of the file beside its pixels.

    Raises:
        Exception: the file is damaged.
    """
    library = needed("pillow_heif", "heif", str(path), "a HEIF picture")
    return dict(library.open_heif(path, convert_hdr_to_8bit=False).info)


def _colours(
    values: Levels, bands: str, info: dict[str, Any], name: str
) -> tuple[Levels, Levels | None]:
    alpha = values[..., -1:] if bands[-1] in "Aa" else None
    colours = values if alpha is None else values[..., :-1]
    if alpha is not None and bands[-1] == "a":
        colours = straight(colours, alpha)
    return _to_srgb(np.ascontiguousarray(colours), info, name), alpha


def _to_srgb(colours: Levels, info: dict[str, Any], name: str) -> Levels:
    """Convert by the colour profile, or by the code points, over which it takes precedence."""
    profile, described = info.get("icc_profile"), info.get("nclx_profile")
    if not profile and described:
        points = cicp.CodePoints(
            described["color_primaries"], described["transfer_characteristics"]
        )
        if not points.is_srgb:
            rgb = np.broadcast_to(colours, (*colours.shape[:2], 3))
            return cicp.to_srgb(rgb, points, name)
    if colours.dtype == np.uint16:
        return deep_to_srgb(colours, profile, name)
    image = Image.fromarray(colours if colours.shape[-1] == 3 else colours[..., 0])
    return np.asarray(to_srgb(image, profile, name))
