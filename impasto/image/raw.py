"""Develop what a camera's sensor measured (RAW) by rawpy, which is LibRaw."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from impasto.errors import PictureError
from impasto.image.extras import needed
from impasto.image.pixel_modes import Levels
from impasto.image.size_limits import check_memory, check_size

__all__ = ["read"]

_BYTES = 40  # a pixel while it is read: measured, interpolated in four colours, developed, floats
_GAMMA = (2.4, 12.92)  # sRGB's exponent, and its slope in the darkest tones


def read(path: Path, name: str, what: str, max_pixels: int) -> tuple[Levels, Levels | None]:
    """Return sRGB of 16 bits at the sensor's full resolution, upright.

    White balance is the camera's. As in most programs that show RAW, the picture is brightened
    until a hundredth of it is white, since cameras expose for the lights.

    Args:
        name: of the file, for messages.
        what: the file is, for the message if rawpy is missing.

    Raises:
        PictureError: rawpy is not installed, does not know the camera, or the picture is too large.
        Exception: the file is damaged.
    """
    library = needed("rawpy", "raw", name, what)
    try:
        raw = library.imread(str(path))
    except library.LibRawFileUnsupportedError as problem:
        raise PictureError(
            f"{name} is {what} that LibRaw does not know: save it from the camera's own program as "
            "a 16-bit TIFF."
        ) from problem
    with raw:
        size = raw.sizes.width, raw.sizes.height
        check_size(size, name, max_pixels)
        check_memory(size, _BYTES, name)
        developed = raw.postprocess(
            use_camera_wb=True,
            output_color=library.ColorSpace.sRGB,
            output_bps=16,
            gamma=_GAMMA,
        )
    # A sensor without colour filters has one channel.
    return np.broadcast_to(developed, (*developed.shape[:2], 3)), None
